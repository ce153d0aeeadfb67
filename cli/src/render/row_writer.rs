//! Writes rows for programs, one after the other.

use std::io::{self, Write};

use serde_json::Value;

use super::{
    csv_injection, json,
    json_rows::{field, names, text},
    tsv, yaml,
};
use crate::base::{Format, escape::escape_controls};

/// Writes rows in a format for programs. It holds one row in memory at a time.
///
/// The output is complete once [`finish`](Self::finish) has returned.
pub(crate) struct RowWriter<W: Write> {
    sink: Sink<W>,
    options: WriterOptions,
    written: usize,
}

/// How rows are written.
#[derive(Clone, Debug)]
pub(crate) struct WriterOptions {
    pub(crate) format: Format,
    /// The columns of csv, tsv and markdown; those of the first row if empty.
    pub(crate) columns: Vec<String>,
    /// Whether to write the header row.
    pub(crate) headers: bool,
    /// Whether a terminal shows the output. JSON is then indented.
    pub(crate) for_terminal: bool,
}

enum Sink<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Plain(W),
}

impl<W: Write> RowWriter<W> {
    pub(crate) fn new(stream: W, options: WriterOptions) -> Self {
        let sink = match options.format {
            Format::Csv => Sink::Csv(Box::new(csv::Writer::from_writer(stream))),
            _ => Sink::Plain(stream),
        };
        Self {
            sink,
            options,
            written: 0,
        }
    }

    pub(crate) fn write(&mut self, row: &Value) -> io::Result<()> {
        if self.written == 0 {
            if self.options.columns.is_empty() {
                self.options.columns = names(row);
            }
            self.begin()?;
        }
        self.row(row)?;
        self.written += 1;
        Ok(())
    }

    /// Writes the end, and returns the stream. JSON gets no line end, because a document may continue after the rows.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if self.written == 0 {
            self.begin()?;
        }
        match self.sink {
            Sink::Csv(mut writer) => {
                writer.flush()?;
                writer.into_inner().map_err(csv::IntoInnerError::into_error)
            }
            Sink::Plain(mut stream) => {
                match self.options.format {
                    Format::Json if self.options.for_terminal && self.written > 0 => {
                        stream.write_all(b"\n]")?;
                    }
                    Format::Json => stream.write_all(b"]")?,
                    Format::Yaml if self.written == 0 => stream.write_all(b"[]\n")?,
                    _ => {}
                }
                stream.flush()?;
                Ok(stream)
            }
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        let WriterOptions {
            format,
            columns,
            headers,
            ..
        } = &self.options;
        if *format == Format::Json
            && let Sink::Plain(stream) = &mut self.sink
        {
            return stream.write_all(b"[");
        }
        if !headers || columns.is_empty() {
            return Ok(());
        }
        match &mut self.sink {
            Sink::Csv(writer) => {
                let names = columns.iter().map(|name| spreadsheet_cell(name));
                writer.write_record(names).map_err(as_io)
            }
            Sink::Plain(stream) if *format == Format::Markdown => {
                write_markdown_row(stream, columns.iter().map(String::as_str))?;
                writeln!(stream, "|{}", " --- |".repeat(columns.len()))
            }
            Sink::Plain(stream) if *format == Format::Tsv => {
                write_tsv_row(stream, columns.iter().map(String::as_str))
            }
            Sink::Plain(_) => Ok(()),
        }
    }

    fn row(&mut self, row: &Value) -> io::Result<()> {
        let columns = &self.options.columns;
        let cell = |name: &String| match row {
            Value::Object(_) => text(field(row, name)),
            value => text(value),
        };
        let stream = match &mut self.sink {
            Sink::Csv(writer) => {
                for name in columns {
                    // A negative number is not a formula.
                    match (field(row, name), cell(name)) {
                        (Value::Number(_), number) => writer.write_field(&*number),
                        (_, cell) => writer.write_field(spreadsheet_cell(&cell)),
                    }
                    .map_err(as_io)?;
                }
                return writer.write_record(None::<&[u8]>).map_err(as_io);
            }
            Sink::Plain(stream) => stream,
        };
        match self.options.format {
            Format::Json => {
                let separator = match (self.written, self.options.for_terminal) {
                    (0, false) => "",
                    (_, false) => ",",
                    (0, true) => "\n  ",
                    (_, true) => ",\n  ",
                };
                stream.write_all(separator.as_bytes())?;
                json::write(stream, row, self.options.for_terminal.then_some(1))
            }
            Format::Ndjson => {
                json::write(stream, row, None)?;
                stream.write_all(b"\n")
            }
            Format::Yaml => {
                let item = Value::Array(vec![row.clone()]);
                let item =
                    yaml::text(&item).map_err(|failure| io::Error::other(failure.message()))?;
                stream.write_all(item.as_bytes())
            }
            Format::Markdown => write_markdown_row(stream, columns.iter().map(cell)),
            _ => write_tsv_row(stream, columns.iter().map(cell)),
        }
    }
}

/// Returns the error of the stream. csv's own conversion loses its kind, such as a broken pipe.
fn as_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

/// Escapes formulas and control characters.
fn spreadsheet_cell(text: &str) -> String {
    escape_controls(&csv_injection::escape(text)).into_owned()
}

/// Writes a line of cells, separated by tabs.
fn write_tsv_row(
    stream: &mut impl Write,
    cells: impl Iterator<Item = impl AsRef<str>>,
) -> io::Result<()> {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            stream.write_all(b"\t")?;
        }
        stream.write_all(tsv::escape(cell.as_ref()).as_bytes())?;
    }
    stream.write_all(b"\n")
}

/// Writes a row of a Markdown table, with the markup in its cells escaped.
fn write_markdown_row(
    stream: &mut impl Write,
    cells: impl Iterator<Item = impl AsRef<str>>,
) -> io::Result<()> {
    stream.write_all(b"|")?;
    for cell in cells {
        stream.write_all(b" ")?;
        for letter in escape_controls(cell.as_ref()).replace("\r\n", "\n").chars() {
            match letter {
                '\n' => stream.write_all(b"<br>")?,
                '\t' => stream.write_all(b" ")?,
                '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '~' => {
                    write!(stream, "\\{letter}")?;
                }
                letter => write!(stream, "{letter}")?,
            }
        }
        stream.write_all(b" |")?;
    }
    stream.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        base::{
            escape::unescape_controls,
            sanitize::{is_harmful, tests::HARMFUL},
        },
        render::{csv_injection, tsv},
    };

    fn written(format: Format, rows: &[Value]) -> String {
        let options = WriterOptions {
            format,
            columns: Vec::new(),
            headers: true,
            for_terminal: false,
        };
        write_all(options, rows)
    }

    fn write_all(options: WriterOptions, rows: &[Value]) -> String {
        let mut writer = RowWriter::new(Vec::new(), options);
        for row in rows {
            writer.write(row).unwrap();
        }
        String::from_utf8(writer.finish().unwrap()).unwrap()
    }

    fn leads() -> Vec<Value> {
        vec![
            json!({"name": "Budi, \"B\"", "phone": "+6281", "value": -5, "notes": null}),
            json!({"name": "a|b\tc\nd\\", "phone": "=1+1", "value": 4_500_000.5, "notes": ""}),
        ]
    }

    #[test]
    fn csv_is_quoted_and_defused_and_numbers_stay_numbers() {
        insta::assert_snapshot!(written(Format::Csv, &leads()), @r#"
        name,phone,value,notes
        "Budi, ""B""",'+6281,-5,
        "a|b	c
        d\",'=1+1,4500000.5,
        "#);
    }

    #[test]
    fn tsv_is_one_line_a_row_with_the_apis_own_values() {
        insta::assert_snapshot!(written(Format::Tsv, &leads()), @r#"
        name	phone	value	notes
        Budi, "B"	+6281	-5	
        a|b\tc\nd\\	=1+1	4500000.5	
        "#);
    }

    #[test]
    fn markdown_is_a_table_of_plain_text() {
        insta::assert_snapshot!(written(Format::Markdown, &leads()), @r#"
        | name | phone | value | notes |
        | --- | --- | --- | --- |
        | Budi, "B" | +6281 | -5 |  |
        | a\|b c<br>d\\ | =1+1 | 4500000.5 |  |
        "#);
    }

    #[test]
    fn json_and_its_kin_read_back_as_they_were() {
        let rows = leads();
        let json: Value = serde_json::from_str(&written(Format::Json, &rows)).unwrap();
        assert_eq!(json, json!(rows));
        let yaml: Value = serde_saphyr::from_str(&written(Format::Yaml, &rows)).unwrap();
        assert_eq!(yaml, json!(rows));
        let lines: Vec<Value> = written(Format::Ndjson, &rows)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines, rows);
    }

    #[test]
    fn no_rows_are_still_a_document() {
        assert_eq!(written(Format::Json, &[]), "[]");
        assert_eq!(written(Format::Yaml, &[]), "[]\n");
        assert_eq!(written(Format::Ndjson, &[]), "");
        let options = |format| WriterOptions {
            format,
            columns: vec!["id".to_owned(), "phone".to_owned()],
            headers: true,
            for_terminal: false,
        };
        assert_eq!(write_all(options(Format::Csv), &[]), "id,phone\n");
        assert_eq!(write_all(options(Format::Tsv), &[]), "id\tphone\n");
    }

    #[test]
    fn columns_and_their_names_are_the_callers_choice() {
        let options = WriterOptions {
            format: Format::Csv,
            columns: vec!["value".to_owned(), "name".to_owned()],
            headers: false,
            for_terminal: false,
        };
        assert_eq!(
            write_all(options, &leads()[..1]),
            "-5,\"Budi, \"\"B\"\"\"\n"
        );
    }

    #[test]
    fn control_characters_leave_in_no_format() {
        let alone = HARMFUL
            .chars()
            .map(|letter| json!({"a": letter, "b": format!("x{letter}y")}));
        let rows: Vec<_> = alone
            .chain([json!({"a": HARMFUL, "b": "=\u{1b}"})])
            .collect();
        let named = [json!({HARMFUL: {"x": [HARMFUL]}})];
        for format in [
            Format::Json,
            Format::Ndjson,
            Format::Yaml,
            Format::Csv,
            Format::Tsv,
            Format::Markdown,
        ] {
            for (rows, for_terminal) in [(&rows[..], false), (&rows, true), (&named, false)] {
                let options = WriterOptions {
                    format,
                    columns: Vec::new(),
                    headers: true,
                    for_terminal,
                };
                let written = write_all(options, rows).replace("\r\n", "\n");
                assert!(
                    !written
                        .chars()
                        .any(|c| !matches!(c, '\n' | '\t') && is_harmful(c)),
                    "{format:?}: {written:?}"
                );
            }
        }
    }

    /// What an import reads, it reads as it was meant.
    #[test]
    fn cells_come_back_as_they_were() {
        let cells: Vec<_> = HARMFUL
            .chars()
            .flat_map(|letter| ["", "=", "'", "\\"].map(|before| format!("{before}{letter}x1b")))
            .chain([r"\x1b".to_owned(), r"=\u202e".to_owned()])
            .collect();
        let rows: Vec<_> = cells.iter().map(|cell| json!({"cell": cell})).collect();
        let csv = written(Format::Csv, &rows);
        let read: Vec<_> = csv::Reader::from_reader(csv.as_bytes())
            .into_records()
            .map(|record| {
                csv_injection::unescape(&unescape_controls(&record.unwrap()[0])).to_owned()
            })
            .collect();
        assert_eq!(read, cells);
        let tsv = written(Format::Tsv, &rows);
        let read: Vec<_> = tsv.lines().skip(1).map(tsv::unescape).collect();
        assert_eq!(read, cells);
    }
}
