//! The client and the types that progenitor generates.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use konektor_spec::Spec;
use proc_macro2::TokenStream;
use progenitor::{GenerationSettings, Generator, InterfaceStyle, TypeImpl, TypePatch};
use quote::quote;
use serde_json::json;
use syn::{FnArg, ImplItem, Item, Pat, Type, visit_mut::VisitMut};

use super::{document, types};

/// A function of the generated client.
pub(crate) struct Method {
    pub(crate) arguments: Vec<(syn::Ident, Type)>,
}

/// progenitor's output.
pub(crate) struct Client {
    /// A method per operation, which builds its request.
    pub(crate) code: syn::File,
    /// The types of requests and responses.
    pub(crate) types: syn::File,
    /// The methods, by operation id.
    pub(crate) methods: BTreeMap<String, Method>,
}

/// Extracts the types and the construction of requests from progenitor's client.
///
/// The SDK sends the requests and reads the responses itself.
pub(crate) fn generate(spec: &Spec) -> Result<Client> {
    let tokens = run_progenitor(spec)?;
    let mut client = syn::parse2::<syn::File>(tokens).context("reading progenitor's code")?;

    let types = types::polished(spec, take_types(&mut client)?)?;
    let mut methods = BTreeMap::new();
    let mut code = TokenStream::new();
    for (name, arguments, url, request) in builders(client) {
        let parameters = arguments.iter().map(|(name, ty)| quote!(#name: #ty));
        code.extend(quote! {
            pub(crate) fn #name<'a>(&'a self, #(#parameters),*) -> reqwest::Result<reqwest::Request> {
                #url
                #request
            }
        });
        methods.insert(name.to_string(), Method { arguments });
    }
    let mut code = syn::parse2(quote! {
        use super::types;
        use crate::wire::path_segment as encode_path;

        /// Builds the request of each operation.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Requests<'c> {
            pub(crate) client: &'c reqwest::Client,
            pub(crate) baseurl: &'c str,
        }

        impl Requests<'_> {
            #code
        }
    })?;
    WithoutHeaders.visit_file_mut(&mut code);
    Ok(Client {
        code,
        types,
        methods,
    })
}

type Builder = (syn::Ident, Vec<(syn::Ident, Type)>, syn::Stmt, syn::Expr);

/// The name and arguments of each method, its URL, and the expression that builds its request.
fn builders(client: syn::File) -> impl Iterator<Item = Builder> {
    let items = client.items.into_iter().flat_map(|item| match item {
        Item::Impl(implementation) => implementation.items,
        _ => Vec::new(),
    });
    items.filter_map(|item| {
        let ImplItem::Fn(method) = item else {
            return None;
        };
        let arguments = arguments(&method.sig);
        let local = |name: &str| {
            method
                .block
                .stmts
                .iter()
                .find_map(|statement| match statement {
                    syn::Stmt::Local(local) if declares(local, name) => Some(local.clone()),
                    _ => None,
                })
        };
        let url = syn::Stmt::Local(local("url")?);
        match *local("request")?.init?.expr {
            syn::Expr::Try(request) => Some((method.sig.ident, arguments, url, *request.expr)),
            _ => None,
        }
    })
}

fn declares(local: &syn::Local, name: &str) -> bool {
    matches!(&local.pat, Pat::Ident(pattern) if pattern.ident == name)
}

fn run_progenitor(spec: &Spec) -> Result<proc_macro2::TokenStream> {
    let prepared = document::for_progenitor(spec.document())?;
    let text = || [TypeImpl::Display, TypeImpl::FromStr].into_iter();

    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_derive("PartialEq")
        .with_conversion(
            serde_json::from_value(json!({ "type": "string", "format": "date-time" }))?,
            "jiff::Timestamp",
            text(),
        );
    for (schema, name) in document::RENAMED {
        settings.with_patch(schema, TypePatch::default().with_rename(name));
    }
    for (schema, _) in document::changes(spec) {
        let name = document::changes_name(schema);
        settings.with_replacement(schema, format!("crate::{name}"), text());
    }
    settings.with_replacement("TimeOrDate", "crate::TimeOrDate", text());
    for (name, _) in document::enums(spec) {
        settings.with_replacement(name, format!("crate::{name}"), text());
    }

    let prepared = serde_json::from_value(prepared).context("reading the rewritten document")?;
    Generator::new(&settings)
        .generate_tokens(&prepared)
        .context("progenitor cannot generate code from the document")
}

fn take_types(client: &mut syn::File) -> Result<Vec<Item>> {
    let position = client
        .items
        .iter()
        .position(|item| matches!(item, Item::Mod(module) if module.ident == "types"))
        .context("progenitor generated no types")?;
    match client.items.remove(position) {
        Item::Mod(syn::ItemMod {
            content: Some((_, items)),
            ..
        }) => Ok(items),
        _ => anyhow::bail!("unexpected code from progenitor"),
    }
}

fn arguments(signature: &syn::Signature) -> Vec<(syn::Ident, Type)> {
    let arguments = signature.inputs.iter().filter_map(|argument| {
        let FnArg::Typed(argument) = argument else {
            return None;
        };
        let Pat::Ident(name) = &*argument.pat else {
            return None;
        };
        Some((name.ident.clone(), (*argument.ty).clone()))
    });
    arguments.collect()
}

/// Removes the headers that progenitor adds, among them a version that the API does not support.
struct WithoutHeaders;

impl VisitMut for WithoutHeaders {
    fn visit_expr_mut(&mut self, node: &mut syn::Expr) {
        if let syn::Expr::MethodCall(call) = node
            && call.method == "headers"
        {
            *node = (*call.receiver).clone();
        }
        syn::visit_mut::visit_expr_mut(self, node);
    }
}
