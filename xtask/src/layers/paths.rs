//! The paths that a source file writes down: in `use` declarations, in code and in macro calls.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Ident, Item, UseTree, Visibility};

/// What one module names, without its inline modules and tests.
#[derive(Default)]
pub(super) struct ModuleSource {
    pub(super) uses: Vec<Use>,
    /// Paths of at least two segments outside of `use` declarations.
    pub(super) paths: Vec<Vec<String>>,
    /// Every identifier outside of `use` declarations.
    pub(super) identifiers: Vec<String>,
    /// Names of `mod x;` declarations.
    pub(super) files: Vec<String>,
    /// Modules with their code in place.
    pub(super) inline: Vec<(String, ModuleSource)>,
}

/// One name that a `use` declaration brings in.
pub(super) struct Use {
    pub(super) path: Vec<String>,
    /// The name in this module; None for `*` and `_`.
    pub(super) name: Option<String>,
    pub(super) is_glob: bool,
    /// Whether other modules can reach the name through this one.
    pub(super) is_reexport: bool,
}

impl ModuleSource {
    pub(super) fn new(items: &[Item]) -> Self {
        let mut source = Self::default();
        for item in items.iter().filter(|item| !is_test(item)) {
            match item {
                Item::Use(declaration) => {
                    let is_reexport = !matches!(declaration.vis, Visibility::Inherited);
                    source.add_use(&declaration.tree, &mut Vec::new(), is_reexport);
                }
                Item::Mod(module) => match &module.content {
                    Some((_, items)) => {
                        let inline = Self::new(items);
                        source.inline.push((module.ident.to_string(), inline));
                    }
                    None => source.files.push(module.ident.to_string()),
                },
                item => source.add_tokens(item.to_token_stream()),
            }
        }
        source
    }

    fn add_use(&mut self, tree: &UseTree, prefix: &mut Vec<String>, is_reexport: bool) {
        let mut add = |path: Vec<String>, name: Option<String>, is_glob| {
            self.uses.push(Use {
                path,
                name,
                is_glob,
                is_reexport,
            });
        };
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.add_use(&path.tree, prefix, is_reexport);
                prefix.pop();
            }
            UseTree::Name(name) if name.ident == "self" => {
                add(prefix.clone(), prefix.last().cloned(), false);
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                add(joined(prefix, &name), Some(name), false);
            }
            UseTree::Rename(rename) => {
                let path = match rename.ident.to_string() {
                    name if name == "self" => prefix.clone(),
                    name => joined(prefix, &name),
                };
                let name = rename.rename.to_string();
                add(path, (name != "_").then_some(name), false);
            }
            UseTree::Glob(_) => add(prefix.clone(), None, true),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(tree, prefix, is_reexport);
                }
            }
        }
    }

    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut is_quoted = false;
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) => {
                    self.identifiers.push(ident.to_string());
                    path.push(ident.to_string());
                    let continues = is_colon(tokens.peek());
                    if continues {
                        tokens.next();
                        if is_colon(tokens.peek()) {
                            tokens.next();
                            continue;
                        }
                    }
                    if path.len() > 1 {
                        self.paths.push(path.clone());
                    }
                    path.clear();
                }
                // Code in `quote!` belongs to the crate that it is generated for.
                TokenTree::Group(_) if is_quoted => is_quoted = false,
                TokenTree::Group(group) => {
                    // `use` inside of a function: `a::{b, c}`.
                    if path.is_empty() || group.delimiter() != Delimiter::Brace {
                        self.add_tokens(group.stream());
                    } else {
                        self.add_group(&path, group.stream());
                    }
                    path.clear();
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    let macro_name = self.identifiers.last();
                    is_quoted = is_macro_call(&token, tokens.peek())
                        && macro_name.is_some_and(|name| name == "quote" || name == "parse_quote");
                    if path.len() > 1 {
                        self.paths.push(path.clone());
                    }
                    path.clear();
                }
            }
        }
    }

    /// The paths of a nested `use`, each with what stands before the braces.
    fn add_group(&mut self, prefix: &[String], tokens: TokenStream) {
        let mut inner = Self::default();
        inner.add_tokens(tokens);
        let single = inner.identifiers.iter().map(|name| vec![name.clone()]);
        for path in single.chain(inner.paths) {
            self.paths.push([prefix, &path].concat());
        }
    }
}

fn joined(prefix: &[String], name: &str) -> Vec<String> {
    let mut path = prefix.to_vec();
    path.push(name.to_owned());
    path
}

/// Whether a token is the `!` between a macro's name and its arguments.
fn is_macro_call(token: &TokenTree, next: Option<&TokenTree>) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '!')
        && matches!(next, Some(TokenTree::Group(_)))
}

fn is_colon(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
}

/// Whether an item is compiled for tests only.
fn is_test(item: &Item) -> bool {
    let attributes = match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<Ident>()
                .is_ok_and(|condition| condition == "test")
    })
}
