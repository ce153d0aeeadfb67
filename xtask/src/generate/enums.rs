//! Open enums, which keep unknown values.

use anyhow::{Context, Result, ensure};
use heck::ToUpperCamelCase;
use konektor_spec::{Schema, Spec};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{document, text};

/// Generates an enum for each enum schema.
pub(crate) fn generate(spec: &Spec) -> Result<syn::File> {
    let mut code = TokenStream::new();
    for (name, schema) in document::enums(spec) {
        code.extend(open_enum(name, schema).with_context(|| format!("schema {name}"))?);
    }
    Ok(syn::parse2(code)?)
}

fn open_enum(name: &str, schema: &Schema) -> Result<TokenStream> {
    let ident = format_ident!("{name}");
    let values: Vec<_> = schema.values().collect();
    let variants = values
        .iter()
        .map(|value| variant(value))
        .collect::<Vec<_>>();
    ensure!(
        variants.iter().all(|variant| variant != "Unknown"),
        "the value `unknown` collides with the variant of unknown values"
    );
    let value_docs = values.iter().map(|value| format!(" `{value}`"));

    let first = variants.first().context("the enum is empty")?;
    let doc = text::doc_lines(&document::description(name, schema));
    let example = text::doc_lines(&format!(
        "```\nuse konektor_sdk::{name};\n\nassert_eq!({name}::from({:?}), {name}::{first});\n\
         assert_eq!({name}::from(\"of-tomorrow\").as_str(), \"of-tomorrow\");\n```",
        values[0]
    ));
    Ok(quote! {
        #(#[doc = #doc])*
        ///
        #(#[doc = #example])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum #ident {
            #(#[doc = #value_docs] #variants,)*
            /// A value that this version of the SDK does not know, kept as the server sent it.
            Unknown(String),
        }
        crate::wire::open_enum!(#ident { #(#variants = #values),* });
    })
}

/// Returns the variant of a value: `last_7_days` is `Last7Days`.
pub(crate) fn variant(value: &str) -> syn::Ident {
    format_ident!("{}", value.to_upper_camel_case())
}
