//! The arguments of the command line: a struct per operation, and its conversion into the SDK's request.
//!
//! The conversion destructures without `..`, so a parameter that is not passed on, or that has no setter in the SDK,
//! does not compile.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use heck::{ToKebabCase, ToUpperCamelCase};
use konektor_spec::{Kind as SchemaKind, Location, Parameter, Schema, Spec};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::{Number, Value};
use syn::Ident;

use super::{document, requests, types};

/// The pagination parameters.
const PAGING: [&str; 3] = ["page", "limit", "cursor"];

/// The header that makes a write safe to repeat.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Generates the argument structs of all operations.
pub(crate) fn generate(spec: &Spec) -> Result<syn::File> {
    let mut code = quote!(
        #![deny(unused_variables)]

        use clap::{Args, ValueEnum};
        use konektor_sdk::{Client, uuid::Uuid};
        use konektor_spec::OperationId;

        use super::{
            cleared::{Cleared, SetOrClear as _},
            columns::{Columns, ListColumns, NoColumns},
            operation::{OperationArgs, SetIfSome as _},
            parsers::{number, uuid, whole_number, word},
            relative_time::RelativeTime,
            words::Words,
        };
        use crate::{base::{Field, FieldKind, LocalClock}, error::Failure};
    );
    let mut page_args: Option<TokenStream> = None;
    for operation in spec.operations() {
        let id = &operation.id;
        let operation = Operation::read(spec, operation).with_context(|| id.clone())?;
        code.extend(operation.code().with_context(|| id.clone())?);
        if let Some(args) = operation.page_args() {
            let first = page_args.get_or_insert_with(|| args.clone());
            ensure!(
                first.to_string() == args.to_string(),
                "{id} has other pagination parameters than the lists before it"
            );
        }
    }
    code.extend(page_args);
    for (name, schema) in document::changes(spec) {
        code.extend(clearable_fields(name, schema));
    }
    Ok(syn::parse2(code)?)
}

/// An operation as the command line sees it.
struct Operation<'a> {
    spec: &'a Spec,
    operation: &'a konektor_spec::Operation,
    inputs: Vec<Input>,
    /// The required arguments of the SDK's request.
    required: Vec<TokenStream>,
    /// The type of the fields that `--clear` can set to null, if there are any.
    clearable: Option<Ident>,
    /// The maximum page size, if the operation is a paginated list.
    max_page_size: Option<u64>,
}

/// A parameter, or a property of the body.
struct Input {
    /// The field of the struct.
    field: Ident,
    /// The name in the document.
    name: String,
    /// The object in the body that contains the property.
    object: Option<String>,
    help: String,
    kind: Kind,
    is_required: bool,
    is_header: bool,
    /// The placeholder of a positional argument.
    positional: Option<String>,
    /// Whether `--clear` can set it to null.
    is_clearable: bool,
}

/// The type of a value.
enum Kind {
    /// A value of this enum of the SDK.
    Word(Ident),
    Time,
    Integer,
    Number,
    Boolean,
    Uuid,
    Text,
}

impl<'a> Operation<'a> {
    fn read(spec: &'a Spec, operation: &'a konektor_spec::Operation) -> Result<Self> {
        let mut this = Self {
            spec,
            operation,
            inputs: Vec::new(),
            required: Vec::new(),
            clearable: None,
            max_page_size: None,
        };
        for parameter in operation.parameters_in(Location::Path) {
            let input = Input::from_parameter(parameter)?;
            let noun = operation.path.noun_before(&input.name);
            let noun = noun.unwrap_or(&input.name).to_uppercase();
            this.take(Input {
                positional: Some(noun),
                ..input
            });
        }
        for parameter in operation.parameters_in(Location::Query) {
            this.take(Input::from_parameter(parameter)?);
        }
        if let Some(body) = &operation.body {
            this.take_fields(&body.schema)?;
        }
        for parameter in operation.parameters_in(Location::Header) {
            this.take(Input::from_parameter(parameter)?);
        }
        this.check_flags()?;
        if this.is_paged() {
            this.limit_list()?;
        }
        Ok(this)
    }

    fn take(&mut self, input: Input) {
        if input.is_required {
            let field = &input.field;
            self.required.push(quote!(#field));
        }
        self.inputs.push(input);
    }

    /// Adds the properties of an object in the body. Properties of changes keep their names; those of other objects are
    /// prefixed with the name of the object.
    fn take_fields(&mut self, schema: &Schema) -> Result<()> {
        let is_change = document::is_change(self.spec, schema.component());
        if is_change {
            self.clearable = schema.component().map(clearable_name);
        }
        for (name, property) in schema.properties() {
            let is_required = schema.is_required(name);
            match property.component() {
                Some(object) if property.has_properties() => {
                    if document::is_change(self.spec, Some(object)) {
                        self.take_fields(property)?;
                    } else {
                        ensure!(is_required, "{name} is an object that may be left out");
                        self.take_object(name, object, property)?;
                    }
                }
                _ => self.take(Input {
                    is_required,
                    is_clearable: is_change && property.is_nullable(),
                    ..Input::from_schema(name, property)?
                }),
            }
        }
        Ok(())
    }

    /// Adds an object of the body that the SDK constructs from its properties.
    fn take_object(&mut self, name: &str, object: &str, schema: &Schema) -> Result<()> {
        let mut arguments = Vec::new();
        for (below, property) in schema.properties() {
            ensure!(schema.is_required(below), "{name}.{below} must be required");
            let input = Input {
                field: types::snake(&format!("{name}_{below}")),
                object: Some(name.to_owned()),
                is_required: true,
                ..Input::from_schema(below, property)?
            };
            arguments.push(input.field.clone());
            self.inputs.push(input);
        }
        let object = format_ident!("{object}");
        self.required
            .push(quote!(konektor_sdk::#object::new(#(#arguments),*)));
        Ok(())
    }

    fn check_flags(&self) -> Result<()> {
        let mut flags = BTreeSet::new();
        for input in &self.inputs {
            let period_end = input.period_end().map(str::to_owned);
            for flag in [Some(input.flag()), period_end].into_iter().flatten() {
                ensure!(
                    flags.insert(flag.clone()),
                    "two parameters have the flag --{flag}"
                );
            }
        }
        Ok(())
    }

    /// Replaces the limit of a page by that of the whole list, because the command line reads all pages.
    fn limit_list(&mut self) -> Result<()> {
        let limit = self.inputs.iter_mut().find(|input| input.name == "limit");
        let mut parameters = self.operation.parameters_in(Location::Query);
        let parameter = parameters.find(|it| it.name == "limit");
        let (Some(limit), Some(parameter)) = (limit, parameter) else {
            bail!("no limit");
        };
        let maximum = parameter.schema.maximum();
        let maximum = maximum.context("the limit has no maximum")?;
        self.max_page_size = maximum.as_u64();
        let description = "Maximum number of rows in total; pages are fetched as needed.";
        limit.help = help(description, &limit.kind, &parameter.schema, None);
        Ok(())
    }

    fn is_paged(&self) -> bool {
        PAGING
            .iter()
            .all(|name| self.inputs.iter().any(|input| input.name == *name))
    }

    /// Whether the input is a pagination parameter, which all lists share.
    fn is_paging(&self, input: &Input) -> bool {
        self.is_paged() && PAGING.contains(&input.name.as_str())
    }

    fn own_inputs(&self) -> impl Iterator<Item = &Input> {
        self.inputs.iter().filter(|input| !self.is_paging(input))
    }

    fn is_clearing(&self) -> bool {
        self.clearable.is_some()
    }

    /// Generates the struct, its description and the request. The struct has no documentation, because clap would use it
    /// as the help of the command.
    fn code(&self) -> Result<TokenStream> {
        let name = format_ident!("{}Args", self.operation.id.to_upper_camel_case());
        let (headers, fields): (Vec<_>, Vec<_>) = self.own_inputs().partition(|it| it.is_header);
        let fields = fields.into_iter().map(Input::declaration);
        let headers = headers.into_iter().map(Input::declaration);
        let clear = self.clearable.iter().map(|clearable| {
            quote! {
                #[arg(
                    long,
                    value_name = "FIELD",
                    value_delimiter = ',',
                    ignore_case = true,
                    help = "Clear these fields"
                )]
                pub(crate) clear: Vec<#clearable>,
            }
        });
        let description = self.description()?;
        let request = self.request()?;
        Ok(quote! {
            #[derive(Args, Clone)]
            pub(crate) struct #name { #(#fields)* #(#clear)* #(#headers)* }
            #description
            #request
        })
    }

    /// Generates the implementation of `OperationArgs`.
    fn description(&self) -> Result<TokenStream> {
        let name = format_ident!("{}Args", self.operation.id.to_upper_camel_case());
        let id = format_ident!("{}", self.operation.id.to_upper_camel_case());
        let summary = &self.operation.summary;
        let description = unwrapped(&self.operation.description);
        let fields = fields(self.operation)?;
        let selection = match fields.as_slice() {
            [] => quote!(NoColumns),
            _ if self.is_paged() => quote!(ListColumns<Self>),
            _ => quote!(Columns<Self>),
        };
        let times: Vec<_> = self
            .own_inputs()
            .filter(|input| matches!(input.kind, Kind::Time))
            .map(|input| &input.field)
            .collect();
        let times = (!times.is_empty()).then(|| {
            quote! {
                fn times(&self) -> Vec<&RelativeTime> {
                    [#(self.#times.as_ref()),*].into_iter().flatten().collect()
                }
            }
        });
        let has_key = self.inputs.iter().any(|it| it.name == IDEMPOTENCY_KEY);
        let idempotency_key = has_key.then(|| {
            quote! {
                fn idempotency_key(&self) -> Option<&str> {
                    self.idempotency_key.as_deref()
                }
            }
        });
        Ok(quote! {
            impl OperationArgs for #name {
                const OPERATION: OperationId = OperationId::#id;
                const SUMMARY: &'static str = #summary;
                const DESCRIPTION: &'static str = #description;
                const FIELDS: &'static [Field] = &[#(#fields),*];
                type Columns = #selection;
                #times
                #idempotency_key
            }
        })
    }

    /// Generates the method that builds the SDK's request.
    fn request(&self) -> Result<TokenStream> {
        let name = format_ident!("{}Args", self.operation.id.to_upper_camel_case());
        let (noun, verb) = requests::method(&self.operation.id)?;
        let builder = format_ident!("{}", verb.to_string().to_upper_camel_case());
        let path = quote!(konektor_sdk::#noun::#builder);

        let has_times = |input: &Input| matches!(input.kind, Kind::Time);
        let clock = self
            .inputs
            .iter()
            .any(has_times)
            .then(|| quote!(clock: &LocalClock,));
        let (page, page_fields) = if self.is_paged() {
            let fields = PAGING.map(types::snake);
            (
                Some(quote!(page: PageArgs,)),
                Some(quote!(let PageArgs { #(#fields),* } = page;)),
            )
        } else {
            (None, None)
        };
        let fields = self.own_inputs().map(|input| &input.field);
        let clear = self.is_clearing().then(|| quote!(clear));
        let fields = fields.map(|field| quote!(#field)).chain(clear);
        let changes = self.clearable.iter().map(|clearable| {
            let changes = self.inputs.iter().filter(|input| input.is_clearable);
            let changes = changes.map(|Input { field, name, .. }| {
                let cleared = format_ident!("{}", name.to_upper_camel_case());
                quote!(let #field = cleared.or(#field, #clearable::#cleared)?;)
            });
            quote! {
                let cleared = Cleared(clear);
                #(#changes)*
            }
        });
        let required = &self.required;
        let setters: Vec<_> = self
            .inputs
            .iter()
            .filter(|input| !input.is_required)
            .map(|input| input.setter(&quote!(#builder)))
            .collect();
        let import = (!setters.is_empty()).then(|| quote!(use #path;));
        let request = quote!(client.#noun().#verb(#(#required),*) #(#setters)*);
        let (output, request) = if self.is_clearing() {
            (quote!(Result<#path, Failure>), quote!(Ok(#request)))
        } else {
            (path, request)
        };
        let words = self.is_paged().then(|| self.words());
        Ok(quote! {
            impl #name {
                /// Builds the request.
                pub(crate) fn request(self, client: &Client, #clock #page) -> #output {
                    #import

                    let Self { #(#fields),* } = self;
                    #page_fields
                    #(#changes)*
                    #request
                }
                #words
            }
        })
    }

    /// Generates the method that returns the arguments as words.
    fn words(&self) -> TokenStream {
        words(&self.own_inputs().collect::<Vec<_>>())
    }

    /// Generates the struct of the pagination parameters.
    fn page_args(&self) -> Option<TokenStream> {
        let most = self.max_page_size?;
        let inputs: Vec<_> = self.inputs.iter().filter(|it| self.is_paging(it)).collect();
        let fields = inputs.iter().map(|input| input.declaration());
        let words = words(&inputs);
        Some(quote! {
            /// The maximum number of rows on a page.
            pub(crate) const MAX_PAGE_SIZE: u64 = #most;

            #[derive(Args, Clone, Default)]
            pub(crate) struct PageArgs { #(#fields)* }

            impl PageArgs { #words }
        })
    }
}

fn words(inputs: &[&Input]) -> TokenStream {
    let fields: Vec<_> = inputs.iter().map(|input| &input.field).collect();
    let flags = inputs.iter().map(|input| {
        let flag = input
            .period_end()
            .map_or_else(|| input.flag(), str::to_owned);
        let field = &input.field;
        quote!(.flag(#flag, #field.as_ref()))
    });
    quote! {
        /// Returns the arguments as words of a command line.
        pub(crate) fn words(&self) -> Words {
            let Self { #(#fields),* } = self;
            Words::default() #(#flags)*
        }
    }
}

impl Input {
    fn from_parameter(parameter: &Parameter) -> Result<Self> {
        let is_header = parameter.location == Location::Header;
        // The rest of the description of a header is about the protocol.
        let description = match parameter.description.split_once(". ") {
            Some((sentence, _)) if is_header => &format!("{sentence}."),
            _ => &parameter.description,
        };
        Ok(Self {
            is_required: parameter.required,
            is_header,
            ..Self::new(&parameter.name, description, &parameter.schema)?
        })
    }

    fn from_schema(name: &str, schema: &Schema) -> Result<Self> {
        Self::new(name, &document::description(name, schema), schema)
    }

    fn new(name: &str, description: &str, schema: &Schema) -> Result<Self> {
        let kind = Kind::from_schema(schema)?;
        Ok(Self {
            field: types::snake(name),
            name: name.to_owned(),
            object: None,
            help: help(description, &kind, schema, schema.maximum()),
            kind,
            is_required: false,
            is_header: false,
            positional: None,
            is_clearable: false,
        })
    }

    /// Returns the name of the flag.
    fn flag(&self) -> String {
        match &self.object {
            Some(object) => format!("{object}-{}", self.name),
            None => self.name.clone(),
        }
        .to_kebab_case()
    }

    /// Returns the common flag of the start or end of a period, which has several names in the document.
    fn period_end(&self) -> Option<&'static str> {
        let name = self.name.to_lowercase();
        match self.kind {
            Kind::Time if name.ends_with("from") => Some("since"),
            Kind::Time if name.ends_with("to") => Some("until"),
            _ => None,
        }
    }

    /// Generates the field of the struct.
    fn declaration(&self) -> TokenStream {
        let Self { field, help, .. } = self;
        let (flag, name) = (self.flag(), &self.name);
        let long = self.positional.is_none().then(|| quote!(long = #flag,));
        // The name in the document works as well.
        let is_alias =
            long.is_some() && self.object.is_none() && *name != flag && !name.contains('-');
        let alias = is_alias.then(|| quote!(alias = #name,));
        let period_end = self.period_end().map(|end| quote!(visible_alias = #end,));
        let value_name = self.positional.as_deref().unwrap_or(self.kind.value_name());
        let parser = self.kind.parser();
        let ty = self.kind.rust_type();
        let ty = if self.is_required {
            ty
        } else {
            quote!(Option<#ty>)
        };
        quote! {
            #[arg(#long #alias #period_end value_name = #value_name, #parser help = #help)]
            pub(crate) #field: #ty,
        }
    }

    /// Generates the call of the setter.
    fn setter(&self, builder: &TokenStream) -> TokenStream {
        let Self { field, name, .. } = self;
        let setter = types::snake(name);
        if self.is_clearable {
            let clear = format_ident!("clear_{setter}");
            return quote!(.set_or_clear(#field, #builder::#setter, #builder::#clear));
        }
        let value = if matches!(self.kind, Kind::Time) {
            quote!(#field.map(|time| time.resolve(clock)))
        } else {
            quote!(#field)
        };
        quote!(.set_if_some(#value, #builder::#setter))
    }
}

impl Kind {
    fn from_schema(schema: &Schema) -> Result<Self> {
        if schema.format() == Some("time-or-date") {
            return Ok(Self::Time);
        }
        if let Some(name) = schema.component().filter(|_| schema.has_values()) {
            return Ok(Self::Word(format_ident!("{name}")));
        }
        Ok(match (schema.kind(), schema.format()) {
            (Some(SchemaKind::Integer), _) => Self::Integer,
            (Some(SchemaKind::Number), _) => Self::Number,
            (Some(SchemaKind::Boolean), _) => Self::Boolean,
            (Some(SchemaKind::String), Some("uuid")) => Self::Uuid,
            (Some(SchemaKind::String), _) => Self::Text,
            (kind, _) => bail!("a value of the type {kind:?} cannot be typed"),
        })
    }

    fn value_name(&self) -> &'static str {
        match self {
            Self::Word(_) => "VALUE",
            Self::Time => "TIME",
            Self::Integer | Self::Number => "NUMBER",
            Self::Boolean => "BOOL",
            Self::Uuid => "UUID",
            Self::Text => "TEXT",
        }
    }

    fn rust_type(&self) -> TokenStream {
        match self {
            Self::Word(name) => quote!(konektor_sdk::#name),
            Self::Time => quote!(RelativeTime),
            Self::Integer => quote!(u64),
            Self::Number => quote!(f64),
            Self::Boolean => quote!(bool),
            Self::Uuid => quote!(Uuid),
            Self::Text => quote!(String),
        }
    }

    /// Returns the parser, which checks the syntax and the allowed words (to suggest the closest one). The server checks
    /// the limits.
    fn parser(&self) -> Option<TokenStream> {
        Some(match self {
            Self::Word(name) => {
                quote!(value_parser = word(konektor_sdk::#name::VALUES), ignore_case = true,)
            }
            Self::Integer => quote!(value_parser = whole_number,),
            Self::Number => quote!(value_parser = number,),
            Self::Uuid => quote!(value_parser = uuid,),
            Self::Time | Self::Boolean | Self::Text => return None,
        })
    }
}

/// Returns the help: the description, and the range, length and default of a value.
fn help(description: &str, kind: &Kind, schema: &Schema, maximum: Option<&Number>) -> String {
    let mut help: Vec<_> = description.split_whitespace().map(str::to_owned).collect();
    if matches!(kind, Kind::Time) {
        help.push("Also accepts today, yesterday, 7d or 12h.".to_owned());
    }
    let range = match (schema.minimum(), maximum) {
        (None, None) => None,
        (Some(least), None) => Some(format!("[at least {least}]")),
        (None, Some(most)) => Some(format!("[at most {most}]")),
        (Some(least), Some(most)) => Some(format!("[{least} to {most}]")),
    };
    let length = schema.max_length();
    let length = length.map(|most| format!("[at most {most} characters]"));
    let default = schema.default_value().map(|default| match default {
        Value::String(word) => format!("[default: {word}]"),
        default => format!("[default: {default}]"),
    });
    help.extend([range, length, default].into_iter().flatten());
    help.join(" ")
}

/// Joins the lines of each paragraph, because the help wraps them.
fn unwrapped(text: &str) -> String {
    let paragraphs = text.split("\n\n");
    let paragraphs = paragraphs.map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Generates the fields of the rows in the response. What comes beside a single row is a field of it.
fn fields(operation: &konektor_spec::Operation) -> Result<Vec<TokenStream>> {
    let success = operation.success().context("no success")?;
    if success.media_type.as_deref() != Some("application/json") {
        return Ok(Vec::new());
    }
    let data = success.schema.property("data").context("no data")?;
    if let Some(row) = data.items() {
        return Ok(fields_of(row, ""));
    }
    let beside = success.schema.properties();
    let beside = beside.filter(|(name, _)| !["success", "data"].contains(name));
    let mut fields = fields_of(data, "");
    fields.extend(beside.map(|(name, property)| field(name, property)));
    Ok(fields)
}

fn fields_of(schema: &Schema, above: &str) -> Vec<TokenStream> {
    let fields = schema.properties().flat_map(|(name, property)| {
        let path = format!("{above}{name}");
        if property.has_properties() {
            fields_of(property, &format!("{path}."))
        } else {
            vec![field(&path, property)]
        }
    });
    fields.collect()
}

/// Generates a field, with the kind that says how a person reads its value.
fn field(name: &str, property: &Schema) -> TokenStream {
    let kind = match (name, property.format(), property.kind()) {
        ("phone", ..) => quote!(Phone),
        ("status" | "conversionSyncStatus", ..) => quote!(Status),
        ("percentage", ..) => quote!(Share),
        (_, Some("date-time"), _) => quote!(Time),
        (_, _, Some(SchemaKind::Integer)) => quote!(Count),
        (_, _, Some(SchemaKind::Number)) => quote!(Amount),
        _ => quote!(Text),
    };
    quote!(Field::new(#name, FieldKind::#kind))
}

/// Returns the name of the enum of fields that `--clear` can set to null: `ClearableLeadField` for `LeadUpdate`.
fn clearable_name(schema: &str) -> Ident {
    format_ident!("Clearable{}Field", schema.trim_end_matches("Update"))
}

/// Generates the enum of the fields that `--clear` can set to null.
fn clearable_fields(name: &str, schema: &Schema) -> TokenStream {
    let ident = clearable_name(name);
    let mut variants = TokenStream::new();
    for (name, property) in schema.properties() {
        if !property.is_nullable() {
            continue;
        }
        let variant = format_ident!("{}", name.to_upper_camel_case());
        let flag = name.to_kebab_case();
        let alias = (flag != name).then(|| quote!(, alias = #flag));
        variants.extend(quote!(#[value(name = #name #alias)] #variant,));
    }
    quote! {
        /// A field that `--clear` can set to null.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        pub(crate) enum #ident { #variants }
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use serde_json::json;
    use syn::{
        Expr, ImplItem, ImplItemFn, ImplItemType, Item, ItemImpl, ItemStruct, Stmt, Type,
        Visibility, parse_quote,
    };

    use super::*;
    use crate::{generate, paths};

    /// The code generated from a changed document.
    struct Generated(Vec<syn::File>);

    fn from(change: impl FnOnce(&mut Value)) -> Result<Generated> {
        let mut document = document::read(&paths::openapi())?.document().clone();
        change(&mut document);
        let spec = Spec::from_value(document)?;
        let client = generate::client::generate(&spec)?;
        let files = [
            generate(&spec)?,
            generate::enums::generate(&spec)?,
            generate::requests::generate(&spec, &client)?,
            client.code,
            generate::requests::setters(&spec)?,
        ];
        let written = files.iter().map(prettyplease::unparse);
        let read = written.map(|text| Ok(syn::parse_file(&text)?));
        Ok(Generated(read.collect::<Result<_>>()?))
    }

    fn from_changed(change: impl FnOnce(&mut Value)) -> Generated {
        from(change).unwrap()
    }

    impl Generated {
        fn args(&self, name: &str) -> &ItemStruct {
            let mut items = self.0[0].items.iter();
            let args = items.find_map(|item| match item {
                Item::Struct(args) if args.ident == name => Some(args),
                _ => None,
            });
            args.unwrap_or_else(|| panic!("there is no {name}"))
        }

        /// Returns the declaration of an argument.
        fn declaration(&self, args: &str, field: &str) -> String {
            let mut fields = self.args(args).fields.iter();
            let field = fields.find(|it| it.ident.as_ref().is_some_and(|name| name == field));
            plain(field.unwrap_or_else(|| panic!("{args} has no such field")))
        }

        fn implementations(&self, of: &Type) -> impl Iterator<Item = &ItemImpl> {
            let items = self.0.iter().flat_map(|file| &file.items);
            items.filter_map(move |item| match item {
                Item::Impl(methods) if *methods.self_ty == *of => Some(methods),
                _ => None,
            })
        }

        fn method(&self, of: &Type, name: &str) -> Option<&ImplItemFn> {
            let items = self.implementations(of).flat_map(|it| &it.items);
            let mut methods = items.filter_map(|item| match item {
                ImplItem::Fn(method) => Some(method),
                _ => None,
            });
            methods.find(|method| method.sig.ident == name)
        }

        /// Returns the statements of `request`, and the expression that it returns.
        fn request(&self, of: &Type) -> (&[Stmt], &Expr) {
            let method = self.method(of, "request").unwrap();
            match method.block.stmts.split_last() {
                Some((Stmt::Expr(returned, None), before)) => (before, returned),
                _ => panic!("request returns nothing"),
            }
        }

        /// Returns all implementations of a type, including those in the SDK.
        fn methods(&self, of: &str) -> String {
            let of = syn::parse_str(of).unwrap();
            self.implementations(&of).map(plain).collect()
        }

        fn sdk_enum(&self, name: &str) -> String {
            let mut items = self.0[1].items.iter();
            let found = items.find_map(|item| match item {
                Item::Enum(item) if item.ident == name => Some(plain(&item.variants)),
                _ => None,
            });
            found.unwrap_or_else(|| panic!("there is no {name}"))
        }
    }

    fn plain(code: &impl ToTokens) -> String {
        code.to_token_stream().to_string().replace(' ', "")
    }

    #[test]
    fn a_new_value_is_allowed() {
        let generated = from_changed(|document| {
            let values = &mut document["components"]["schemas"]["LeadStatus"]["enum"];
            values.as_array_mut().unwrap().push("dormant".into());
        });
        assert!(generated.sdk_enum("LeadStatus").contains("Dormant"));
        for args in [
            "LeadsListArgs",
            "LeadsCreateArgs",
            "LeadsUpdateArgs",
            "LeadsUpsertArgs",
        ] {
            let status = generated.declaration(args, "status");
            assert!(
                status.contains("word(konektor_sdk::LeadStatus::VALUES)"),
                "{status}"
            );
        }
    }

    #[test]
    fn a_value_that_is_gone_is_not_allowed() {
        let generated = from_changed(|document| {
            document["components"]["schemas"]["LeadStatus"]["enum"] = json!(["new", "won"]);
            document["components"]["examples"]["LeadUpsert"]["value"]["lead"]["status"] =
                json!("won");
        });
        let statuses = generated.sdk_enum("LeadStatus");
        assert!(
            statuses.contains("Won") && !statuses.contains("Lost"),
            "{statuses}"
        );
    }

    #[test]
    fn changed_limits_and_defaults_are_in_the_help() {
        let generated = from_changed(|document| {
            let schemas = &mut document["components"]["schemas"];
            schemas["PageLimit"]["maximum"] = json!(250);
            schemas["PageLimit"]["x-default"] = json!(75);
            schemas["FirstName"]["maxLength"] = json!(33);
            schemas["LeadCreate"]["properties"]["priority"]["x-default"] = json!("low");
            schemas["Amount"]["maximum"] = json!(9);
        });
        for (args, field, fact) in [
            ("PageArgs", "limit", "[atleast1][default:75]"),
            ("LeadsCreateArgs", "first_name", "[atmost33characters]"),
            ("LeadsUpdateArgs", "first_name", "[atmost33characters]"),
            ("LeadsCreateArgs", "priority", "[default:low]"),
            ("LeadsUpsertArgs", "actual_value", "[0to9]"),
        ] {
            let declaration = generated.declaration(args, field);
            assert!(declaration.contains(fact), "{declaration}");
        }
        let page_size = plain(&generated.0[0]);
        assert!(page_size.contains("MAX_PAGE_SIZE:u64=250u64"));
    }

    #[test]
    fn a_new_parameter_is_a_flag_that_is_passed_on() {
        let generated = from_changed(|document| {
            let parameters = &mut document["paths"]["/leads"]["get"]["parameters"];
            parameters.as_array_mut().unwrap().push(json!({
                "name": "hasPhone", "in": "query", "description": "Only leads with a phone.",
                "schema": {"type": "boolean"},
            }));
        });
        assert_eq!(
            generated.declaration("LeadsListArgs", "has_phone"),
            "#[arg(long=\"has-phone\",alias=\"hasPhone\",value_name=\"BOOL\",\
             help=\"Onlyleadswithaphone.\")]pub(crate)has_phone:Option<bool>"
        );
        let methods = generated.methods("LeadsListArgs");
        let passes = "set_if_some(has_phone,List::has_phone)";
        assert!(methods.contains(passes), "{methods}");
        assert!(
            generated
                .methods("crate::leads::List")
                .contains("pubfnhas_phone(")
        );
    }

    #[test]
    fn a_new_field_is_set_and_emptied() {
        let generated = from_changed(|document| {
            let schemas = &mut document["components"]["schemas"];
            for body in ["LeadCreate", "LeadUpdate"] {
                schemas[body]["properties"]["jobTitle"] = json!({
                    "type": "string", "nullable": true, "description": "What they do.",
                });
            }
        });
        for args in ["LeadsCreateArgs", "LeadsUpdateArgs", "LeadsUpsertArgs"] {
            let declaration = generated.declaration(args, "job_title");
            assert!(declaration.contains("long=\"job-title\""), "{declaration}");
        }
        let methods = generated.methods("LeadsUpdateArgs");
        for part in [
            "letjob_title=cleared.or(job_title,ClearableLeadField::JobTitle)?;",
            "set_or_clear(job_title,Update::job_title,Update::clear_job_title",
        ] {
            assert!(methods.contains(part), "{part}: {methods}");
        }
        let sdk = generated.methods("crate::leads::Update");
        assert!(sdk.contains("pubfnjob_title(") && sdk.contains("pubfnclear_job_title("));
        let fields =
            "Field::new(\"campaignName\",FieldKind::Text),Field::new(\"conversionSyncStatus\",";
        assert!(methods.contains(fields), "{methods}");
    }

    #[test]
    fn a_new_time_is_relative_to_the_clock() {
        let generated = from_changed(|document| {
            let parameters = &mut document["paths"]["/conversions/pending"]["get"]["parameters"];
            parameters.as_array_mut().unwrap().push(json!({
                "name": "syncedFrom", "in": "query", "description": "Only leads synced since then.",
                "schema": {"$ref": "#/components/schemas/TimeOrDate"},
            }));
        });
        let declaration = generated.declaration("ConversionsPendingArgs", "synced_from");
        for part in [
            "visible_alias=\"since\"",
            "Alsoacceptstoday,yesterday",
            "Option<RelativeTime>",
        ] {
            assert!(declaration.contains(part), "{declaration}");
        }
        let methods = generated.methods("ConversionsPendingArgs");
        for part in [
            "[self.synced_from.as_ref()]",
            "synced_from.map(|time|time.resolve(clock))",
        ] {
            assert!(methods.contains(part), "{methods}");
        }
    }

    #[test]
    fn a_new_operation_has_arguments() {
        let generated = from_changed(|document| {
            let mut operation = document["paths"]["/leads/{id}"]["get"].clone();
            operation["operationId"] = json!("leads_history_show");
            operation["summary"] = json!("Read the history of a lead");
            document["paths"]["/leads/{id}/history"]["get"] = operation;
        });
        let id = generated.declaration("LeadsHistoryShowArgs", "id");
        assert!(
            id.contains("value_name=\"LEAD\"") && !id.contains("long"),
            "{id}"
        );
        let methods = generated.methods("LeadsHistoryShowArgs");
        for part in [
            "OPERATION:OperationId=OperationId::LeadsHistoryShow",
            "\"Read the history of a lead\"".replace(' ', "").as_str(),
            "client.leads().show_history(id)",
        ] {
            assert!(methods.contains(part), "{part}: {methods}");
        }
    }

    #[test]
    fn a_deletion_answers_nothing() {
        let generated = from_changed(|document| {
            let mut operation = document["paths"]["/leads/{id}"]["get"].clone();
            operation["operationId"] = json!("leads_delete");
            operation["responses"] = json!({"204": {"description": "The lead is gone."}});
            document["paths"]["/leads/{id}"]["delete"] = operation;
        });
        let args = parse_quote!(LeadsDeleteArgs);
        let (_, request) = generated.request(&args);
        assert_eq!(*request, parse_quote!(client.leads().delete(id)));
        let columns: ImplItemType = parse_quote!(
            type Columns = NoColumns;
        );
        let mut described = generated.implementations(&args).flat_map(|it| &it.items);
        assert!(described.any(|item| *item == ImplItem::Type(columns.clone())));

        let method = generated.method(&parse_quote!(Requests<'_>), "leads_delete");
        let visibility: Visibility = parse_quote!(pub(crate));
        assert_eq!(method.unwrap().vis, visibility);
    }

    #[test]
    fn a_second_resource_can_be_changed() {
        let generated = from_changed(|document| {
            let mut operation = document["paths"]["/leads/{id}"]["patch"].clone();
            operation["operationId"] = json!("workspace_update");
            operation["parameters"] = json!([]);
            operation["requestBody"]["content"]["application/json"] = json!({
                "schema": {"$ref": "#/components/schemas/WorkspaceUpdate"},
                "examples": {"example": {"value": {"language": "id"}}},
            });
            document["paths"]["/workspace"]["patch"] = operation;
            document["components"]["schemas"]["WorkspaceUpdate"] = json!({
                "type": "object", "additionalProperties": false, "description": "Changes.",
                "properties": {
                    "displayName": {"type": "string", "description": "Its name."},
                    "language": {"type": "string", "nullable": true, "description": "A code."},
                },
            });
        });
        let (before, request) = generated.request(&parse_quote!(WorkspaceUpdateArgs));
        assert!(before.contains(&parse_quote!(
            let language = cleared.or(language, ClearableWorkspaceField::Language)?;
        )));
        // The generated call has a comma at its end.
        let expected: Expr = parse_quote!(Ok(client
            .workspace()
            .update()
            .set_if_some(display_name, Update::display_name)
            .set_or_clear(language, Update::language, Update::clear_language),));
        assert_eq!(*request, expected);

        let changes = parse_quote!(crate::WorkspaceChanges);
        for name in ["language", "clear_language", "display_name"] {
            assert!(generated.method(&changes, name).is_some(), "{name}");
        }
        assert!(generated.method(&changes, "clear_display_name").is_none());
        let changes = parse_quote!(crate::LeadChanges);
        assert!(generated.method(&changes, "clear_notes").is_some());
    }

    #[test]
    fn a_changed_answer_changes_the_fields() {
        let generated = from_changed(|document| {
            let schemas = &mut document["components"]["schemas"];
            schemas["LeadScore"] = json!({
                "type": "object",
                "required": ["total"],
                "properties": {"total": {"type": "integer", "format": "int64"}},
            });
            schemas["Lead"]["properties"]["score"] =
                json!({"$ref": "#/components/schemas/LeadScore"});
        });
        for args in ["LeadsListArgs", "LeadsGetArgs"] {
            let methods = generated.methods(args);
            assert!(
                methods.contains("Field::new(\"score.total\",FieldKind::Count),]"),
                "{methods}"
            );
        }
    }

    #[test]
    fn what_cannot_be_typed_is_refused() {
        let same_flag = from(|document| {
            let parameters = &mut document["paths"]["/leads"]["get"]["parameters"];
            parameters.as_array_mut().unwrap().push(json!({
                "name": "updatedFrom", "in": "query", "description": "Only leads updated since then.",
                "schema": {"$ref": "#/components/schemas/TimeOrDate"},
            }));
        });
        let error = format!("{:#}", same_flag.err().unwrap());
        assert_eq!(error, "leads_list: two parameters have the flag --since");

        let list = from(|document| {
            document["paths"]["/leads"]["get"]["parameters"]
                .as_array_mut()
                .unwrap()
                .push(json!({
                    "name": "tags", "in": "query", "description": "Only leads with these tags.",
                    "schema": {"type": "array", "items": {"type": "string"}},
                }));
        });
        let error = format!("{:#}", list.err().unwrap());
        assert!(
            error.starts_with("leads_list: a value of the type"),
            "{error}"
        );
    }
}
