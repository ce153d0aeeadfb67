//! The arguments of the command line: a struct per operation, and its conversion into the SDK's request.
//!
//! The conversion destructures without `..`, so a parameter that is not passed on, or that has no setter in the SDK,
//! does not compile.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use heck::{ToKebabCase, ToUpperCamelCase};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;
use syn::Ident;

use super::{document, requests, types};

/// The pagination parameters.
const PAGING: [&str; 3] = ["page", "limit", "cursor"];

/// The header that makes a write safe to repeat.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Generates the argument structs of all operations.
pub(crate) fn generate(document: &Value) -> Result<syn::File> {
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
    for (path, item) in document::object(document, "/paths")? {
        for operation in document::operations(item) {
            let id = operation["operationId"]
                .as_str()
                .context("an operation has no id")?;
            let operation =
                Operation::read(document, path, operation, id).with_context(|| id.to_owned())?;
            code.extend(operation.code().with_context(|| id.to_owned())?);
            if let Some(args) = operation.page_args() {
                let first = page_args.get_or_insert_with(|| args.clone());
                ensure!(
                    first.to_string() == args.to_string(),
                    "{id} has other pagination parameters than the lists before it"
                );
            }
        }
    }
    code.extend(page_args);
    for schema in document::changes(document) {
        code.extend(clearable_fields(document, schema)?);
    }
    Ok(syn::parse2(code)?)
}

/// An operation as the command line sees it.
struct Operation<'a> {
    document: &'a Value,
    operation: &'a Value,
    id: &'a str,
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
    fn read(document: &'a Value, path: &str, operation: &'a Value, id: &'a str) -> Result<Self> {
        let mut this = Self {
            document,
            operation,
            id,
            inputs: Vec::new(),
            required: Vec::new(),
            clearable: None,
            max_page_size: None,
        };
        for parameter in document::parameters(document, operation, "path")? {
            let input = Input::from_parameter(document, parameter)?;
            let noun = noun_before(path, &input.name).to_uppercase();
            this.take(Input {
                positional: Some(noun),
                ..input
            });
        }
        for parameter in document::parameters(document, operation, "query")? {
            this.take(Input::from_parameter(document, parameter)?);
        }
        if let Some(body) = document::body(operation) {
            this.take_fields(body)?;
        }
        for parameter in document::parameters(document, operation, "header")? {
            this.take(Input::from_parameter(document, parameter)?);
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
    fn take_fields(&mut self, reference: &Value) -> Result<()> {
        let document = self.document;
        let is_change = document::is_change(document, reference);
        if let Some(name) = document::schema_name(reference).filter(|_| is_change) {
            self.clearable = Some(clearable_name(name));
        }
        let schema = document::follow(document, reference)?;
        for (name, property) in document::properties(schema)? {
            let below = document::target(document, property)?;
            let is_required = document::is_required(schema, name);
            match document::schema_name(property) {
                Some(_) if document::is_change(document, property) => self.take_fields(property)?,
                Some(object) if below.get("properties").is_some() => {
                    ensure!(is_required, "{name} is an object that may be left out");
                    self.take_object(name, object, below)?;
                }
                _ => {
                    let is_clearable = is_change && document::is_nullable(document, property)?;
                    self.take(Input {
                        is_required,
                        is_clearable,
                        ..Input::from_property(document, name, property)?
                    });
                }
            }
        }
        Ok(())
    }

    /// Adds an object of the body that the SDK constructs from its properties.
    fn take_object(&mut self, name: &str, object: &str, schema: &Value) -> Result<()> {
        let mut arguments = Vec::new();
        for (below, property) in document::properties(schema)? {
            ensure!(
                document::is_required(schema, below),
                "{name}.{below} must be required"
            );
            let input = Input {
                field: types::snake(&format!("{name}_{below}")),
                object: Some(name.to_owned()),
                is_required: true,
                ..Input::from_property(self.document, below, property)?
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
        let parameters = document::parameters(self.document, self.operation, "query")?;
        let limit = parameters.into_iter().find(|it| it["name"] == "limit");
        let schema = &limit.context("no limit")?["schema"];
        let mut schema = document::target(self.document, schema)?.clone();
        let maximum = schema
            .as_object_mut()
            .and_then(|it| it.shift_remove("maximum"));
        self.max_page_size = maximum.context("the limit has no maximum")?.as_u64();
        let description = "Maximum number of rows in total; pages are fetched as needed.";
        let help = Input::new(self.document, "limit", description, &schema)?.help;
        let limit = self.inputs.iter_mut().find(|input| input.name == "limit");
        limit.context("no limit")?.help = help;
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
        let name = format_ident!("{}Args", self.id.to_upper_camel_case());
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
        let name = format_ident!("{}Args", self.id.to_upper_camel_case());
        let id = format_ident!("{}", self.id.to_upper_camel_case());
        let text = |name: &str| {
            let text = self.operation[name].as_str();
            text.with_context(|| format!("no {name}"))
        };
        let summary = text("summary")?;
        let description = unwrapped(text("description")?);
        let fields = fields(self.document, self.operation)?;
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
        let name = format_ident!("{}Args", self.id.to_upper_camel_case());
        let (noun, verb) = requests::method(self.id)?;
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
    fn from_parameter(document: &Value, parameter: &Value) -> Result<Self> {
        let name = parameter["name"]
            .as_str()
            .context("a parameter without a name")?;
        let description = &*document::description(document, name, parameter)?;
        let is_header = parameter["in"] == "header";
        // The rest of the description of a header is about the protocol.
        let description = match description.split_once(". ") {
            Some((sentence, _)) if is_header => &format!("{sentence}."),
            _ => description,
        };
        Ok(Self {
            is_required: parameter["required"] == true,
            is_header,
            ..Self::new(document, name, description, &parameter["schema"])?
        })
    }

    fn from_property(document: &Value, name: &str, property: &Value) -> Result<Self> {
        let description = document::description(document, name, property)?;
        Self::new(document, name, &description, property)
    }

    fn new(document: &Value, name: &str, description: &str, schema: &Value) -> Result<Self> {
        let kind = Kind::from_schema(document, schema)?;
        let mut help: Vec<_> = description.split_whitespace().map(str::to_owned).collect();
        if matches!(kind, Kind::Time) {
            help.push("Also accepts today, yesterday, 7d or 12h.".to_owned());
        }
        help.extend(facts(document, schema)?.map(|fact| format!("[{fact}]")));
        Ok(Self {
            field: types::snake(name),
            name: name.to_owned(),
            object: None,
            help: help.join(" "),
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
    fn from_schema(document: &Value, schema: &Value) -> Result<Self> {
        let bare = document::bare(document, schema)?;
        if let Some(name) = document::schema_name(&bare) {
            let target = document::follow(document, &bare)?;
            if document::values(target).is_some() {
                return Ok(Self::Word(format_ident!("{name}")));
            }
            ensure!(name == "TimeOrDate", "{name} cannot be typed");
            return Ok(Self::Time);
        }
        Ok(match (bare["type"].as_str(), bare["format"].as_str()) {
            (Some("integer"), _) => Self::Integer,
            (Some("number"), _) => Self::Number,
            (Some("boolean"), _) => Self::Boolean,
            (Some("string"), Some("uuid")) => Self::Uuid,
            (Some("string"), _) => Self::Text,
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

/// Returns the segment before a path parameter, in the singular: `lead` for the `{id}` of `/leads/{id}`.
fn noun_before<'p>(path: &'p str, parameter: &'p str) -> &'p str {
    path.split_once(&format!("/{{{parameter}}}"))
        .and_then(|(before, _)| before.rsplit('/').next())
        .map_or(parameter, |noun| noun.trim_end_matches('s'))
}

/// Returns the range, length and default of a value, for the help.
fn facts(document: &Value, schema: &Value) -> Result<impl Iterator<Item = String>> {
    let keyword = |name| document::keyword(document, schema, name);
    let range = match (keyword("minimum")?, keyword("maximum")?) {
        (None, None) => None,
        (Some(least), None) => Some(format!("at least {least}")),
        (None, Some(most)) => Some(format!("at most {most}")),
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
    };
    let length = keyword("maxLength")?.map(|most| format!("at most {most} characters"));
    let default = keyword("x-default")?.map(|default| match default {
        Value::String(word) => format!("default: {word}"),
        default => format!("default: {default}"),
    });
    Ok([range, length, default].into_iter().flatten())
}

/// Joins the lines of each paragraph, because the help wraps them.
fn unwrapped(text: &str) -> String {
    let paragraphs = text.split("\n\n");
    let paragraphs = paragraphs.map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Generates the fields of the rows in the response. What comes beside a single row is a field of it.
fn fields(document: &Value, operation: &Value) -> Result<Vec<TokenStream>> {
    let responses = document::object(operation, "/responses")?;
    let success = responses.iter().find(|(status, _)| status.starts_with('2'));
    let (_, success) = success.context("no success")?;
    let success = document::follow(document, success)?;
    let Some(schema) = success.pointer("/content/application~1json/schema") else {
        return Ok(Vec::new());
    };
    let envelope = document::properties(document::follow(document, schema)?)?;
    let data = envelope.iter().find(|(name, _)| *name == "data");
    let (_, data) = data.context("no data")?;
    let data = document::target(document, data)?;
    if let Some(row) = data.get("items") {
        return fields_of(document, row, "");
    }
    let mut fields = fields_of(document, data, "")?;
    for (name, property) in envelope {
        if !["success", "data"].contains(&name) {
            fields.push(field(document, name, property)?);
        }
    }
    Ok(fields)
}

fn fields_of(document: &Value, schema: &Value, above: &str) -> Result<Vec<TokenStream>> {
    let mut fields = Vec::new();
    for (name, property) in document::properties(document::target(document, schema)?)? {
        let path = format!("{above}{name}");
        let target = document::target(document, property)?;
        if target.get("properties").is_some() {
            fields.extend(fields_of(document, target, &format!("{path}."))?);
        } else {
            fields.push(field(document, &path, property)?);
        }
    }
    Ok(fields)
}

/// Generates a field, with the kind that says how a person reads its value.
fn field(document: &Value, name: &str, property: &Value) -> Result<TokenStream> {
    let keyword = |keyword| -> Result<_> {
        let value = document::keyword(document, property, keyword)?;
        Ok(value.and_then(Value::as_str))
    };
    let kind = match (name, keyword("format")?, keyword("type")?) {
        ("phone", ..) => quote!(Phone),
        ("status" | "conversionSyncStatus", ..) => quote!(Status),
        ("percentage", ..) => quote!(Share),
        (_, Some("date-time"), _) => quote!(Time),
        (_, _, Some("integer")) => quote!(Count),
        (_, _, Some("number")) => quote!(Amount),
        _ => quote!(Text),
    };
    Ok(quote!(Field::new(#name, FieldKind::#kind)))
}

/// Returns the name of the enum of fields that `--clear` can set to null: `ClearableLeadField` for `LeadUpdate`.
fn clearable_name(schema: &str) -> Ident {
    format_ident!("Clearable{}Field", schema.trim_end_matches("Update"))
}

/// Generates the enum of the fields that `--clear` can set to null.
fn clearable_fields(document: &Value, name: &str) -> Result<TokenStream> {
    let schema = &document["components"]["schemas"][name];
    let ident = clearable_name(name);
    let mut variants = TokenStream::new();
    for (name, property) in document::properties(schema)? {
        if !document::is_nullable(document, property)? {
            continue;
        }
        let variant = format_ident!("{}", name.to_upper_camel_case());
        let flag = name.to_kebab_case();
        let alias = (flag != name).then(|| quote!(, alias = #flag));
        variants.extend(quote!(#[value(name = #name #alias)] #variant,));
    }
    Ok(quote! {
        /// A field that `--clear` can set to null.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        pub(crate) enum #ident { #variants }
    })
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use serde_json::json;
    use syn::{Item, ItemStruct};

    use super::*;
    use crate::{generate, paths};

    /// The code generated from a changed document.
    struct Generated(Vec<syn::File>);

    fn from(change: impl FnOnce(&mut Value)) -> Result<Generated> {
        let mut document = document::read(&paths::openapi())?;
        change(&mut document);
        let client = generate::client::generate(&document)?;
        Ok(Generated(vec![
            generate(&document)?,
            generate::enums::generate(&document)?,
            generate::requests::generate(&document, &client)?,
            client.code,
            generate::requests::setters(&document)?,
        ]))
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

        /// Returns all implementations of a type, including those in the SDK.
        fn methods(&self, of: &str) -> String {
            let items = self.0.iter().flat_map(|file| &file.items);
            let methods = items.filter_map(|item| match item {
                Item::Impl(methods) if plain(&methods.self_ty) == of => Some(plain(methods)),
                _ => None,
            });
            methods.collect()
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
        let methods = generated.methods("LeadsDeleteArgs");
        assert!(methods.contains("client.leads().delete(id)"), "{methods}");
        let requests = generated.methods("Requests<'_>");
        assert!(
            requests.contains("pub(crate)fnleads_delete<'a>("),
            "{requests}"
        );
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
        let methods = generated.methods("WorkspaceUpdateArgs");
        for part in [
            "cleared.or(language,ClearableWorkspaceField::Language)?;",
            "client.workspace().update()",
        ] {
            assert!(methods.contains(part), "{part}: {methods}");
        }
        let changes = generated.methods("crate::WorkspaceChanges");
        for part in [
            "pubfnlanguage(",
            "pubfnclear_language(",
            "pubfndisplay_name(",
        ] {
            assert!(changes.contains(part), "{part}: {changes}");
        }
        assert!(!changes.contains("clear_display_name"), "{changes}");
        let changes = generated.methods("crate::LeadChanges");
        assert!(changes.contains("pubfnclear_notes("), "{changes}");
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
                methods.contains("Field::new(\"score.total\",FieldKind::Count)]"),
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
