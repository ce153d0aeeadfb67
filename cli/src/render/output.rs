//! Writes data to stdout, and everything else to stderr.

use std::io::{self, Write};

use serde_json::Value;

use super::{
    DisplayContext, OutputOptions, RowWriter, Spool, WriterOptions,
    answer::{Answer, Content, List, Note, View, columns_to_show, view_of_fields},
    jq::Filter,
    json, json_rows,
    table::{ListColumn, RenderOptions, Table},
    yaml,
};
use crate::{
    base::{Field, Format, escape::escape_controls, sanitize},
    env::{Environment, PagedWriter},
    error::{Exit, Failure},
};

/// The hint after an answer that was interrupted.
pub(crate) const INCOMPLETE: &str = "the output is incomplete";

/// Writes answers and failures with the options of the command.
pub(crate) struct Output<'a> {
    environment: &'a Environment<'a>,
    options: OutputOptions,
}

impl<'a> Output<'a> {
    pub(crate) fn new(environment: &'a Environment<'a>, options: OutputOptions) -> Self {
        Self {
            environment,
            options,
        }
    }

    /// Writes an answer. A list is read while it is written. `display` is called only if values have to be formatted,
    /// because looking up the time zone takes most of the start-up time.
    pub(crate) async fn answer(
        &self,
        answer: Answer<'_>,
        display: impl Fn() -> DisplayContext,
    ) -> Result<Exit, Failure> {
        let mut writer = PagedWriter::new(self.environment);
        let exit = answer.exit;
        let done = self.write(answer, &display, &mut writer).await;
        let has_begun = writer.has_begun();
        // Show what was written before a failure as well.
        let ended = output_result(writer.end());
        let note = done.map_err(|failure| {
            if has_begun {
                failure.hint(INCOMPLETE)
            } else {
                failure
            }
        })?;
        ended?;
        match note {
            Some(Note::Cut(note)) => self.environment.say(&note),
            Some(Note::ForPeople(note))
                if self.options.is_for_people(self.environment)
                    && self.environment.stderr_is_terminal =>
            {
                self.environment.say(&note);
            }
            _ => {}
        }
        Ok(exit)
    }

    /// Returns the text that [`answer`](Self::answer) would write, and the note about missing rows. Only the `first` of
    /// several answers has a header.
    pub(crate) async fn text_of(
        &self,
        answer: Answer<'_>,
        display: impl Fn() -> DisplayContext,
        first: bool,
    ) -> Result<(String, Option<String>), Failure> {
        let mut writer = PagedWriter::kept(self.environment);
        let first = first || self.on_terminal();
        let again = Self {
            environment: self.environment,
            options: self.options.again(first),
        };
        if !first && again.format() == Format::Yaml && again.options.filter.is_none() {
            put(&mut writer, "---\n")?;
        }
        let note = match again.write(answer, &display, &mut writer).await? {
            Some(Note::Cut(note)) => Some(note),
            _ => None,
        };
        Ok((writer.into_text(), note))
    }

    /// Writes an answer, and returns its note.
    async fn write(
        &self,
        answer: Answer<'_>,
        display: &dyn Fn() -> DisplayContext,
        writer: &mut PagedWriter<'_>,
    ) -> Result<Option<Note>, Failure> {
        let Answer {
            content,
            fields,
            rows_at,
            note,
            ..
        } = answer;
        match (content, &self.options.filter) {
            (Content::Nothing, _) => Ok(note),
            (Content::List(mut list, _), Some(filter)) => {
                self.filtered_list(&mut list, filter, writer).await?;
                Ok(list.note())
            }
            (Content::List(mut list, usual), None) => {
                if self.format() == Format::Table {
                    let shown =
                        columns_to_show(&usual, fields, &self.options.columns, self.options.wide);
                    self.tables(&mut list, &shown, fields, display, writer)
                        .await?;
                } else {
                    self.rows_of_list(&mut list, fields, writer).await?;
                }
                Ok(list.note())
            }
            (Content::Whole(document, _), Some(filter)) => {
                self.results(filter.run(&document)?, writer)?;
                Ok(note)
            }
            (Content::Whole(document, view), None) => {
                match (self.format(), rows_at) {
                    (Format::Ndjson | Format::Csv | Format::Tsv | Format::Markdown, Some(name)) => {
                        let rows = json_rows::rows(json_rows::field(&document, name).clone());
                        self.records(rows, self.options.columns.clone(), writer)?;
                    }
                    _ => self.whole(document, view, fields, display, writer)?,
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
        display: &dyn Fn() -> DisplayContext,
        writer: &mut PagedWriter<'_>,
    ) -> Result<(), Failure> {
        let columns = &self.options.columns;
        let format = match document {
            // Text, such as a script or the guide, ignores the format of the settings.
            Value::String(_) => self.options.flag_format().unwrap_or(Format::Table),
            _ => self.format(),
        };
        match (format, view) {
            (Format::Json, _) => {
                json_rows::retain_fields(&mut document, columns);
                put(writer, &json::text(&document, self.on_terminal())?)
            }
            (Format::Yaml, _) => {
                json_rows::retain_fields(&mut document, columns);
                put(writer, &yaml::text(&document)?)
            }
            (Format::Ndjson, View::Text(_)) => put(writer, &json::text(&document, false)?),
            (_, View::Text(text)) if self.on_terminal() => put(writer, &sanitize::block(&text)),
            (_, View::Text(text)) => put(writer, &text),
            (Format::Table, view) if columns.is_empty() => self.view(&view, writer),
            (Format::Table, view) => {
                let single = matches!(view, View::Detail(_));
                let rows = json_rows::rows(document);
                self.view(
                    &view_of_fields(&rows, fields, columns, &display(), single),
                    writer,
                )
            }
            _ => self.records(
                json_rows::rows(document),
                self.options.columns_of(fields),
                writer,
            ),
        }
    }

    fn view(&self, view: &View, writer: &mut PagedWriter<'_>) -> Result<(), Failure> {
        let text = match view {
            View::Table(table) => table.text(self.render_options()),
            View::Detail(record) => record.text(self.render_options()),
            View::Text(text) => sanitize::block(text),
        };
        put(writer, &text)
    }

    /// Writes a list as a table. The first page decides the widths of the columns.
    async fn tables(
        &self,
        list: &mut List<'_>,
        shown: &[ListColumn],
        fields: &[Field],
        display: &dyn Fn() -> DisplayContext,
        writer: &mut PagedWriter<'_>,
    ) -> Result<(), Failure> {
        let mut render_options = self.render_options();
        if self.options.wide {
            render_options.terminal = None;
        }
        let (mut context, mut widths) = (None, None);
        while let Some(rows) = list.next().await? {
            if rows.is_empty() {
                continue;
            }
            let table = Table::from_rows(&rows, shown, fields, context.get_or_insert_with(display));
            let widths = widths.get_or_insert_with(|| table.widths(render_options.terminal));
            put(writer, &table.draw(widths, render_options))?;
            render_options.headers = false;
        }
        Ok(())
    }

    async fn rows_of_list(
        &self,
        list: &mut List<'_>,
        fields: &[Field],
        writer: &mut PagedWriter<'_>,
    ) -> Result<(), Failure> {
        if self.format() == Format::Json && self.on_terminal() {
            let mut document = collect_list(list).await?;
            json_rows::retain_fields(&mut document, &self.options.columns);
            return put(writer, &json::text(&document, true)?);
        }
        if self.format().is_document() {
            return self.document_of_list(list, fields, writer).await;
        }
        let mut records = RowWriter::new(
            &mut *writer,
            self.writer_options(self.options.columns_of(fields)),
        );
        while let Some(rows) = list.next().await? {
            for row in &rows {
                output_result(records.write(&self.options.pick_fields(row)))?;
            }
        }
        output_result(records.finish()).map(|_| ())
    }

    /// Writes a list as one document, after the last page has been read, because a truncated document is not valid or
    /// looks complete.
    async fn document_of_list(
        &self,
        list: &mut List<'_>,
        fields: &[Field],
        writer: &mut PagedWriter<'_>,
    ) -> Result<(), Failure> {
        let writer_options = self.writer_options(self.options.columns_of(fields));
        let mut records = RowWriter::new(Spool::new(), writer_options);
        let mut is_empty = true;
        while let Some(rows) = list.next().await? {
            for row in &rows {
                output_result(records.write(&self.options.pick_fields(row)))?;
                is_empty = false;
            }
        }
        let rows = output_result(records.finish())?;
        let metadata = list.metadata().clone();
        let (opening, metadata) = match self.format() {
            Format::Json => {
                let metadata = json::text(&metadata, false)?;
                ("{\"data\":", metadata.replacen('{', ",", 1))
            }
            _ if is_empty => ("data: ", yaml::text(&metadata.into())?),
            _ => ("data:\n", yaml::text(&metadata.into())?),
        };
        output_result(writer.write_all(opening.as_bytes()))?;
        output_result(rows.release(writer))?;
        put(writer, &metadata)
    }

    /// Filters a list: with ndjson row by row, otherwise as one document.
    async fn filtered_list(
        &self,
        list: &mut List<'_>,
        filter: &Filter,
        writer: &mut PagedWriter<'_>,
    ) -> Result<(), Failure> {
        if self.format() != Format::Ndjson {
            let document = collect_list(list).await?;
            return self.results(filter.run(&document)?, writer);
        }
        while let Some(rows) = list.next().await? {
            for row in &rows {
                self.results(filter.run(row)?, writer)?;
            }
        }
        Ok(())
    }

    /// Writes the results of a filter: strings raw and other values as JSON, or everything in the requested format.
    fn results(
        &self,
        mut results: Vec<Value>,
        writer: &mut PagedWriter<'_>,
    ) -> Result<(), Failure> {
        if let Some(Format::Csv | Format::Tsv | Format::Markdown) = self.options.format {
            let rows = match results.len() {
                1 => json_rows::rows(results.remove(0)),
                _ => results,
            };
            return self.records(rows, self.options.columns.clone(), writer);
        }
        for result in results {
            let text = match (self.options.format, &result) {
                (Some(Format::Yaml), result) => format!("---\n{}", yaml::text(result)?),
                (None | Some(Format::Table), Value::String(text)) if self.on_terminal() => {
                    sanitize::block(text)
                }
                (None | Some(Format::Table), Value::String(text)) => {
                    escape_controls(text).into_owned()
                }
                (Some(Format::Ndjson), result) => json::text(result, false)?,
                (_, result) => json::text(result, self.on_terminal())?,
            };
            put(writer, &text)?;
        }
        Ok(())
    }

    fn records(
        &self,
        rows: Vec<Value>,
        columns: Vec<String>,
        writer: &mut PagedWriter<'_>,
    ) -> Result<(), Failure> {
        let mut records = RowWriter::new(writer, self.writer_options(columns));
        for row in rows {
            output_result(records.write(&self.options.pick_fields(&row)))?;
        }
        output_result(records.finish()).map(|_| ())
    }

    fn writer_options(&self, columns: Vec<String>) -> WriterOptions {
        WriterOptions {
            format: self.format(),
            columns,
            headers: self.options.headers,
            for_terminal: self.on_terminal(),
        }
    }

    /// Writes text that is not an answer.
    pub(crate) fn text(&self, text: &str) -> Result<Exit, Failure> {
        let mut stdout = self.environment.stdout();
        put(&mut stdout, text)?;
        output_result(stdout.flush())?;
        Ok(Exit::Done)
    }

    /// Writes help to stderr, for a command line without a command.
    pub(crate) fn help_instead(&self, text: &str) -> Exit {
        self.environment.say_lines(text.lines());
        Exit::Usage
    }

    pub(crate) fn failure(&self, failure: &Failure) -> Exit {
        if failure.exit() == Exit::Done {
            return Exit::Done;
        }
        let lines = if self.errors_as_json() {
            let pretty = self.environment.stderr_is_terminal;
            let text = json::text(failure, pretty).unwrap_or_default();
            text.lines().map(str::to_owned).collect()
        } else {
            let mut lines = failure.lines().to_vec();
            if let Some(first) = lines.first_mut() {
                first.insert_str(0, "error: ");
            }
            lines
        };
        self.environment.say_lines(lines.iter().map(String::as_str));
        failure.exit()
    }

    /// Whether errors are written as JSON.
    pub(crate) fn errors_as_json(&self) -> bool {
        self.options.errors_as_json()
    }

    fn format(&self) -> Format {
        self.options.format_for(self.environment)
    }

    fn on_terminal(&self) -> bool {
        self.environment.terminal.is_some()
    }

    fn render_options(&self) -> RenderOptions {
        RenderOptions {
            terminal: self.environment.terminal,
            color: self.environment.color,
            headers: self.options.headers,
        }
    }
}

/// Returns indented JSON without control characters.
pub(crate) fn readable_json(value: &Value) -> Result<String, Failure> {
    json::text(value, true)
}

/// Collects a list into one document, like the API's.
async fn collect_list(list: &mut List<'_>) -> Result<Value, Failure> {
    let mut data = Vec::new();
    while let Some(rows) = list.next().await? {
        data.extend(rows);
    }
    let mut document = serde_json::Map::new();
    document.insert("data".to_owned(), Value::Array(data));
    document.extend(list.metadata().clone());
    Ok(Value::Object(document))
}

/// Writes text, and a line end if it has none.
fn put(stream: &mut impl Write, text: &str) -> Result<(), Failure> {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    output_result(
        stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.write_all(end.as_bytes())),
    )
}

fn output_result<T>(result: io::Result<T>) -> Result<T, Failure> {
    result.map_err(|error| Failure::from_output(&error))
}
