//! `konektor leads export`: writes leads to a file, which appears only when it is complete.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueHint};
use konektor_spec::OperationId;

use crate::{
    args::{ColumnArgs as _, Columns, DryRun, LeadsListArgs, OperationArgs as _, PageArgs},
    base::{
        ColumnSelection, Format,
        atomic_file::{AtomicFile, Readers},
    },
    commands::LocalCommand,
    config::{BASE_URL, Setting},
    error::Failure,
    render::{Answer, INCOMPLETE, RowWriter, Spool, WriterOptions, count},
    session::{
        Call, Context,
        dry_run::{self, Change},
        interrupted,
        paging::Pages,
        progress,
    },
};

/// The name that stands for stdout.
const STDOUT: &str = "-";

#[derive(Args)]
pub(crate) struct Export {
    #[arg(
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help = "The file, or - for stdout"
    )]
    file: String,
    #[command(flatten)]
    filters: LeadsListArgs,
    #[command(flatten)]
    columns: Columns<LeadsListArgs>,
    #[command(flatten)]
    dry_run: DryRun,
}

impl LocalCommand for Export {
    const PATH: &'static [&'static str] = &["leads", "export"];
    const ABOUT: &'static str = "Write leads with all their fields into a CSV, NDJSON or JSON file";
    const EXAMPLES: &'static str = "  konektor leads export leads.csv
  konektor leads export won.ndjson --status won --created-from 2025-01-01
  konektor leads export - -o ndjson | jq -r .email";
    const NEEDS: &'static [&'static Setting] = &[&BASE_URL];

    fn details() -> String {
        "The format is the one of the file's name, or of -o; stdout gets CSV. The file \
         appears only when it is complete; on stdout the exit code says whether the output is. Cells that look like \
         formulas get a leading quote, which an import removes again.".to_owned()
    }

    fn columns(&self) -> ColumnSelection {
        self.columns.selection()
    }

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        run(context, self).await
    }
}

async fn run<'a>(context: &'a Context<'a>, export: &Export) -> Result<Answer<'a>, Failure> {
    let name = &*export.file;
    if context.options.is_filtered() {
        return Err(Failure::usage("--jq cannot be used with an export")
            .hint("filter the list: konektor leads list --all -o ndjson --jq … > leads.ndjson"));
    }
    let format = format(context, name)?;
    if export.dry_run.dry_run {
        let place = if name == STDOUT { "stdout" } else { name };
        let what = format!(
            "write the leads that match the filters, as {}",
            format.name()
        );
        return dry_run::changes([Change::new(place, what)]);
    }
    let operation = OperationId::LeadsList.operation();
    let call = Call::new(context, operation, &export.filters.times()).await?;
    let filters = export.filters.clone();
    // Ctrl-C ends the program at once before this point, for example while the keyring does not answer.
    let stop = interrupted();
    let to = Destination::new(name)?;
    let writer_options = writer_options(context, name, format);
    let rows = Cell::new(0);
    let written = tokio::select! {
        written = write(context, &call, filters, name, writer_options, &to, &rows) => written,
        () = stop => Err(Failure::interrupted("stopped")),
    };
    let unfinished = || match name {
        // An incomplete document is not written.
        STDOUT if format.is_document() || rows.get() == 0 => "nothing was written".to_owned(),
        STDOUT => INCOMPLETE.to_owned(),
        file => format!("{file} was not written"),
    };
    let spool = written.map_err(|failure| failure.hint(unfinished()))?;
    if let Some(spool) = spool {
        let mut stream = to.stream(context);
        spool
            .release(&mut stream)
            .and_then(|()| stream.flush())
            .map_err(|error| to.failure(&error).hint(INCOMPLETE))?;
    }
    to.finish()?;
    if context.environment.stderr_is_terminal && name != STDOUT {
        let rows = count(i64::try_from(rows.get()).unwrap_or(i64::MAX));
        context
            .environment
            .say(&format!("exported {rows} leads to {name}"));
    }
    Ok(Answer::nothing())
}

/// Writes and counts every lead that matches the filters. Returns a document that is held back until it is complete.
async fn write<'a>(
    context: &Context<'_>,
    call: &'a Call<'a>,
    filters: LeadsListArgs,
    name: &str,
    writer_options: WriterOptions,
    to: &Destination,
    rows: &Cell<u64>,
) -> Result<Option<Spool>, Failure> {
    let failed = |error: io::Error| to.failure(&error);
    let list = filters.request(&call.client, &call.args_clock(), PageArgs::default());
    let mut pages = Pages::all(call, list.pages());
    let format = writer_options.format;
    // A file appears when it is complete. On a stream, a document is held back until then.
    let is_held = format.is_document() && !matches!(to, Destination::File(..));
    let stream = if is_held {
        Sink::Spool(Spool::new())
    } else {
        Sink::Straight(to.stream(context))
    };
    let mut writer = RowWriter::new(BufWriter::new(stream), writer_options);
    let bar = progress::bar(context, name, 0);
    let mut all = async || -> Result<(), Failure> {
        while let Some(page) = pages.next().await? {
            bar.set_length(pages.total());
            for row in &page {
                writer
                    .write(&context.options.pick_fields(row))
                    .map_err(failed)?;
                rows.set(rows.get() + 1);
            }
            bar.set_position(rows.get());
        }
        Ok(())
    };
    let done = all().await;
    progress::end(context, &bar);
    done?;
    let mut stream = writer.finish().map_err(failed)?;
    if format == Format::Json {
        stream.write_all(b"\n").map_err(failed)?;
    }
    let stream = stream
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    let spool = match stream {
        Sink::Spool(spool) => Some(spool),
        Sink::Straight(mut stream) => {
            stream.flush().map_err(failed)?;
            None
        }
    };
    Ok(spool)
}

/// What rows are written to.
enum Sink<'s> {
    Spool(Spool),
    Straight(Box<dyn Write + 's>),
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Spool(spool) => spool.write(bytes),
            Self::Straight(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Spool(spool) => spool.flush(),
            Self::Straight(stream) => stream.flush(),
        }
    }
}

/// The format: of the flag, or by the file's extension. The setting does not apply to exports.
fn format(context: &Context<'_>, name: &str) -> Result<Format, Failure> {
    match (context.options.flag_format(), name) {
        (Some(Format::Table), _) => Err(Failure::usage(
            "a table cannot be exported; use -o csv, ndjson or json",
        )),
        (Some(format), _) => Ok(format),
        (None, STDOUT) => Ok(Format::Csv),
        (None, file) => by_name(file),
    }
}

fn writer_options(context: &Context<'_>, name: &str, format: Format) -> WriterOptions {
    WriterOptions {
        format,
        columns: context.options.columns_of(LeadsListArgs::FIELDS),
        headers: context.options.headers(),
        for_terminal: name == STDOUT && context.environment.terminal.is_some(),
    }
}

fn by_name(file: &str) -> Result<Format, Failure> {
    let extension = Path::new(file).extension().and_then(|end| end.to_str());
    match extension.map(str::to_lowercase).as_deref() {
        Some("csv") => Ok(Format::Csv),
        Some("ndjson" | "jsonl") => Ok(Format::Ndjson),
        Some("json") => Ok(Format::Json),
        Some("tsv") => Ok(Format::Tsv),
        Some("yaml" | "yml") => Ok(Format::Yaml),
        Some("md") => Ok(Format::Markdown),
        _ => Err(Failure::usage(format!("cannot tell the format of {file}"))
            .hint("use a name that ends in .csv, .ndjson or .json, or pass -o csv")),
    }
}

/// Where to write the leads.
enum Destination {
    Stdout,
    /// A device or a named pipe, which cannot be replaced.
    Stream(PathBuf, File),
    /// A file that replaces the one at the path when it is complete.
    File(PathBuf, AtomicFile),
}

impl Destination {
    fn new(name: &str) -> Result<Self, Failure> {
        if name == STDOUT {
            return Ok(Self::Stdout);
        }
        let named = Path::new(name);
        let failed = |error: io::Error| Failure::from_file("write", named, &error);
        if named.is_dir() {
            return Err(Failure::usage(format!("{name} is a folder")));
        }
        if named.exists() && !named.is_file() {
            let file = File::options().write(true).open(named).map_err(failed)?;
            return Ok(Self::Stream(named.to_owned(), file));
        }
        let file = AtomicFile::create(named, Readers::Owner).map_err(failed)?;
        Ok(Self::File(named.to_owned(), file))
    }

    fn stream<'s>(&'s self, context: &'s Context<'_>) -> Box<dyn Write + 's> {
        match self {
            Self::Stdout => Box::new(context.environment.stdout()),
            Self::Stream(_, file) => Box::new(file),
            Self::File(_, file) => Box::new(file.as_file()),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        let Self::File(path, file) = self else {
            return Ok(());
        };
        file.commit()
            .map_err(|error| Failure::from_file("write", &path, &error))
    }

    fn failure(&self, error: &io::Error) -> Failure {
        match self {
            Self::Stdout => Failure::from_output(error),
            Self::Stream(path, _) | Self::File(path, _) => Failure::from_file("write", path, error),
        }
    }
}
