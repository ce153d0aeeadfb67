//! All that is printed is printed here: data on stdout, everything else on stderr.

mod amount;
mod answer;
mod bar;
pub(crate) mod clean;
mod escape;
mod fields;
mod fit;
mod format;
mod held;
mod jq;
mod json;
mod paper;
mod phone;
mod reader;
mod record;
mod records;
mod rows;
mod spreadsheet;
mod table;
mod tabs;
mod time;
mod yaml;

use std::io::{self, Write};

use clap::builder::StyledStr;
use serde_json::Value;

pub(crate) use amount::{Currency, count, share};
pub(crate) use answer::{Answer, View};
pub(crate) use bar::{share_of, sparkline};
pub(crate) use escape::{escape_controls, unescape_controls};
pub(crate) use fields::{Field, documented};
pub(crate) use format::{Format, Style};
pub(crate) use held::Held;
pub(crate) use phone::phone;
pub(crate) use reader::Reader;
pub(crate) use record::Record;
pub(crate) use records::{Layout, Records};
pub(crate) use spreadsheet::as_meant;
pub(crate) use table::{Cell, Column, Shown, Table, Tone};
pub(crate) use tabs::{escaped, unescaped};
pub(crate) use time::When;

use crate::{
    error::{Exit, Failure},
    pages::Pages,
    world::World,
};
use answer::{Content, of_fields, shown};
use jq::Filter;
use paper::Paper;
use table::Look;

/// What is said of an answer that broke off.
pub(crate) const INCOMPLETE: &str = "the output is incomplete";

/// What is said on stderr beside an answer.
pub(crate) enum Note {
    /// There are more rows than were written. Whoever reads the rows cannot know.
    Cut(String),
    /// Something that only a person wants to know.
    ForPeople(String),
}

/// What stands for null in a table.
pub(crate) const NOTHING: &str = "-";

/// The streams, and how answers are written to them.
pub(crate) struct Output<'a> {
    world: &'a World<'a>,
    style: Style,
}

impl<'a> Output<'a> {
    pub(crate) fn new(world: &'a World<'a>, style: Style) -> Self {
        Self { world, style }
    }

    /// Writes an answer, and reads on while it does when it is a list.
    pub(crate) async fn answer(
        &self,
        answer: Answer<'_>,
        reader: &Reader,
    ) -> Result<Exit, Failure> {
        let mut paper = Paper::new(self.world);
        let exit = answer.exit;
        let done = self.write(answer, reader, &mut paper).await;
        let has_begun = paper.has_begun();
        // What came before a failure is shown too.
        let ended = written(paper.end());
        let note = done.map_err(|failure| {
            if has_begun {
                failure.hint(INCOMPLETE)
            } else {
                failure
            }
        })?;
        ended?;
        match note {
            Some(Note::Cut(note)) => self.world.say(&note),
            Some(Note::ForPeople(note))
                if self.style.is_for_people(self.world) && self.world.stderr_is_terminal =>
            {
                self.world.say(&note);
            }
            _ => {}
        }
        Ok(exit)
    }

    /// An answer as [`answer`](Self::answer) writes it, as the first one or as one more, and what is said of a list
    /// that was cut.
    pub(crate) async fn text_of(
        &self,
        answer: Answer<'_>,
        reader: &Reader,
        first: bool,
    ) -> Result<(String, Option<String>), Failure> {
        let mut paper = Paper::kept(self.world);
        let first = first || self.on_terminal();
        let again = Self {
            world: self.world,
            style: self.style.again(first),
        };
        if !first && again.format() == Format::Yaml && again.style.filter.is_none() {
            put(&mut paper, "---\n")?;
        }
        let note = match again.write(answer, reader, &mut paper).await? {
            Some(Note::Cut(note)) => Some(note),
            _ => None,
        };
        Ok((paper.into_text(), note))
    }

    /// Gives back what a person may want to know beside it.
    async fn write(
        &self,
        answer: Answer<'_>,
        reader: &Reader,
        paper: &mut Paper<'_>,
    ) -> Result<Option<Note>, Failure> {
        let Answer {
            content,
            fields,
            rows_at,
            note,
            ..
        } = answer;
        match (content, &self.style.filter) {
            (Content::Nothing, _) => Ok(note),
            (Content::Pages(mut pages, _), Some(filter)) => {
                self.filtered_pages(&mut pages, filter, paper).await?;
                Ok(pages.note())
            }
            (Content::Pages(mut pages, usual), None) => {
                if self.format() == Format::Table {
                    let shown = shown(&usual, &fields, &self.style.columns, self.style.wide);
                    self.tables(&mut pages, &shown, &fields, reader, paper)
                        .await?;
                } else {
                    self.records_of_pages(&mut pages, &fields, paper).await?;
                }
                Ok(pages.note())
            }
            (Content::Whole(document, _), Some(filter)) => {
                self.results(filter.run(&document)?, paper)?;
                Ok(note)
            }
            (Content::Whole(document, view), None) => {
                match (self.format(), rows_at) {
                    (Format::Ndjson | Format::Csv | Format::Tsv | Format::Markdown, Some(name)) => {
                        let rows = rows::rows(rows::field(&document, name).clone());
                        self.records(rows, self.style.columns.clone(), paper)?;
                    }
                    _ => self.whole(document, view, &fields, reader, paper)?,
                }
                Ok(note)
            }
        }
    }

    fn whole(
        &self,
        mut document: Value,
        view: View,
        fields: &[Field],
        reader: &Reader,
        paper: &mut Paper<'_>,
    ) -> Result<(), Failure> {
        let columns = &self.style.columns;
        let format = match document {
            // Text has one form: a script, a guide. It takes another one only when that is typed.
            Value::String(_) => self.style.typed().unwrap_or(Format::Table),
            _ => self.format(),
        };
        match (format, view) {
            (Format::Json, _) => {
                rows::pick(&mut document, columns);
                put(paper, &json::text(&document, self.on_terminal())?)
            }
            (Format::Yaml, _) => {
                rows::pick(&mut document, columns);
                put(paper, &yaml::text(&document)?)
            }
            (Format::Ndjson, View::Text(_)) => put(paper, &json::text(&document, false)?),
            (_, View::Text(text)) if self.on_terminal() => put(paper, &clean::block(&text)),
            (_, View::Text(text)) => put(paper, &text),
            (Format::Table, view) if columns.is_empty() => self.view(&view, paper),
            (Format::Table, view) => {
                let single = matches!(view, View::Record(_));
                let rows = rows::rows(document);
                self.view(&of_fields(&rows, fields, columns, reader, single), paper)
            }
            _ => self.records(rows::rows(document), self.style.columns_of(fields), paper),
        }
    }

    fn view(&self, view: &View, paper: &mut Paper<'_>) -> Result<(), Failure> {
        let text = match view {
            View::Table(table) => table.text(self.look()),
            View::Record(record) => record.text(self.look()),
            View::Text(text) => clean::block(text),
        };
        put(paper, &text)
    }

    /// A table whose first page decides on the widths of all.
    async fn tables(
        &self,
        pages: &mut Pages<'_>,
        shown: &[Shown],
        fields: &[Field],
        reader: &Reader,
        paper: &mut Paper<'_>,
    ) -> Result<(), Failure> {
        let mut look = self.look();
        if self.style.wide {
            look.terminal = None;
        }
        let mut widths = None;
        while let Some(rows) = pages.next().await? {
            if rows.is_empty() {
                continue;
            }
            let table = Table::of(&rows, shown, fields, reader);
            let widths = widths.get_or_insert_with(|| table.widths(look.terminal));
            put(paper, &table.draw(widths, look))?;
            look.headers = false;
        }
        Ok(())
    }

    async fn records_of_pages(
        &self,
        pages: &mut Pages<'_>,
        fields: &[Field],
        paper: &mut Paper<'_>,
    ) -> Result<(), Failure> {
        if self.format() == Format::Json && self.on_terminal() {
            let mut document = collected(pages).await?;
            rows::pick(&mut document, &self.style.columns);
            return put(paper, &json::text(&document, true)?);
        }
        if self.format().is_document() {
            return self.document_of_pages(pages, fields, paper).await;
        }
        let mut records = Records::new(&mut *paper, self.layout(self.style.columns_of(fields)));
        while let Some(rows) = pages.next().await? {
            for row in &rows {
                written(records.write(&self.style.picked(row)))?;
            }
        }
        written(records.finish()).map(|_| ())
    }

    /// A cut document would be none, or look whole: nothing is written before the last page has come.
    async fn document_of_pages(
        &self,
        pages: &mut Pages<'_>,
        fields: &[Field],
        paper: &mut Paper<'_>,
    ) -> Result<(), Failure> {
        let layout = self.layout(self.style.columns_of(fields));
        let mut records = Records::new(Held::new(), layout);
        let mut is_empty = true;
        while let Some(rows) = pages.next().await? {
            for row in &rows {
                written(records.write(&self.style.picked(row)))?;
                is_empty = false;
            }
        }
        let rows = written(records.finish())?;
        let beside = pages.beside()?;
        let (opening, beside) = match self.format() {
            Format::Json => {
                let beside = json::text(&beside, false)?;
                ("{\"data\":", beside.replacen('{', ",", 1))
            }
            _ if is_empty => ("data: ", yaml::text(&beside.into())?),
            _ => ("data:\n", yaml::text(&beside.into())?),
        };
        written(paper.write_all(opening.as_bytes()))?;
        written(rows.release(paper))?;
        put(paper, &beside)
    }

    /// Line by line each row passes the filter; otherwise the whole list does.
    async fn filtered_pages(
        &self,
        pages: &mut Pages<'_>,
        filter: &Filter,
        paper: &mut Paper<'_>,
    ) -> Result<(), Failure> {
        if self.format() != Format::Ndjson {
            let document = collected(pages).await?;
            return self.results(filter.run(&document)?, paper);
        }
        while let Some(rows) = pages.next().await? {
            for row in &rows {
                self.results(filter.run(row)?, paper)?;
            }
        }
        Ok(())
    }

    /// What a filter made: text as it is, everything else as JSON, or all in the format asked for.
    fn results(&self, mut results: Vec<Value>, paper: &mut Paper<'_>) -> Result<(), Failure> {
        if let Some(Format::Csv | Format::Tsv | Format::Markdown) = self.style.format {
            let rows = match results.len() {
                1 => rows::rows(results.remove(0)),
                _ => results,
            };
            return self.records(rows, self.style.columns.clone(), paper);
        }
        for result in results {
            let text = match (self.style.format, &result) {
                (Some(Format::Yaml), result) => format!("---\n{}", yaml::text(result)?),
                (None | Some(Format::Table), Value::String(text)) if self.on_terminal() => {
                    clean::block(text)
                }
                (None | Some(Format::Table), Value::String(text)) => {
                    escape_controls(text).into_owned()
                }
                (Some(Format::Ndjson), result) => json::text(result, false)?,
                (_, result) => json::text(result, self.on_terminal())?,
            };
            put(paper, &text)?;
        }
        Ok(())
    }

    fn records(
        &self,
        rows: Vec<Value>,
        columns: Vec<String>,
        paper: &mut Paper<'_>,
    ) -> Result<(), Failure> {
        let mut records = Records::new(paper, self.layout(columns));
        for row in rows {
            written(records.write(&self.style.picked(&row)))?;
        }
        written(records.finish()).map(|_| ())
    }

    fn layout(&self, columns: Vec<String>) -> Layout {
        Layout {
            format: self.format(),
            columns,
            headers: self.style.headers,
            for_terminal: self.on_terminal(),
        }
    }

    /// Help, or the version.
    pub(crate) fn help(&self, text: &StyledStr) -> Result<Exit, Failure> {
        let text = if self.world.color {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        self.text(&text)
    }

    /// Text that is no answer of the API's.
    pub(crate) fn text(&self, text: &str) -> Result<Exit, Failure> {
        let mut stdout = self.world.stdout();
        put(&mut stdout, text)?;
        written(stdout.flush())?;
        Ok(Exit::Done)
    }

    /// Help for those who asked for nothing.
    pub(crate) fn help_instead(&self, text: &StyledStr) -> Exit {
        self.world.say_lines(text.to_string().lines());
        Exit::Usage
    }

    pub(crate) fn failure(&self, failure: &Failure) -> Exit {
        if failure.exit() == Exit::Done {
            return Exit::Done;
        }
        let lines = if self.errors_as_json() {
            let pretty = self.world.stderr_is_terminal;
            let text = json::text(failure, pretty).unwrap_or_default();
            text.lines().map(str::to_owned).collect()
        } else {
            let mut lines = failure.lines().to_vec();
            if let Some(first) = lines.first_mut() {
                first.insert_str(0, "error: ");
            }
            lines
        };
        self.world.say_lines(lines.iter().map(String::as_str));
        failure.exit()
    }

    /// Whether programs read the errors.
    pub(crate) fn errors_as_json(&self) -> bool {
        self.style.errors_as_json()
    }

    fn format(&self) -> Format {
        self.style.format_for(self.world)
    }

    fn on_terminal(&self) -> bool {
        self.world.terminal.is_some()
    }

    fn look(&self) -> Look {
        Look {
            terminal: self.world.terminal,
            color: self.world.color,
            headers: self.style.headers,
        }
    }
}

/// JSON for people, in which nothing is left that a terminal would obey.
pub(crate) fn readable_json(value: &Value) -> Result<String, Failure> {
    json::text(value, true)
}

/// A list as the one document it is in the API.
async fn collected(pages: &mut Pages<'_>) -> Result<Value, Failure> {
    let mut data = Vec::new();
    while let Some(rows) = pages.next().await? {
        data.extend(rows);
    }
    let mut document = serde_json::Map::new();
    document.insert("data".to_owned(), Value::Array(data));
    document.extend(pages.beside()?);
    Ok(Value::Object(document))
}

/// Text, on lines of its own.
fn put(stream: &mut impl Write, text: &str) -> Result<(), Failure> {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    written(
        stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.write_all(end.as_bytes())),
    )
}

fn written<T>(result: io::Result<T>) -> Result<T, Failure> {
    result.map_err(|error| Failure::of_output(&error))
}
