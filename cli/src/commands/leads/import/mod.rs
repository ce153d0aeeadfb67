//! `konektor leads import`: many leads from a file.
//!
//! Every row is checked against the document before any is sent. Valid rows are sent concurrently; invalid ones go into
//! the rejects file. A checkpoint records the outcome of each row, so that a stopped import can be resumed.

mod checkpoint;
mod columns;
mod input;
mod rejects;
mod row;
mod send;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::{Args, ValueHint};
use indicatif::ProgressBar;
use konektor_sdk::LeadMatchBy;
use konektor_spec::{IDEMPOTENCY_HOURS, OperationId};
use serde_json::{Value, json};

use crate::{
    args::word,
    commands::LocalCommand,
    config::{BASE_URL, OUTPUT, Setting, Source},
    error::{Exit, Failure},
    render::{Answer, DetailView, View, count},
    session::{Call, Context, progress},
};
use checkpoint::{Checkpoint, Done, Plan};
use columns::{Fields, Mapping, Target};
use input::Input;
use row::{Request, Rules, reasons};
use send::End;

#[derive(Args)]
pub(crate) struct Import {
    #[arg(
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help = "The file, or - for stdin"
    )]
    file: String,
    #[arg(
        long,
        value_name = "HEADER=FIELD",
        help = "Map a column to a field, or skip it (--map \"Usia=\")"
    )]
    map: Vec<String>,
    #[arg(
        long,
        value_name = "FIELD",
        value_parser = word(LeadMatchBy::VALUES),
        ignore_case = true,
        help = "Match existing leads by this field only; a row without it creates a new lead"
    )]
    match_by: Option<LeadMatchBy>,
    #[arg(
        long,
        conflicts_with_all = ["map", "match_by", "dry_run"],
        help = "Continue an import that was stopped"
    )]
    resume: bool,
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help = "Where bad rows go [default: beside FILE, .rejects.csv or .rejects.ndjson]"
    )]
    rejects: Option<PathBuf>,
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help = "Progress file for --resume [default: FILE.checkpoint]"
    )]
    checkpoint: Option<PathBuf>,
    #[arg(short, long, help = "Do not ask for confirmation")]
    yes: bool,
    #[arg(long, help = "Check every row, and send nothing")]
    dry_run: bool,
}

impl LocalCommand for Import {
    const PATH: &'static [&'static str] = &["leads", "import"];
    const ABOUT: &'static str = "Create or update many leads from a CSV, TSV, NDJSON or JSON file";
    const EXAMPLES: &'static str = "  konektor leads import leads.csv --dry-run
  konektor leads import leads.csv
  konektor leads import leads.csv --resume
  konektor leads import kontak.csv --map 'Nama Depan=firstName' --map 'Usia='
  konektor leads export - -o ndjson --profile old | konektor leads import - --profile new";
    const NEEDS: &'static [&'static Setting] = &[&BASE_URL, &OUTPUT];

    fn details() -> String {
        format!(
            "Columns are matched to lead fields by name (case, spaces and underscores do not \
         matter); read-only fields are ignored. An existing lead is matched by uniqueCode, else externalRef, else \
         phone, and updated; an empty cell leaves its field as it is, null in JSON clears it.\n\n\
         Every row is checked before one is sent. Bad rows, and those that the server refuses, go into a \
         rejects file with the reasons; correct and import that file. Answers of the server are recorded in a checkpoint: after \
         Ctrl-C, a crash or a lost network, --resume continues without duplicates and without gaps, for {IDEMPOTENCY_HOURS} hours."
        )
    }

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        run(context, self).await
    }
}

/// The rows of a file, as requests.
struct Rows {
    input: Input,
    fields: Fields,
    mapping: Mapping,
    columns: Vec<Target>,
    rules: Rules,
}

/// A row's number, its line, and its request or the errors in it.
type ParsedRow = (u64, u64, Result<Request, row::FieldErrors>);

/// The result of checking every row.
#[derive(Default)]
struct Validation {
    rows: u64,
    /// The errors of bad rows, by their numbers.
    bad: BTreeMap<u64, String>,
    /// The lines of bad rows.
    lines: BTreeMap<u64, u64>,
}

async fn run<'a>(context: &'a Context<'a>, args: &Import) -> Result<Answer<'a>, Failure> {
    let name = &*args.file;
    let input = Input::open(context, name)?;
    let checkpoint_path = args
        .checkpoint
        .clone()
        .unwrap_or_else(|| input.beside("checkpoint"));
    let rejects = args.rejects.clone();

    if args.dry_run {
        let plan = plan(context, args, &input, rejects)?;
        let rows = Rows::new(input, &plan)?;
        let validation = rows.check()?;
        return dry_run_answer(context, &rows, &validation);
    }

    let call = Call::once(context, OperationId::LeadsUpsert.operation())?.keeping_keys(true);
    let resumed = if args.resume {
        Some(Checkpoint::resume(&checkpoint_path, &input, context)?)
    } else if Checkpoint::is_there(&checkpoint_path)? {
        return Err(unfinished_import(context, args, &checkpoint_path));
    } else {
        None
    };
    let plan = match &resumed {
        Some((plan, _)) => plan.clone(),
        None => plan(context, args, &input, rejects.clone())?,
    };
    let rejects = rejects.unwrap_or_else(|| plan.rejects.clone());
    let is_ours = resumed.is_some() && plan.rejects == rejects;
    rejects::check(&rejects, &input, is_ours)?;
    let rows = Rows::new(input, &plan)?;
    let validation = rows.check()?;
    let mut checkpoint = if let Some((_, checkpoint)) = resumed {
        if plan.is_forgotten((context.environment.now)()) && !args.yes {
            reject_duplicates(&rows, &validation, &checkpoint.done)?;
        }
        checkpoint
    } else {
        confirm(context, args, &rows.input.name, &validation)?;
        Checkpoint::begin(&checkpoint_path, &plan)?
    };

    let bar = bar(context, &rows.input.name, &validation, &checkpoint.done);
    let left = rows.left(&validation, &checkpoint.done)?;
    let end = send::all(&call, &plan, left, &mut checkpoint, &bar).await;
    progress::end(context, &bar);
    checkpoint.keep()?;

    let go_on = format!("continue with: {}", rerun_command(context, args));
    match end {
        Ok(End::Done) => {
            let mut bad = validation.bad;
            bad.extend(checkpoint.done.rejected.clone());
            // The checkpoint, which is deleted next, is the only record of the reasons.
            if !bad.is_empty() {
                rejects::write(&rejects, &rows.input, &bad)
                    .map_err(|failure| failure.hint(go_on))?;
            }
            let done = checkpoint.finish()?;
            answer(context, &rows, validation.rows, &done, &bad, &rejects)
        }
        Ok(End::Interrupted(last)) => {
            let message = format!("stopped after row {}; nothing is lost", thousands(last));
            Err(Failure::interrupted(message).hint(go_on))
        }
        Ok(End::Failed(last, failure)) => Err(failure.hint(format!(
            "stopped after row {}; nothing is lost; {go_on}",
            thousands(last)
        ))),
        Err(failure) => Err(failure.hint(go_on)),
    }
}

/// Builds the plan from the flags.
fn plan(
    context: &Context<'_>,
    args: &Import,
    input: &Input,
    rejects: Option<PathBuf>,
) -> Result<Plan, Failure> {
    let found_by = args.match_by.as_ref().map(ToString::to_string);
    let rejects = rejects.unwrap_or_else(|| rejects::path(input));
    Plan::new(
        context,
        input.sha256.clone(),
        rejects,
        args.map.clone(),
        found_by,
    )
}

impl Rows {
    fn new(input: Input, plan: &Plan) -> Result<Self, Failure> {
        let fields = Fields::from_document()
            .ok_or_else(|| Failure::other("this API has no leads to import"))?;
        let mapping = fields.mapping(&plan.map)?;
        let columns = match input
            .kind
            .has_header()
            .then(|| input.records())
            .transpose()?
        {
            None => Vec::new(),
            Some(mut records) => {
                let header = records
                    .next()
                    .transpose()?
                    .ok_or_else(|| Failure::usage(format!("{} is empty", input.name)))?;
                match header.content {
                    input::Content::Cells(names) => {
                        fields.columns(&names, &mapping, header.line)?
                    }
                    _ => {
                        return Err(Failure::usage(format!(
                            "line {}: the header is not UTF-8; save the file as UTF-8",
                            header.line
                        )));
                    }
                }
            }
        };
        Ok(Self {
            rules: Rules::new(&fields, plan.found_by.as_deref())?,
            input,
            fields,
            mapping,
            columns,
        })
    }

    /// Parses every row. Numbers start at 1.
    fn each(&self) -> Result<impl Iterator<Item = Result<ParsedRow, Failure>>, Failure> {
        let header = usize::from(self.input.kind.has_header());
        let records = self.input.records()?.skip(header);
        Ok((1..).zip(records).map(|(number, record)| {
            let record = record?;
            let content = self.input.kind.without_escapes(record.content);
            let values = self.fields.values(content, &self.columns, &self.mapping);
            let request = values.and_then(|values| self.rules.request(values));
            Ok((number, record.line, request))
        }))
    }

    fn check(&self) -> Result<Validation, Failure> {
        let mut validation = Validation::default();
        for row in self.each()? {
            let (number, line, request) = row?;
            validation.rows = number;
            if let Err(bad) = request {
                validation.bad.insert(number, reasons(&bad));
                validation.lines.insert(number, line);
            }
        }
        Ok(validation)
    }

    /// The valid rows that are not done.
    fn left<'a>(
        &'a self,
        validation: &'a Validation,
        done: &Done,
    ) -> Result<impl Iterator<Item = Result<send::Row, Failure>> + use<'a>, Failure> {
        let done = done.rows();
        let rows = self.each()?.filter_map(move |row| match row {
            Err(failure) => Some(Err(failure)),
            Ok((number, _, Ok(request)))
                if !done.contains(&number) && !validation.bad.contains_key(&number) =>
            {
                Some(Ok((number, request)))
            }
            Ok(_) => None,
        });
        Ok(rows)
    }
}

/// The failure if there is an unfinished import and `--resume` is missing.
fn unfinished_import(context: &Context<'_>, args: &Import, path: &Path) -> Failure {
    let path = path.display();
    Failure::usage(format!(
        "an earlier import of {} is unfinished ({path})",
        args.file
    ))
    .hint(format!("continue with: {}", rerun_command(context, args)))
    .hint(format!(
        "or start over, which may create duplicates: delete {path}"
    ))
}

/// Rejects a resume that could create leads twice. The server forgets idempotency keys, and then creates a lead again
/// for a row that was in flight when the import stopped, unless something identifies the lead. Those rows are the first
/// that are left.
fn reject_duplicates(rows: &Rows, validation: &Validation, done: &Done) -> Result<(), Failure> {
    let mut unsure = Vec::new();
    for row in rows.left(validation, done)?.take(send::MAX_CONCURRENT) {
        let (number, request) = row?;
        if matches!(request, Request::Create(_)) {
            unsure.push(thousands(number));
        }
    }
    if unsure.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the import was started more than {IDEMPOTENCY_HOURS} hours ago; leads of these rows may exist already and would be duplicated: {}",
        unsure.join(", ")
    ))
    .hint("look for them in the workspace; continue anyway with: --resume --yes"))
}

fn confirm(
    context: &Context<'_>,
    args: &Import,
    name: &str,
    validation: &Validation,
) -> Result<(), Failure> {
    let bad = validation.bad.len() as u64;
    let good = validation.rows - bad;
    if good == 0 || args.yes || !context.is_interactive() {
        return Ok(());
    }
    let but = match bad {
        0 => String::new(),
        bad => format!(" ({} bad ones are left out)", thousands(bad)),
    };
    let question = format!(
        "Send {} rows of {name}{but} to {}, profile {}?",
        thousands(good),
        context.settings.server(),
        context.settings.profile.text
    );
    if context.confirm(&question)? {
        Ok(())
    } else {
        Err(Failure::other("cancelled; nothing was sent").hint("--yes skips the question"))
    }
}

/// Shows a progress bar that starts at the rows already done.
fn bar(context: &Context<'_>, name: &str, validation: &Validation, done: &Done) -> ProgressBar {
    let bad = validation.bad.len() as u64;
    let what = match bad {
        0 => name.to_owned(),
        bad => format!("{name} without {} bad rows", thousands(bad)),
    };
    let bar = progress::bar(context, &what, validation.rows - bad);
    bar.set_position(done.count());
    bar.reset_eta();
    bar
}

/// The number of bad rows that are listed.
const TOLD: usize = 10;

fn report_errors(context: &Context<'_>, bad: &[(u64, String)], rest: &str) {
    for (line, why) in bad.iter().take(TOLD) {
        context.environment.say(&format!("line {line}: {why}"));
    }
    if bad.len() > TOLD {
        context
            .environment
            .say(&format!("and {} more{rest}", bad.len() - TOLD));
    }
}

fn as_json(bad: &[(u64, String)]) -> Vec<Value> {
    bad.iter()
        .map(|(line, why)| json!({"line": line, "error": why}))
        .collect()
}

/// The answer of a dry run.
fn dry_run_answer<'b>(
    context: &Context<'_>,
    rows: &Rows,
    validation: &Validation,
) -> Result<Answer<'b>, Failure> {
    let bad: Vec<_> = validation
        .bad
        .iter()
        .filter_map(|(row, why)| Some((*validation.lines.get(row)?, why.clone())))
        .collect();
    report_errors(context, &bad, "");
    let good = validation.rows - bad.len() as u64;
    let record = DetailView::default()
        .with("file", &rows.input.name)
        .with("rows", thousands(validation.rows))
        .with("good", thousands(good))
        .with("bad", thousands(bad.len() as u64));
    let answer = Answer::new(
        &json!({
            "dryRun": true,
            "file": rows.input.name,
            "rows": validation.rows,
            "good": good,
            "bad": bad.len(),
            "errors": as_json(&bad),
        }),
        View::Detail(record),
    )?;
    Ok(answer
        .with_note("nothing was sent")
        .with_exit(if bad.is_empty() {
            Exit::Done
        } else {
            Exit::PartialSuccess
        }))
}

/// The answer of an import. Rows that were not imported are in the rejects file.
fn answer<'b>(
    context: &Context<'_>,
    rows: &Rows,
    all: u64,
    done: &Done,
    bad: &BTreeMap<u64, String>,
    rejects: &Path,
) -> Result<Answer<'b>, Failure> {
    let (created, updated) = (done.created, done.updated);
    let mut record = DetailView::default()
        .with("file", &rows.input.name)
        .with("rows", thousands(all))
        .with("created", thousands(created))
        .with("updated", thousands(updated))
        .with("rejected", thousands(bad.len() as u64));
    let mut errors = Vec::new();
    if !bad.is_empty() {
        record = record.with("rejects", rejects.display().to_string());
        for row in rows.each()? {
            let (number, line, _) = row?;
            errors.extend(bad.get(&number).map(|why| (line, why.clone())));
        }
        report_errors(context, &errors, &format!(" in {}", rejects.display()));
    }
    let answer = Answer::new(
        &json!({
            "file": rows.input.name,
            "rows": all,
            "created": created,
            "updated": updated,
            "rejected": bad.len(),
            "rejects": (!bad.is_empty()).then(|| rejects.display().to_string()),
            "errors": as_json(&errors),
        }),
        View::Detail(record),
    )?;
    Ok(answer.with_exit(if bad.is_empty() {
        Exit::Done
    } else {
        Exit::PartialSuccess
    }))
}

/// The command line that resumes the import.
fn rerun_command(context: &Context<'_>, args: &Import) -> String {
    let mut words: Vec<String> = ["konektor", "leads", "import", &args.file]
        .map(str::to_owned)
        .into();
    for (flag, path) in [
        ("--rejects", &args.rejects),
        ("--checkpoint", &args.checkpoint),
    ] {
        if let Some(path) = path {
            words.extend([flag.to_owned(), path.display().to_string()]);
        }
    }
    words.extend(context.globals.server_words());
    // Name profile and server, because another shell may have other settings.
    let profile = &context.settings.profile;
    if !matches!(profile.source, Source::Flag(_) | Source::Default) {
        words.extend(["--profile".to_owned(), profile.text.clone()]);
    }
    words.push("--resume".to_owned());
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
}

fn thousands(number: u64) -> String {
    count(i64::try_from(number).unwrap_or(i64::MAX))
}
