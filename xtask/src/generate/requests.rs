//! Query structs and setters of requests, documented with the descriptions and examples of the document.

use anyhow::{Context, Result};
use heck::ToUpperCamelCase;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;
use syn::{Ident, ItemStruct, Type};

use super::{
    client::{Client, Method},
    document, enums, text, types,
};

/// Generates limits, query structs and the types of changes.
pub(crate) fn generate(document: &Value, client: &Client) -> Result<syn::File> {
    let mut code = quote!(
        use super::client::Requests;
    );
    code.extend(idempotency_key_length(document)?);
    code.extend(idempotency_key_ttl(document)?);
    code.extend(page_limits(document)?);
    for schema in document::changes(document) {
        code.extend(changes(document, schema)?);
    }
    for (id, operation) in operations(document)? {
        if !document::parameters(document, operation, "query")?.is_empty() {
            let method = client
                .methods
                .get(id)
                .context("the operation has no method")?;
            code.extend(query(id, method).with_context(|| id.to_owned())?);
        }
    }
    Ok(syn::parse2(code)?)
}

/// Generates the setters of all requests, of the types of changes and of `NewLead`.
pub(crate) fn setters(document: &Value) -> Result<syn::File> {
    let mut code = TokenStream::new();
    for schema in document::changes(document) {
        let name = document::changes_name(schema);
        code.extend(builder(document, &name, &format!("{name}::new()"), schema)?);
    }
    code.extend(builder(
        document,
        "NewLead",
        "NewLead::new(\"Budi\")",
        "LeadCreate",
    )?);
    for (id, operation) in operations(document)? {
        code.extend(request(document, operation, id).with_context(|| id.to_owned())?);
    }
    Ok(syn::parse2(code)?)
}

/// Returns all operations with their ids.
fn operations(document: &Value) -> Result<Vec<(&str, &Value)>> {
    let items = document::object(document, "/paths")?.values();
    let operations = items.flat_map(document::operations).map(|operation| {
        let id = operation["operationId"].as_str();
        Ok((id.context("an operation has no id")?, operation))
    });
    operations.collect()
}

/// A setter.
struct Setter<'a> {
    /// The name of the property or parameter.
    wire: &'a str,
    schema: &'a Value,
    doc: String,
    /// The path of the field, relative to `self`.
    place: TokenStream,
    /// Whether the field is a `Change`.
    nullable: bool,
    /// A Rust expression for the example.
    example: String,
}

/// Returns the methods of the client that lead to a request: `support().create_ticket(…)` for
/// `support_ticket_create`.
pub(crate) fn method(id: &str) -> Result<(Ident, Ident)> {
    let (noun, verb) = id
        .split_once('_')
        .context("the operation id is not of the form noun_verb")?;
    let verb = verb.rsplit('_').collect::<Vec<_>>().join("_");
    Ok((format_ident!("{noun}"), format_ident!("{verb}")))
}

/// Generates the setters of a request.
fn request(document: &Value, operation: &Value, id: &str) -> Result<TokenStream> {
    let (noun, verb) = self::method(id)?;
    let request = format_ident!("{}", verb.to_string().to_upper_camel_case());
    let example = format!(
        "client.{noun}().{verb}({})",
        required_arguments(document, operation)?
    );

    let mut setters = Vec::new();
    for parameter in document::parameters(document, operation, "query")? {
        setters.push(parameter_setter(document, parameter, &quote!(query))?);
    }
    if let Some(name) = document::body(operation).and_then(document::schema_name) {
        setters.extend(body_setters(document, name, &quote!(body))?);
    }
    for parameter in document::parameters(document, operation, "header")? {
        setters.push(parameter_setter(document, parameter, &quote!(headers))?);
    }
    if setters.is_empty() {
        return Ok(TokenStream::new());
    }
    let methods = setters
        .iter()
        .map(|setter| methods(document, setter, &example))
        .collect::<Result<TokenStream>>()?;
    Ok(quote!(impl crate::#noun::#request { #methods }))
}

/// Generates `impl <name>` with a setter for each optional property of a body.
fn builder(document: &Value, name: &str, example: &str, schema: &str) -> Result<TokenStream> {
    let ident = format_ident!("{name}");
    let methods = body_setters(document, schema, &TokenStream::new())?
        .iter()
        .map(|setter| methods(document, setter, example))
        .collect::<Result<TokenStream>>()?;
    Ok(quote!(impl crate::#ident { #methods }))
}

fn parameter_setter<'a>(
    document: &'a Value,
    parameter: &'a Value,
    place: &TokenStream,
) -> Result<Setter<'a>> {
    let wire = parameter["name"]
        .as_str()
        .context("the parameter has no name")?;
    let field = types::snake(wire);
    Ok(Setter {
        wire,
        schema: &parameter["schema"],
        doc: document::description(document, wire, parameter)?,
        place: quote!(#place.#field),
        nullable: false,
        example: expression(document, &parameter["schema"], parameter.get("example"))?,
    })
}

/// Returns a setter for each optional property. The fields of nested changes get setters as well.
fn body_setters<'a>(
    document: &'a Value,
    name: &str,
    place: &TokenStream,
) -> Result<Vec<Setter<'a>>> {
    let schema = document::object(document, "/components/schemas")?
        .get(name)
        .with_context(|| format!("no schema {name}"))?;
    let dot = (!place.is_empty()).then(|| quote!(.));
    let is_change = document::changes(document).contains(&name);

    let mut setters = Vec::new();
    for (wire, property) in document::properties(schema)? {
        let field = types::snake(wire);
        let place = quote!(#place #dot #field);
        if let Some(changes) = document::schema_name(property)
            && document::is_change(document, property)
        {
            setters.extend(body_setters(document, changes, &place)?);
        } else if !document::is_required(schema, wire) {
            setters.push(Setter {
                wire,
                schema: property,
                doc: setter_doc(wire, &document::description(document, wire, property)?),
                nullable: is_change && document::is_nullable(document, property)?,
                place,
                example: expression(document, property, document::body_example(document, wire))?,
            });
        }
    }
    Ok(setters)
}

fn methods(document: &Value, setter: &Setter<'_>, example: &str) -> Result<TokenStream> {
    let name = types::snake(setter.wire);
    let place = &setter.place;
    let ty = types::rust_type(document, setter.schema)?;
    let (parameter, value) = parameter(&ty, &name);
    let stored = if setter.nullable {
        quote!(crate::Change::Set(#value))
    } else {
        quote!(Some(#value))
    };

    let doc = documented(
        &setter.doc,
        &format!("{example}.{name}({})", setter.example),
    );
    let mut code = quote! {
        #(#[doc = #doc])*
        #[must_use]
        pub fn #name(mut self, #name: #parameter) -> Self {
            self.#place = #stored;
            self
        }
    };
    if setter.nullable {
        let clear = format_ident!("clear_{name}");
        let text = format!("Clears `{}`: sends null.", setter.wire);
        let doc = documented(&text, &format!("{example}.{clear}()"));
        code.extend(quote! {
            #(#[doc = #doc])*
            #[must_use]
            pub fn #clear(mut self) -> Self {
                self.#place = crate::Change::Clear;
                self
            }
        });
    }
    Ok(code)
}

/// Returns the argument type of a setter, and the expression that converts it.
fn parameter(ty: &Type, name: &Ident) -> (TokenStream, TokenStream) {
    let text = quote!(#ty).to_string().replace(' ', "");
    if matches!(text.as_str(), "String" | "f64" | "crate::TimeOrDate") {
        (quote!(impl Into<#ty>), quote!(#name.into()))
    } else {
        (quote!(#ty), quote!(#name))
    }
}

/// Generates the query struct of an operation.
fn query(id: &str, method: &Method) -> Result<TokenStream> {
    let ident = format_ident!("{}Query", id.to_upper_camel_case());
    let name = format_ident!("{id}");
    let Method { arguments } = method;
    let names = arguments.iter().map(|(name, _)| name).collect::<Vec<_>>();
    let owned = arguments
        .iter()
        .map(|(_, ty)| owned(ty))
        .collect::<Result<Vec<_>>>()?;
    let passed = arguments.iter().map(|(name, ty)| {
        let text = quote!(#ty).to_string();
        if text.contains("str") {
            quote!(self.#name.as_deref())
        } else if text.contains('&') {
            quote!(self.#name.as_ref())
        } else {
            quote!(self.#name)
        }
    });

    let is_paged = names.iter().any(|name| *name == "cursor");
    let go_to = is_paged.then(|| {
        quote! {
            /// Requests the page of a cursor, with at most `rows` rows.
            pub(crate) fn go_to(&mut self, cursor: Option<String>, rows: Option<u64>) {
                if cursor.is_some() {
                    self.page = None;
                    self.cursor = cursor;
                }
                if let Some(rows) = rows {
                    self.limit = Some(self.limit.unwrap_or(MAX_PAGE_SIZE).min(rows));
                }
            }
        }
    });

    let doc = format!(" The query of `{id}`.");
    let structure: ItemStruct = syn::parse2(quote! {
        #[doc = #doc]
        #[derive(Clone, Default)]
        pub(crate) struct #ident { #(pub(crate) #names: #owned),* }
    })?;
    let debug = types::debug(&structure);
    Ok(quote! {
        #structure
        #debug
        impl #ident {
            pub(crate) fn request(&self, requests: &Requests<'_>) -> reqwest::Result<reqwest::Request> {
                requests.#name(#(#passed),*)
            }
            #go_to
        }
    })
}

/// Returns the owned form of a type: `Option<String>` for `Option<&'a str>`.
fn owned(ty: &Type) -> Result<Type> {
    let text = quote!(#ty)
        .to_string()
        .replace("& 'a str", "String")
        .replace("& 'a ", "");
    Ok(syn::parse_str(&text)?)
}

/// Generates the bounds of the length of an `Idempotency-Key`.
fn idempotency_key_length(document: &Value) -> Result<TokenStream> {
    let schema = &document["components"]["schemas"]["IdempotencyKey"];
    let length = |name: &str| {
        let length = schema[name].as_u64().context("the key has no length")?;
        Ok::<_, anyhow::Error>(usize::try_from(length)?)
    };
    let (shortest, longest) = (length("minLength")?, length("maxLength")?);
    Ok(quote! {
        /// The allowed length of an `Idempotency-Key`, in characters.
        pub(crate) const IDEMPOTENCY_KEY_LENGTH: ::std::ops::RangeInclusive<usize> =
            #shortest..=#longest;
    })
}

/// Generates the retention time of responses to an `Idempotency-Key`.
fn idempotency_key_ttl(document: &Value) -> Result<TokenStream> {
    let hours = document["x-konektor-limits"]["idempotencyHours"]
        .as_u64()
        .context("the document has no limit idempotencyHours")?;
    let doc = text::doc_lines(&format!(
        "How long the server stores the response to an `Idempotency-Key`: {hours} hours. A write that \
         is repeated later may be executed twice."
    ));
    Ok(quote! {
        #(#[doc = #doc])*
        pub const IDEMPOTENCY_KEY_TTL: ::std::time::Duration =
            ::std::time::Duration::from_hours(#hours);
    })
}

/// Generates the limits of pagination.
fn page_limits(document: &Value) -> Result<TokenStream> {
    let schemas = &document["components"]["schemas"];
    let length = schemas["Cursor"]["maxLength"]
        .as_u64()
        .context("the cursor has no maximum length")?;
    let length = usize::try_from(length)?;
    let size = schemas["PageLimit"]["maximum"]
        .as_u64()
        .context("the page has no maximum size")?;
    Ok(quote! {
        /// The maximum length of a cursor, in characters.
        pub(crate) const MAX_CURSOR_LENGTH: usize = #length;
        /// The maximum number of rows on a page.
        pub(crate) const MAX_PAGE_SIZE: u64 = #size;
    })
}

/// Generates a type of changes.
fn changes(document: &Value, name: &str) -> Result<TokenStream> {
    let schema = &document["components"]["schemas"][name];
    let mut fields = TokenStream::new();
    for (wire, property) in document::properties(schema)? {
        let name = types::snake(wire);
        let ty = types::rust_type(document, property)?;
        let rename = (name != wire).then(|| quote!(rename = #wire,));
        let serialize = types::serializer(&ty).map(|function| quote!(, serialize_with = #function));
        let doc = text::doc_lines(&document::description(document, wire, property)?);
        let (ty, serde) = if document::is_nullable(document, property)? {
            (
                quote!(crate::Change<#ty>),
                quote!(skip_serializing_if = "crate::Change::is_keep"),
            )
        } else {
            let serde = quote! {
                skip_serializing_if = "Option::is_none",
                deserialize_with = "crate::wire::not_null"
            };
            (quote!(Option<#ty>), serde)
        };
        fields.extend(quote! {
            #(#[doc = #doc])*
            #[serde(#rename default, #serde #serialize)]
            pub #name: #ty,
        });
    }

    let ident = format_ident!("{}", document::changes_name(name));
    let doc = text::doc_lines(&document::description(document, name, schema)?);
    let example = text::doc_lines(&changes_example(document, &ident, schema)?);
    let structure: ItemStruct = syn::parse2(quote! {
        #(#[doc = #doc])*
        ///
        #(#[doc = #example])*
        #[derive(Clone, Default, PartialEq, ::serde::Deserialize, ::serde::Serialize)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct #ident { #fields }
    })?;
    let debug = types::debug(&structure);
    Ok(quote! {
        #structure
        #debug
        impl #ident {
            /// No change.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            /// Whether nothing would change.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }
        }
    })
}

/// Returns an example that clears the first field that may be null.
fn changes_example(document: &Value, ident: &Ident, schema: &Value) -> Result<String> {
    for (wire, property) in document::properties(schema)? {
        if document::is_nullable(document, property)? {
            let field = types::snake(wire);
            return Ok(format!(
                "```\nuse konektor_sdk::{ident};\n\nlet changes = {ident}::new();\n\
                 assert!(changes.is_empty());\nlet changes = changes.clear_{field}();\n\
                 assert_eq!(serde_json::to_string(&changes)?, r#\"{{\"{wire}\":null}}\"#);\n\
                 # Ok::<(), serde_json::Error>(())\n```"
            ));
        }
    }
    Ok(String::new())
}

/// Returns the required arguments of a request as Rust code.
fn required_arguments(document: &Value, operation: &Value) -> Result<String> {
    let mut arguments = Vec::new();
    for parameter in document::parameters(document, operation, "path")? {
        arguments.push(expression(
            document,
            &parameter["schema"],
            parameter.get("example"),
        )?);
    }
    if let Some(body) = document::body(operation) {
        let example =
            document::body_example_of(document, operation).context("the body has no example")?;
        let schema = document::follow(document, body)?;
        for (wire, property) in document::properties(schema)? {
            let name = document::schema_name(property);
            if name == Some("LeadMatch") {
                let by = types::snake(
                    example[wire]["by"]
                        .as_str()
                        .context("the schema has no example")?,
                );
                arguments.push(format!("LeadMatch::{by}({})", example[wire]["value"]));
            } else if document::is_required(schema, wire)
                && !document::is_change(document, property)
            {
                arguments.push(expression(document, property, example.get(wire))?);
            }
        }
    }
    Ok(arguments.join(", "))
}

/// Returns an example value as a Rust expression.
fn expression(document: &Value, schema: &Value, example: Option<&Value>) -> Result<String> {
    let bare = document::bare(document, schema)?;
    let target = document::follow(document, &bare)?;
    let example = example
        .or_else(|| document::example(document, schema))
        .filter(|it| !it.is_null());
    if let (Some(name), Some(values)) = (document::schema_name(&bare), document::values(target)) {
        let value = example
            .or(values.first())
            .and_then(Value::as_str)
            .context("no values")?;
        return Ok(format!("{name}::{}", enums::variant(value)));
    }
    let example = example
        .cloned()
        .unwrap_or_else(|| match bare["type"].as_str() {
            Some("boolean") => Value::from(false),
            Some("integer" | "number") => Value::from(1),
            _ => Value::from("…"),
        });
    Ok(if bare["format"] == "uuid" {
        format!("{example}.parse()?")
    } else {
        example.to_string()
    })
}

/// Generates documentation with a compiled example.
fn documented(text: &str, expression: &str) -> Vec<String> {
    text::doc_lines(&format!(
        "{text}\n\n```\n# use konektor_sdk::*;\n# fn example(client: Client) -> Result<(), Box<dyn \
         std::error::Error>> {{\nlet request = {expression};\n# Ok(())\n# }}\n```"
    ))
}

fn setter_doc(wire: &str, description: &str) -> String {
    if description == text::words(wire) {
        format!("Sets `{wire}`.")
    } else {
        format!("Sets `{wire}`: {}", lower_first(description))
    }
}

/// Lowercases the first letter of a sentence, unless its first word is a name.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}
