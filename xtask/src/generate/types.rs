//! Turns the types that typify generates into public types.

use anyhow::{Context, Result};
use heck::ToSnakeCase;
use konektor_spec::{Kind, Schema, Spec};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, Field, Fields, GenericArgument, Item, ItemStruct, LitStr, Meta, PathArguments,
    PathSegment, Token, Type, parse_quote, punctuated::Punctuated,
};

use super::{document, text};

/// Returns progenitor's types in the order of the document, with documentation and a redacted `Debug`.
pub(crate) fn polished(spec: &Spec, items: Vec<Item>) -> Result<syn::File> {
    let mut file = syn::File {
        shebang: None,
        attrs: Vec::new(),
        items: Vec::new(),
        frontmatter: None,
    };
    for item in items {
        if let Item::Struct(structure) = item {
            let polished = polish(spec, structure)?;
            file.items.push(syn::parse2(debug(&polished))?);
            if is_sent(&polished)? {
                file.items.push(syn::parse2(constructor(&polished))?);
            }
            file.items.push(Item::Struct(polished));
        }
    }
    Ok(file)
}

fn polish(spec: &Spec, mut structure: ItemStruct) -> Result<ItemStruct> {
    let name = structure.ident.to_string();
    let mut renamed = document::RENAMED.iter();
    let name = renamed
        .find(|(_, new)| *new == name)
        .map_or(name.as_str(), |(old, _)| old);
    let schema = document::schema(spec, name)?;

    let Fields::Named(fields) = &mut structure.fields else {
        anyhow::bail!("{name} has no named fields");
    };
    let mut numbered = Vec::new();
    for field in &fields.named {
        let wire = wire_name(field)?;
        let position = schema.properties().position(|(name, _)| name == wire);
        let polished = if let Some(property) = schema.property(&wire) {
            let doc = document::description(&wire, property);
            polish_field(field, &wire, &doc, property.is_nullable())?
        } else {
            let doc = "What a newer server sends beside these.";
            polish_field(field, &wire, doc, true)?
        };
        numbered.push((position.unwrap_or(usize::MAX), polished));
    }
    numbered.sort_by_key(|(position, _)| *position);
    fields.named = numbered.into_iter().map(|(_, field)| field).collect();

    let doc = text::doc_lines(&document::description(name, schema));
    let strict = is_sent(&structure)?.then(|| quote!(#[serde(deny_unknown_fields)]));
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
fn is_sent(structure: &ItemStruct) -> Result<bool> {
    let serde = serde(&structure.attrs)?;
    let mut names = serde.iter().map(Meta::path);
    Ok(names.any(|name| name.is_ident("deny_unknown_fields")))
}

/// Returns the options in `serde` attributes.
fn serde(attributes: &[Attribute]) -> Result<Vec<Meta>> {
    let mut options = Vec::new();
    for attribute in attributes {
        if attribute.path().is_ident("serde") {
            let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
            options.extend(attribute.parse_args_with(parser)?);
        }
    }
    Ok(options)
}

/// Generates a constructor from the required fields. A new optional field then needs no other change.
fn constructor(structure: &ItemStruct) -> TokenStream {
    let ident = &structure.ident;
    let (mut parameters, mut values) = (Vec::new(), Vec::new());
    for Field { ident, ty, .. } in &structure.fields {
        if is_named(ty, "Option") {
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
    let serde = serde(&field.attrs)?;
    let has = |name: &str| serde.iter().any(|meta| meta.path().is_ident(name));

    let mut options = Vec::new();
    if has("flatten") {
        options.push(quote!(flatten));
    } else if ident != wire {
        options.push(quote!(rename = #wire));
    }
    if has("skip_serializing_if") {
        options.push(quote!(skip_serializing_if = "Option::is_none"));
        if !nullable {
            options.push(quote!(default));
            options.push(quote!(deserialize_with = "crate::wire::not_null"));
        }
    }
    if let Some(function) = serializer(&field.ty) {
        options.push(quote!(serialize_with = #function));
    }

    let serde = (!options.is_empty()).then(|| quote!(#[serde(#(#options),*)]));
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
    if contains(ty, "f64") {
        Some("crate::wire::amount")
    } else if contains(ty, "Timestamp") {
        Some("crate::wire::time")
    } else {
        None
    }
}

/// Whether a type, or an argument of it, has this name.
fn contains(ty: &Type, name: &str) -> bool {
    is_named(ty, name) || argument(ty).is_some_and(|ty| contains(ty, name))
}

/// Whether a type is a path that ends with this name.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    last(ty).is_some_and(|segment| segment.ident == name)
}

/// Returns the first argument of a generic type: `T` of `Option<T>`.
pub(crate) fn argument(ty: &Type) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &last(ty)?.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn last(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn wire_name(field: &Field) -> Result<String> {
    for meta in serde(&field.attrs)? {
        if meta.path().is_ident("rename") {
            let value = meta.require_name_value()?.value.to_token_stream();
            return Ok(syn::parse2::<LitStr>(value)?.value());
        }
    }
    let ident = field.ident.as_ref();
    Ok(ident.context("the field has no name")?.to_string())
}

/// Generates a `Debug` that shows ids, numbers, times and enum values. All other text may be personal
/// data.
pub(crate) fn debug(structure: &ItemStruct) -> TokenStream {
    let ident = &structure.ident;
    let name = ident.to_string();
    let fields = structure.fields.iter().filter_map(|field| {
        let ident = field.ident.as_ref()?;
        let name = ident.to_string();
        let is_text = contains(&field.ty, "String") && name != "id" && !name.ends_with("_id");
        Some(if contains(&field.ty, "Map") {
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
pub(crate) fn rust_type(schema: &Schema) -> Result<Type> {
    if let Some(name) = type_name(schema) {
        let name = format_ident!("{name}");
        return Ok(parse_quote!(crate::#name));
    }
    Ok(match (schema.kind(), schema.format()) {
        (Some(Kind::String), Some("uuid")) => parse_quote!(uuid::Uuid),
        (Some(Kind::String), _) => parse_quote!(String),
        (Some(Kind::Integer), _) => parse_quote!(u64),
        (Some(Kind::Number), _) => parse_quote!(f64),
        (Some(Kind::Boolean), _) => parse_quote!(bool),
        (kind, _) => anyhow::bail!("unsupported type {kind:?}"),
    })
}

/// Returns the name of the schema's type, unless that is a plain string or number.
pub(crate) fn type_name(schema: &Schema) -> Option<&str> {
    let is_type =
        schema.has_values() || schema.has_properties() || schema.format() == Some("time-or-date");
    schema.component().filter(|_| is_type)
}

/// Returns the Rust name of a property or parameter.
pub(crate) fn snake(wire: &str) -> syn::Ident {
    let name = wire.to_snake_case();
    syn::parse_str(&name).unwrap_or_else(|_| format_ident!("{name}_"))
}
