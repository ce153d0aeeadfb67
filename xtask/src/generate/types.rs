//! Turns the types that typify generates into public types.

use anyhow::{Context, Result};
use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;
use syn::{Field, Fields, Item, ItemStruct, LitStr, Type};

use super::{document, text};

/// Returns progenitor's types in the order of the document, with documentation and a redacted `Debug`.
pub(crate) fn polished(document: &Value, items: Vec<Item>) -> Result<syn::File> {
    let mut file = syn::File {
        shebang: None,
        attrs: Vec::new(),
        items: Vec::new(),
        frontmatter: None,
    };
    for item in items {
        if let Item::Struct(structure) = item {
            let polished = polish(document, structure)?;
            file.items.push(syn::parse2(debug(&polished))?);
            if is_sent(&polished) {
                file.items.push(syn::parse2(constructor(&polished))?);
            }
            file.items.push(Item::Struct(polished));
        }
    }
    Ok(file)
}

/// Returns the schema of a type.
fn schema_of<'a>(document: &'a Value, name: &str) -> Result<(&'a str, &'a Value)> {
    let name = document::RENAMED
        .iter()
        .find(|(_, new)| *new == name)
        .map_or(name, |(old, _)| old);
    let schemas = document::object(document, "/components/schemas")?;
    let (name, schema) = schemas
        .get_key_value(name)
        .with_context(|| format!("no schema {name}"))?;
    Ok((name, schema))
}

fn polish(document: &Value, mut structure: ItemStruct) -> Result<ItemStruct> {
    let (name, schema) = schema_of(document, &structure.ident.to_string())?;
    let properties = document::properties(schema)?;

    let Fields::Named(fields) = &mut structure.fields else {
        anyhow::bail!("{name} has no named fields");
    };
    let mut numbered = Vec::new();
    for field in &fields.named {
        let wire = wire_name(field)?;
        let position = properties
            .iter()
            .position(|(property, _)| *property == wire);
        let polished = if let Some(position) = position {
            let (property, schema) = properties[position];
            let doc = document::description(document, property, schema)?;
            let nullable = document::is_nullable(document, schema)?;
            polish_field(field, &wire, &doc, nullable)?
        } else {
            let doc = "What a newer server sends beside these.";
            polish_field(field, &wire, doc, true)?
        };
        numbered.push((position.unwrap_or(usize::MAX), polished));
    }
    numbered.sort_by_key(|(position, _)| *position);
    fields.named = numbered.into_iter().map(|(_, field)| field).collect();

    let doc = text::doc_lines(&document::description(document, name, schema)?);
    let strict = is_sent(&structure).then(|| quote!(#[serde(deny_unknown_fields)]));
    let (ident, fields) = (&structure.ident, &structure.fields);
    Ok(syn::parse2(quote! {
        #(#[doc = #doc])*
        #[derive(Clone, PartialEq, ::serde::Deserialize, ::serde::Serialize)]
        #strict
        #[non_exhaustive]
        pub struct #ident #fields
    })?)
}

/// Whether a type is part of a request. The document permits no other fields in those.
fn is_sent(structure: &ItemStruct) -> bool {
    structure.attrs.iter().any(|attribute| {
        attribute.path().is_ident("serde")
            && quote!(#attribute).to_string().contains("deny_unknown")
    })
}

/// Generates a constructor from the required fields. A new optional field then needs no other change.
fn constructor(structure: &ItemStruct) -> TokenStream {
    let ident = &structure.ident;
    let (mut parameters, mut values) = (Vec::new(), Vec::new());
    for Field { ident, ty, .. } in &structure.fields {
        if quote!(#ty).to_string().contains("Option") {
            values.push(quote!(#ident: None));
        } else {
            parameters.push(quote!(#ident: #ty));
            values.push(quote!(#ident));
        }
    }
    quote! {
        impl #ident {
            pub(crate) fn from_required(#(#parameters),*) -> Self {
                Self { #(#values),* }
            }
        }
    }
}

/// Replaces the attributes of a field.
///
/// typify rejects an absent nullable field, but servers of other versions may omit it.
fn polish_field(field: &Field, wire: &str, doc: &str, nullable: bool) -> Result<Field> {
    let ident = field.ident.as_ref().context("the field has no name")?;
    let attributes = field
        .attrs
        .iter()
        .map(|attribute| quote!(#attribute).to_string())
        .collect::<String>();

    let mut serde = Vec::new();
    if attributes.contains("flatten") {
        serde.push(quote!(flatten));
    } else if ident != wire {
        serde.push(quote!(rename = #wire));
    }
    if attributes.contains("skip_serializing_if") {
        serde.push(quote!(skip_serializing_if = "Option::is_none"));
        if !nullable {
            serde.push(quote!(default));
            serde.push(quote!(deserialize_with = "crate::wire::not_null"));
        }
    }
    if let Some(function) = serializer(&field.ty) {
        serde.push(quote!(serialize_with = #function));
    }

    let serde = (!serde.is_empty()).then(|| quote!(#[serde(#(#serde),*)]));
    let (ty, doc) = (&field.ty, text::doc_lines(doc));
    let fields: syn::FieldsNamed =
        syn::parse2(quote!({ #(#[doc = #doc])* #serde pub #ident: #ty }))?;
    fields
        .named
        .into_iter()
        .next()
        .context("the field is missing")
}

/// Returns the serializer of a type whose default format differs from that of the server.
pub(crate) fn serializer(ty: &Type) -> Option<&'static str> {
    let text = quote!(#ty).to_string();
    if text.contains("f64") {
        Some("crate::wire::amount")
    } else if text.contains("Timestamp") {
        Some("crate::wire::time")
    } else {
        None
    }
}

fn wire_name(field: &Field) -> Result<String> {
    let mut name = field
        .ident
        .as_ref()
        .context("the field has no name")?
        .to_string();
    for attribute in field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
    {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                name = meta.value()?.parse::<LitStr>()?.value();
            } else if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<LitStr>()?;
            }
            Ok(())
        })?;
    }
    Ok(name)
}

/// Generates a `Debug` that shows ids, numbers, times and enum values. All other text may be personal
/// data.
pub(crate) fn debug(structure: &ItemStruct) -> TokenStream {
    let ident = &structure.ident;
    let name = ident.to_string();
    let fields = structure.fields.iter().filter_map(|field| {
        let ident = field.ident.as_ref()?;
        let name = ident.to_string();
        let ty = &field.ty;
        let ty = quote!(#ty).to_string();
        let is_text = ty.contains("String") && name != "id" && !name.ends_with("_id");
        Some(if ty.contains("Map") {
            TokenStream::new()
        } else if is_text {
            quote!(.field(#name, &crate::wire::redacted(&self.#ident)))
        } else {
            quote!(.field(#name, &self.#ident))
        })
    });
    quote! {
        impl ::std::fmt::Debug for #ident {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(#name) #(#fields)* .finish_non_exhaustive()
            }
        }
    }
}

/// Returns the Rust type of a property or parameter, without `Option`.
pub(crate) fn rust_type(document: &Value, schema: &Value) -> Result<Type> {
    let schema = document::bare(document, schema)?;
    let text = if let Some(name) = document::schema_name(&schema) {
        format!("crate::{name}")
    } else {
        match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("string"), Some("uuid")) => "uuid::Uuid",
            (Some("string"), _) => "String",
            (Some("integer"), _) => "u64",
            (Some("number"), _) => "f64",
            (Some("boolean"), _) => "bool",
            (kind, _) => anyhow::bail!("unsupported type {kind:?}"),
        }
        .to_owned()
    };
    Ok(syn::parse_str(&text)?)
}

/// Returns the Rust name of a property or parameter.
pub(crate) fn snake(wire: &str) -> syn::Ident {
    let name = wire.to_snake_case();
    syn::parse_str(&name).unwrap_or_else(|_| format_ident!("{name}_"))
}
