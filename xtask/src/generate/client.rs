//! progenitor's client, and the types it sends and reads.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl, TypePatch};
use quote::quote;
use serde_json::{Value, json};
use syn::{
    Arm, ExprMatch, FnArg, ImplItem, Item, ItemImpl, Pat, ReturnType, Type, visit_mut::VisitMut,
};

use super::{document, types};

/// What the SDK calls a schema, where the document's name says less.
pub(crate) const RENAMED: [(&str, &str); 1] = [("LeadCreate", "NewLead")];

/// Schemas whose Rust type is the SDK's own, `crate::<second>`.
const REPLACED: [(&str, &str); 2] = [("TimeOrDate", "TimeOrDate"), ("LeadUpdate", "LeadChanges")];

/// A method of the generated client.
pub(crate) struct Method {
    pub(crate) arguments: Vec<(syn::Ident, Type)>,
    pub(crate) output: Type,
}

/// What progenitor made of the document.
pub(crate) struct Client {
    /// The client: one method for each operation.
    pub(crate) code: syn::File,
    /// The types that it sends and reads.
    pub(crate) types: syn::File,
    /// Its methods, by operation id.
    pub(crate) methods: BTreeMap<String, Method>,
}

/// Lets progenitor write the client.
pub(crate) fn generate(document: &Value) -> Result<Client> {
    let tokens = run_progenitor(document)?;
    let mut client = syn::parse2::<syn::File>(tokens).context("reading progenitor's code")?;

    let types = types::polished(document, take_types(&mut client)?)?;
    let mut methods = BTreeMap::new();
    for item in &mut client.items {
        if let Item::Impl(implementation) = item {
            drop_panicking_constructor(implementation);
            methods.extend(methods_of(implementation));
        }
    }
    Undocumented.visit_file_mut(&mut client);
    AnySuccess.visit_file_mut(&mut client);
    encode_paths_ourselves(&mut client);
    client.items.insert(
        0,
        syn::parse_quote!(
            use super::types;
        ),
    );
    Ok(Client {
        code: client,
        types,
        methods,
    })
}

fn run_progenitor(document: &Value) -> Result<proc_macro2::TokenStream> {
    let prepared = document::for_progenitor(document)?;
    let text = || [TypeImpl::Display, TypeImpl::FromStr].into_iter();

    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote!(crate::call::Call))
        .with_derive("PartialEq")
        .with_conversion(
            serde_json::from_value(json!({ "type": "string", "format": "date-time" }))?,
            "jiff::Timestamp",
            text(),
        );
    for (schema, name) in RENAMED {
        settings.with_patch(schema, TypePatch::default().with_rename(name));
    }
    for (schema, name) in REPLACED {
        settings.with_replacement(schema, format!("crate::{name}"), text());
    }
    for (name, _) in document::enums(document)? {
        settings.with_replacement(name, format!("crate::{name}"), text());
    }

    let prepared = serde_json::from_value(prepared).context("reading the rewritten document")?;
    Generator::new(&settings)
        .generate_tokens(&prepared)
        .context("progenitor refuses the document")
}

fn take_types(client: &mut syn::File) -> Result<Vec<Item>> {
    let position = client
        .items
        .iter()
        .position(|item| matches!(item, Item::Mod(module) if module.ident == "types"))
        .context("progenitor wrote no types")?;
    match client.items.remove(position) {
        Item::Mod(syn::ItemMod {
            content: Some((_, items)),
            ..
        }) => Ok(items),
        _ => anyhow::bail!("progenitor wrote its types in an unknown way"),
    }
}

fn drop_panicking_constructor(implementation: &mut ItemImpl) {
    implementation
        .items
        .retain(|item| !matches!(item, ImplItem::Fn(method) if method.sig.ident == "new"));
}

fn methods_of(implementation: &ItemImpl) -> impl Iterator<Item = (String, Method)> {
    implementation.items.iter().filter_map(|item| {
        let ImplItem::Fn(method) = item else {
            return None;
        };
        method.sig.asyncness?;
        let ReturnType::Type(_, output) = &method.sig.output else {
            return None;
        };
        let arguments = method.sig.inputs.iter().filter_map(|argument| {
            let FnArg::Typed(argument) = argument else {
                return None;
            };
            let Pat::Ident(name) = &*argument.pat else {
                return None;
            };
            Some((name.ident.clone(), (*argument.ty).clone()))
        });
        let arguments = arguments.collect();
        Some((
            method.sig.ident.to_string(),
            Method {
                arguments,
                output: (**output).clone(),
            },
        ))
    })
}

/// Nobody reads the documentation of private code that repeats the document.
struct Undocumented;

impl VisitMut for Undocumented {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<syn::Attribute>) {
        attributes.retain(|attribute| !attribute.path().is_ident("doc"));
    }
}

/// Any 2xx whose body can be read is a success: what was asked for has happened, whichever of them a
/// newer server says.
struct AnySuccess;

impl VisitMut for AnySuccess {
    fn visit_expr_match_mut(&mut self, node: &mut ExprMatch) {
        let is_success = |arm: &Arm| {
            let pattern = &arm.pat;
            let pattern = quote!(#pattern).to_string();
            let status = pattern.strip_suffix("u16").and_then(|it| it.parse().ok());
            status.is_some_and(|status: u16| (200..300).contains(&status))
        };
        let mut is_first = true;
        node.arms.retain_mut(|arm| {
            if !is_success(arm) {
                return true;
            }
            arm.pat = syn::parse_quote!(200u16..=299u16);
            std::mem::take(&mut is_first)
        });
    }
}

/// progenitor's own function leaves a backslash alone, which a URL takes for a slash.
fn encode_paths_ourselves(client: &mut syn::File) {
    client.items.retain(|item| {
        !matches!(item, Item::Use(import) if quote!(#import).to_string().contains("encode_path"))
    });
    client.items.insert(
        0,
        syn::parse_quote!(
            use progenitor_client::{ClientHooks, OperationInfo};
        ),
    );
    client.items.insert(
        0,
        syn::parse_quote!(
            use crate::wire::path_segment as encode_path;
        ),
    );
}
