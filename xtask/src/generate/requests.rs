//! Query structs and setters of requests, documented with the descriptions and examples of the document.

use anyhow::{Context, Result};
use heck::ToUpperCamelCase;
use konektor_spec::{Body, Kind, Location, Operation, Parameter, Schema, Spec};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::{Number, Value};
use syn::{Ident, ItemStruct, Type, parse_quote};

use super::{
    client::{Client, Method},
    document, enums, text, types,
};

/// Generates limits, query structs and the types of changes.
pub(crate) fn generate(spec: &Spec, client: &Client) -> Result<syn::File> {
    let mut code = quote!(
        use super::client::Requests;
    );
    code.extend(idempotency_key_length(spec)?);
    code.extend(idempotency_key_ttl(spec));
    code.extend(page_limits(spec)?);
    for (name, schema) in document::changes(spec) {
        code.extend(changes(name, schema)?);
    }
    for operation in spec.operations() {
        let id = operation.id.as_str();
        if operation.parameters_in(Location::Query).next().is_some() {
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
pub(crate) fn setters(spec: &Spec) -> Result<syn::File> {
    let mut code = TokenStream::new();
    for (schema, _) in document::changes(spec) {
        let name = document::changes_name(schema);
        code.extend(builder(spec, &name, &format!("{name}::new()"), schema)?);
    }
    code.extend(builder(
        spec,
        "NewLead",
        "NewLead::new(\"Budi\")",
        "LeadCreate",
    )?);
    for operation in spec.operations() {
        code.extend(request(spec, operation).with_context(|| operation.id.clone())?);
    }
    Ok(syn::parse2(code)?)
}

/// A setter.
struct Setter<'a> {
    /// The name of the property or parameter.
    wire: &'a str,
    schema: &'a Schema,
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
fn request(spec: &Spec, operation: &Operation) -> Result<TokenStream> {
    let (noun, verb) = self::method(&operation.id)?;
    let request = format_ident!("{}", verb.to_string().to_upper_camel_case());
    let example = format!(
        "client.{noun}().{verb}({})",
        required_arguments(spec, operation)?
    );

    let mut setters = Vec::new();
    for parameter in operation.parameters_in(Location::Query) {
        setters.push(parameter_setter(parameter, &quote!(query))?);
    }
    let body = operation.body.as_ref();
    if let Some(name) = body.and_then(|body| body.schema.component()) {
        setters.extend(body_setters(spec, name, &quote!(body))?);
    }
    for parameter in operation.parameters_in(Location::Header) {
        setters.push(parameter_setter(parameter, &quote!(headers))?);
    }
    if setters.is_empty() {
        return Ok(TokenStream::new());
    }
    let methods = setters
        .iter()
        .map(|setter| methods(setter, &example))
        .collect::<Result<TokenStream>>()?;
    Ok(quote!(impl crate::#noun::#request { #methods }))
}

/// Generates `impl <name>` with a setter for each optional property of a body.
fn builder(spec: &Spec, name: &str, example: &str, schema: &str) -> Result<TokenStream> {
    let ident = format_ident!("{name}");
    let methods = body_setters(spec, schema, &TokenStream::new())?
        .iter()
        .map(|setter| methods(setter, example))
        .collect::<Result<TokenStream>>()?;
    Ok(quote!(impl crate::#ident { #methods }))
}

fn parameter_setter<'a>(parameter: &'a Parameter, place: &TokenStream) -> Result<Setter<'a>> {
    let wire = parameter.name.as_str();
    let field = types::snake(wire);
    Ok(Setter {
        wire,
        schema: &parameter.schema,
        doc: parameter.description.clone(),
        place: quote!(#place.#field),
        nullable: false,
        example: expression(&parameter.schema, Some(&parameter.example))?,
    })
}

/// Returns a setter for each optional property. The fields of nested changes get setters as well.
fn body_setters<'a>(spec: &'a Spec, name: &str, place: &TokenStream) -> Result<Vec<Setter<'a>>> {
    let schema = document::schema(spec, name)?;
    let dot = (!place.is_empty()).then(|| quote!(.));
    let is_change = document::is_change(spec, Some(name));

    let mut setters = Vec::new();
    for (wire, property) in schema.properties() {
        let field = types::snake(wire);
        let place = quote!(#place #dot #field);
        if let Some(changes) = property.component()
            && document::is_change(spec, Some(changes))
        {
            setters.extend(body_setters(spec, changes, &place)?);
        } else if !schema.is_required(wire) {
            setters.push(Setter {
                wire,
                schema: property,
                doc: setter_doc(wire, &document::description(wire, property)),
                nullable: is_change && property.is_nullable(),
                place,
                example: expression(property, document::body_example(spec, wire))?,
            });
        }
    }
    Ok(setters)
}

fn methods(setter: &Setter<'_>, example: &str) -> Result<TokenStream> {
    let name = types::snake(setter.wire);
    let place = &setter.place;
    let ty = types::rust_type(setter.schema)?;
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
    if ["String", "f64", "TimeOrDate"]
        .iter()
        .any(|into| types::is_named(ty, into))
    {
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
    let owned = arguments.iter().map(|(_, ty)| owned(ty));
    let passed = arguments.iter().map(|(name, ty)| match borrowed(ty) {
        Some(target) if types::is_named(target, "str") => quote!(self.#name.as_deref()),
        Some(_) => quote!(self.#name.as_ref()),
        None => quote!(self.#name),
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

/// Returns the owned form of an optional type: `Option<String>` for `Option<&'a str>`.
fn owned(ty: &Type) -> Type {
    match borrowed(ty) {
        Some(target) if types::is_named(target, "str") => parse_quote!(Option<String>),
        Some(target) => parse_quote!(Option<#target>),
        None => ty.clone(),
    }
}

/// Returns the type to which an optional type refers: `str` for `Option<&'a str>`.
fn borrowed(ty: &Type) -> Option<&Type> {
    match types::argument(ty)? {
        Type::Reference(reference) => Some(&reference.elem),
        _ => None,
    }
}

/// Generates the bounds of the length of an `Idempotency-Key`.
fn idempotency_key_length(spec: &Spec) -> Result<TokenStream> {
    let schema = document::schema(spec, "IdempotencyKey")?;
    let length = |length: Option<u64>| -> Result<_> {
        Ok(usize::try_from(length.context("the key has no length")?)?)
    };
    let (shortest, longest) = (length(schema.min_length())?, length(schema.max_length())?);
    Ok(quote! {
        /// The allowed length of an `Idempotency-Key`, in characters.
        pub(crate) const IDEMPOTENCY_KEY_LENGTH: ::std::ops::RangeInclusive<usize> =
            #shortest..=#longest;
    })
}

/// Generates the retention time of responses to an `Idempotency-Key`.
fn idempotency_key_ttl(spec: &Spec) -> TokenStream {
    let hours = u64::from(spec.limits().idempotency_hours);
    let doc = text::doc_lines(&format!(
        "How long the server stores the response to an `Idempotency-Key`: {hours} hours. A write that \
         is repeated later may be executed twice."
    ));
    quote! {
        #(#[doc = #doc])*
        pub const IDEMPOTENCY_KEY_TTL: ::std::time::Duration =
            ::std::time::Duration::from_hours(#hours);
    }
}

/// Generates the limits of pagination.
fn page_limits(spec: &Spec) -> Result<TokenStream> {
    let length = document::schema(spec, "Cursor")?.max_length();
    let length = usize::try_from(length.context("the cursor has no maximum length")?)?;
    let size = document::schema(spec, "PageLimit")?.maximum();
    let size = size.and_then(Number::as_u64);
    let size = size.context("the page has no maximum size")?;
    Ok(quote! {
        /// The maximum length of a cursor, in characters.
        pub(crate) const MAX_CURSOR_LENGTH: usize = #length;
        /// The maximum number of rows on a page.
        pub(crate) const MAX_PAGE_SIZE: u64 = #size;
    })
}

/// Generates a type of changes.
fn changes(name: &str, schema: &Schema) -> Result<TokenStream> {
    let mut fields = TokenStream::new();
    for (wire, property) in schema.properties() {
        let name = types::snake(wire);
        let ty = types::rust_type(property)?;
        let rename = (name != wire).then(|| quote!(rename = #wire,));
        let serialize = types::serializer(&ty).map(|function| quote!(, serialize_with = #function));
        let doc = text::doc_lines(&document::description(wire, property));
        let (ty, serde) = if property.is_nullable() {
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
    let doc = text::doc_lines(&document::description(name, schema));
    let example = text::doc_lines(&changes_example(&ident, schema).unwrap_or_default());
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
fn changes_example(ident: &Ident, schema: &Schema) -> Option<String> {
    let mut properties = schema.properties();
    let (wire, _) = properties.find(|(_, property)| property.is_nullable())?;
    let field = types::snake(wire);
    Some(format!(
        "```\nuse konektor_sdk::{ident};\n\nlet changes = {ident}::new();\n\
         assert!(changes.is_empty());\nlet changes = changes.clear_{field}();\n\
         assert_eq!(serde_json::to_string(&changes)?, r#\"{{\"{wire}\":null}}\"#);\n\
         # Ok::<(), serde_json::Error>(())\n```"
    ))
}

/// Returns the required arguments of a request as Rust code.
fn required_arguments(spec: &Spec, operation: &Operation) -> Result<String> {
    let mut arguments = Vec::new();
    for parameter in operation.parameters_in(Location::Path) {
        arguments.push(expression(&parameter.schema, Some(&parameter.example))?);
    }
    if let Some(Body { schema, example }) = &operation.body {
        for (wire, property) in schema.properties() {
            if property.component() == Some("LeadMatch") {
                let by = example[wire]["by"].as_str();
                let by = types::snake(by.context("the schema has no example")?);
                arguments.push(format!("LeadMatch::{by}({})", example[wire]["value"]));
            } else if schema.is_required(wire) && !document::is_change(spec, property.component()) {
                arguments.push(expression(property, example.get(wire))?);
            }
        }
    }
    Ok(arguments.join(", "))
}

/// Returns an example value as a Rust expression.
fn expression(schema: &Schema, example: Option<&Value>) -> Result<String> {
    let example = example
        .filter(|it| !it.is_null())
        .or_else(|| schema.example());
    if let (Some(name), Some(first)) = (schema.component(), schema.values().next()) {
        let value = example.map_or(Some(first), Value::as_str);
        let value = value.context("the example is not a word")?;
        return Ok(format!("{name}::{}", enums::variant(value)));
    }
    let example = example.cloned().unwrap_or_else(|| match schema.kind() {
        Some(Kind::Boolean) => Value::from(false),
        Some(Kind::Integer | Kind::Number) => Value::from(1),
        _ => Value::from("…"),
    });
    Ok(if schema.format() == Some("uuid") {
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
