//! What requests hold, and their setters, each with the words and the example of the document.

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

/// The schema of changes to a lead, which can tell absent from null.
const CHANGES: &str = "LeadUpdate";

/// Limits, query structs, and the fields of `LeadChanges`.
pub(crate) fn generate(document: &Value, client: &Client) -> Result<syn::File> {
    let mut code = quote!(
        use super::client::Requests;
    );
    code.extend(idempotency_key_length(document)?);
    code.extend(idempotency_key_ttl(document)?);
    code.extend(page_limits(document)?);
    code.extend(changes(document)?);
    for (id, operation) in operations(document)? {
        if !document::parameters(document, operation, "query")?.is_empty() {
            let method = client
                .methods
                .get(id)
                .context("an operation without a method")?;
            code.extend(query(id, method).with_context(|| id.to_owned())?);
        }
    }
    Ok(syn::parse2(code)?)
}

/// The setters of all requests, of `LeadChanges` and of `NewLead`.
pub(crate) fn setters(document: &Value) -> Result<syn::File> {
    let mut code = builder(document, "LeadChanges", "LeadChanges::new()", CHANGES)?;
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

/// Every operation, by its id.
fn operations(document: &Value) -> Result<Vec<(&str, &Value)>> {
    let items = document::object(document, "/paths")?.values();
    let operations = items.flat_map(document::operations).map(|operation| {
        let id = operation["operationId"].as_str();
        Ok((id.context("an operation without an id")?, operation))
    });
    operations.collect()
}

/// One setter: what it is called, takes and stores.
struct Setter<'a> {
    /// The property or parameter.
    wire: &'a str,
    schema: &'a Value,
    doc: String,
    /// Where the value goes, from `self`.
    place: TokenStream,
    /// Whether the place is a `Change`.
    nullable: bool,
    /// A Rust expression for the documentation.
    example: String,
}

/// The setters of one operation's request.
fn request(document: &Value, operation: &Value, id: &str) -> Result<TokenStream> {
    let (noun, verb) = id.split_once('_').context("an operation id is noun_verb")?;
    let verb = verb.rsplit('_').collect::<Vec<_>>().join("_");
    let request = format_ident!("{}", verb.to_upper_camel_case());
    let noun = format_ident!("{noun}");
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

/// `impl <name>` with a setter for each property of a body that is not required.
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
        .context("a parameter without a name")?;
    let field = types::snake(wire);
    Ok(Setter {
        wire,
        schema: &parameter["schema"],
        doc: parameter["description"]
            .as_str()
            .context("no description")?
            .to_owned(),
        place: quote!(#place.#field),
        nullable: false,
        example: expression(document, &parameter["schema"], parameter.get("example"))?,
    })
}

/// A setter for each property that is not required; those of changes within are taken out of them.
fn body_setters<'a>(
    document: &'a Value,
    name: &str,
    place: &TokenStream,
) -> Result<Vec<Setter<'a>>> {
    let schema = document::object(document, "/components/schemas")?
        .get(name)
        .with_context(|| format!("no schema {name}"))?;
    let dot = (!place.is_empty()).then(|| quote!(.));

    let mut setters = Vec::new();
    for (wire, property) in document::properties(schema)? {
        let field = types::snake(wire);
        let place = quote!(#place #dot #field);
        if document::schema_name(property) == Some(CHANGES) {
            setters.extend(body_setters(document, CHANGES, &place)?);
        } else if !document::is_required(schema, wire) {
            setters.push(Setter {
                wire,
                schema: property,
                doc: setter_doc(wire, &document::description(document, wire, property)?),
                nullable: name == CHANGES && document::is_nullable(document, property)?,
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
        let text = format!(
            "Clears `{}`: sends null, so that the lead has none any more.",
            setter.wire
        );
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

/// What a setter takes for a type, and how it makes that type of it.
fn parameter(ty: &Type, name: &Ident) -> (TokenStream, TokenStream) {
    let text = quote!(#ty).to_string().replace(' ', "");
    if matches!(text.as_str(), "String" | "f64" | "crate::TimeOrDate") {
        (quote!(impl Into<#ty>), quote!(#name.into()))
    } else {
        (quote!(#ty), quote!(#name))
    }
}

/// The struct that holds an operation's query, and its call.
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
            /// Asks for the page of a cursor, and for no more than so many rows.
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

/// `Option<&'a str>` as something to keep: `Option<String>`.
fn owned(ty: &Type) -> Result<Type> {
    let text = quote!(#ty)
        .to_string()
        .replace("& 'a str", "String")
        .replace("& 'a ", "");
    Ok(syn::parse_str(&text)?)
}

/// A key that HTTP cannot carry is refused before it is sent, and one of a wrong length with it.
fn idempotency_key_length(document: &Value) -> Result<TokenStream> {
    let schema = &document["components"]["schemas"]["IdempotencyKey"];
    let length = |name: &str| {
        let length = schema[name].as_u64().context("no length")?;
        Ok::<_, anyhow::Error>(usize::try_from(length)?)
    };
    let (shortest, longest) = (length("minLength")?, length("maxLength")?);
    Ok(quote! {
        /// How many characters an `Idempotency-Key` has.
        pub(crate) const IDEMPOTENCY_KEY_LENGTH: ::std::ops::RangeInclusive<usize> =
            #shortest..=#longest;
    })
}

/// How long the server keeps the answer to a key.
fn idempotency_key_ttl(document: &Value) -> Result<TokenStream> {
    let hours = document["x-konektor-limits"]["idempotencyHours"]
        .as_u64()
        .context("no limit idempotencyHours")?;
    let doc = text::doc_lines(&format!(
        "How long the server keeps the answer to an `Idempotency-Key`: {hours} hours. A write that is \
         made again under its key after that may happen twice."
    ));
    Ok(quote! {
        #(#[doc = #doc])*
        pub const IDEMPOTENCY_KEY_TTL: ::std::time::Duration =
            ::std::time::Duration::from_hours(#hours);
    })
}

/// What bounds a page: a cursor that no request could carry is an error of the server's.
fn page_limits(document: &Value) -> Result<TokenStream> {
    let schemas = &document["components"]["schemas"];
    let length = schemas["Cursor"]["maxLength"]
        .as_u64()
        .context("a cursor without a length")?;
    let length = usize::try_from(length)?;
    let size = schemas["PageLimit"]["maximum"]
        .as_u64()
        .context("a page without a size")?;
    Ok(quote! {
        /// The most characters of a cursor.
        pub(crate) const MAX_CURSOR_LENGTH: usize = #length;
        /// The most rows of a page.
        pub(crate) const MAX_PAGE_SIZE: u64 = #size;
    })
}

/// `LeadChanges` and its fields.
fn changes(document: &Value) -> Result<TokenStream> {
    let schema = &document["components"]["schemas"][CHANGES];
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

    let structure: ItemStruct = syn::parse2(quote! {
        /// Changes to a lead: a field that is not set stays as it is, a cleared one becomes null.
        ///
        /// As JSON an absent field is one that stays, and null is one that is cleared.
        ///
        /// ```
        /// use konektor_sdk::{LeadChanges, LeadStatus};
        ///
        /// let changes = LeadChanges::new().status(LeadStatus::Qualified).clear_email();
        /// assert_eq!(
        ///     serde_json::to_string(&changes)?,
        ///     r#"{"email":null,"status":"qualified"}"#,
        /// );
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(Clone, Default, PartialEq, ::serde::Deserialize, ::serde::Serialize)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct LeadChanges { #fields }
    })?;
    let debug = types::debug(&structure);
    Ok(quote!(#structure #debug))
}

/// The arguments without which a request cannot be made, as Rust.
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
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        let schema = document::follow(document, body)?;
        for (wire, property) in document::properties(schema)? {
            let name = document::schema_name(property);
            if name == Some("LeadMatch") {
                let by = types::snake(example[wire]["by"].as_str().context("no example")?);
                arguments.push(format!("LeadMatch::{by}({})", example[wire]["value"]));
            } else if document::is_required(schema, wire) && name != Some(CHANGES) {
                arguments.push(expression(document, property, example.get(wire))?);
            }
        }
    }
    Ok(arguments.join(", "))
}

/// A value for an example in the documentation, as Rust.
fn expression(document: &Value, schema: &Value, example: Option<&Value>) -> Result<String> {
    let bare = document::bare(document, schema)?;
    let target = document::follow(document, &bare)?;
    let example = example
        .or_else(|| document::example(document, schema))
        .filter(|it| !it.is_null());
    if let (Some(name), Some(values)) = (document::schema_name(&bare), target["enum"].as_array()) {
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

/// Documentation with an example that compiles.
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

/// A sentence in the middle of another one, if its first word allows it.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}
