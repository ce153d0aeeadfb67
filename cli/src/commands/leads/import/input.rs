//! The file to import, which can be read several times.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use sha2::{Digest as _, Sha256};

use crate::{
    base::escape::unescape_controls,
    error::Failure,
    render::{csv_injection, tsv},
    session::Context,
};

/// The name that stands for stdin.
const STDIN: &str = "-";

/// A file, or what came through stdin.
pub(super) struct Input {
    file: File,
    /// The path; `None` for stdin.
    path: Option<PathBuf>,
    /// The name in messages.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The hash of the content, which shows whether the file has changed.
    pub(super) sha256: String,
}

/// The format of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Csv {
        delimiter: u8,
    },
    /// Tab-separated cells without quotes, as `-o tsv` writes them.
    Tsv,
    Ndjson,
    Json,
}

/// A row with its line.
#[derive(Debug)]
pub(super) struct Record {
    /// The line on which it starts, from 1.
    pub(super) line: u64,
    pub(super) content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Cells(Vec<String>),
    Object(Map<String, Value>),
    /// A row that cannot be parsed: the reason, and its text.
    Broken {
        why: String,
        text: String,
    },
    /// Cells that are not UTF-8.
    Bytes(Vec<Vec<u8>>),
}

/// Rows, or why the rest of the file cannot be read.
pub(super) type Records = Box<dyn Iterator<Item = Result<Record, Failure>>>;

impl Input {
    pub(super) fn open(context: &Context<'_>, name: &str) -> Result<Self, Failure> {
        if name == STDIN {
            let stdin = &mut *context.environment.stdin.borrow_mut();
            return spool(stdin)
                .and_then(|file| Self::new(file, "stdin", None))
                .map_err(|error| Failure::from_input(&error));
        }
        let path = Path::new(name);
        Self::from_file(path, name).map_err(|error| Failure::from_file("read", path, &error))
    }

    fn from_file(path: &Path, name: &str) -> io::Result<Self> {
        let mut file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Self::new(spool(&mut file)?, name, None);
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        let input = Self::new(file, name, extension)?;
        Ok(Self {
            path: Some(path.to_owned()),
            ..input
        })
    }

    fn new(mut file: File, name: &str, extension: Option<&str>) -> io::Result<Self> {
        file.rewind()?;
        let mut start = Vec::new();
        (&file).take(64 * 1024).read_to_end(&mut start)?;
        let mut digest = Sha256::new();
        file.rewind()?;
        let mut reader = BufReader::new(&file);
        loop {
            let part = reader.fill_buf()?;
            if part.is_empty() {
                break;
            }
            digest.update(part);
            let length = part.len();
            reader.consume(length);
        }
        let sha256 = digest
            .finalize()
            .iter()
            .fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}"); // Writing to a String cannot fail.
                text
            });
        Ok(Self {
            kind: Kind::detect(extension, &start),
            file,
            path: None,
            name: name.to_owned(),
            sha256,
        })
    }

    /// The path of a file beside the input; for stdin, in the current folder.
    pub(super) fn beside(&self, extension: &str) -> PathBuf {
        match &self.path {
            Some(path) => path.with_added_extension(extension),
            None => PathBuf::from("konektor-import").with_added_extension(extension),
        }
    }

    /// Whether a path refers to this file.
    pub(super) fn is_at(&self, other: &Path) -> bool {
        let here = self.path.as_deref().map(Path::canonicalize);
        matches!((here, other.canonicalize()), (Some(Ok(here)), Ok(other)) if here == other)
    }

    /// Reads all rows, including the header of a CSV file.
    pub(super) fn records(&self) -> Result<Records, Failure> {
        let failed = |error: io::Error| Failure::from_file("read", self.name.as_ref(), &error);
        let mut file = self.file.try_clone().map_err(failed)?;
        file.rewind().map_err(failed)?;
        match self.kind {
            Kind::Csv { delimiter } => Ok(table_records(file, delimiter, true, self.name.clone())),
            Kind::Tsv => Ok(table_records(file, b'\t', false, self.name.clone())),
            Kind::Ndjson => Ok(ndjson_records(file, self.name.clone())),
            Kind::Json => {
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(failed)?;
                json_records(text, &self.name)
            }
        }
    }
}

impl Kind {
    /// Detects the format by the extension, else by the start of the text.
    fn detect(extension: Option<&str>, start: &[u8]) -> Self {
        let start = start.strip_prefix(BOM).unwrap_or(start);
        let first_line = start
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .next()
            .unwrap_or_default();
        match extension.map(str::to_lowercase).as_deref() {
            Some("json") => return Self::Json,
            Some("ndjson" | "jsonl") => return Self::Ndjson,
            Some("tsv") => return Self::Tsv,
            Some("csv") => {}
            _ => match start.trim_ascii_start().first() {
                Some(b'{') if serde_json::from_slice::<Value>(first_line).is_ok() => {
                    return Self::Ndjson;
                }
                Some(b'[' | b'{') => return Self::Json,
                _ if delimiter(first_line) == b'\t' => return Self::Tsv,
                _ => {}
            },
        }
        Self::Csv {
            delimiter: delimiter(first_line),
        }
    }

    /// Whether the first row is a header.
    pub(super) fn has_header(self) -> bool {
        matches!(self, Self::Csv { .. } | Self::Tsv)
    }

    /// Undoes the escaping of an export.
    pub(super) fn without_escapes(self, content: Content) -> Content {
        let meant: fn(&str) -> String = match self {
            Self::Csv { .. } => |cell| csv_injection::unescape(&unescape_controls(cell)).to_owned(),
            Self::Tsv => tsv::unescape,
            Self::Ndjson | Self::Json => return content,
        };
        match content {
            Content::Cells(cells) => Content::Cells(cells.iter().map(|cell| meant(cell)).collect()),
            content => content,
        }
    }
}

/// Copies stdin to an unnamed temporary file, because rows are read more than once.
fn spool(pipe: &mut (impl io::Read + ?Sized)) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(pipe, &mut file)?;
    Ok(file)
}

const BOM: &[u8] = "\u{feff}".as_bytes();

/// Detects the delimiter. Spreadsheets write semicolons in locales with a decimal comma, and tabs on request.
fn delimiter(header: &[u8]) -> u8 {
    let count = |delimiter: u8| header.split(|byte| *byte == delimiter).count();
    let most = |best: u8, other: u8| {
        if count(other) > count(best) {
            other
        } else {
            best
        }
    };
    b";\t".iter().fold(b',', |best, other| most(best, *other))
}

fn table_records(file: File, delimiter: u8, quoting: bool, name: String) -> Records {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .quoting(quoting)
        .from_reader(Lines::new(file));
    let mut record = csv::ByteRecord::new();
    Box::new(std::iter::from_fn(move || {
        match reader.read_byte_record(&mut record) {
            Ok(false) => None,
            Ok(true) => {
                let offset = record.position().map_or(0, csv::Position::byte);
                let line = reader.get_mut().line_from(offset);
                Some(Ok(Record {
                    line,
                    content: cells(&record),
                }))
            }
            Err(error) => Some(Err(Failure::other(format!("cannot read {name}: {error}")))),
        }
    }))
}

fn cells(record: &csv::ByteRecord) -> Content {
    let texts: Result<Vec<_>, _> = record
        .iter()
        .map(|cell| std::str::from_utf8(cell).map(str::to_owned))
        .collect();
    match texts {
        Ok(texts) => Content::Cells(texts),
        Err(_) => Content::Bytes(record.iter().map(<[u8]>::to_vec).collect()),
    }
}

fn ndjson_records(file: File, name: String) -> Records {
    let mut reader = BufReader::new(file);
    let mut line = 0;
    Box::new(std::iter::from_fn(move || {
        loop {
            let mut bytes = Vec::new();
            match reader.read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => line += 1,
                Err(error) => return Some(Err(Failure::from_file("read", name.as_ref(), &error))),
            }
            let bytes = if line == 1 {
                bytes.strip_prefix(BOM).unwrap_or(&bytes)
            } else {
                &bytes
            };
            if !bytes.trim_ascii().is_empty() {
                let content = object(bytes);
                return Some(Ok(Record { line, content }));
            }
        }
    }))
}

fn object(json: &[u8]) -> Content {
    let json = json.trim_ascii_end();
    let why = match serde_json::from_slice(json) {
        Ok(Value::Object(fields)) => return Content::Object(fields),
        Ok(_) => "Must be an object".to_owned(),
        Err(error) => format!("Not JSON (column {})", error.column()),
    };
    Content::Broken {
        why,
        text: String::from_utf8_lossy(json).into_owned(),
    }
}

fn json_records(mut text: String, name: &str) -> Result<Records, Failure> {
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    let mut rows = Vec::new();
    {
        let values = rows_of(&text).map_err(|error| {
            Failure::usage(format!(
                "{name} is not a JSON list of leads (line {}, column {})",
                error.line(),
                error.column()
            ))
            .hint("one lead on each line is NDJSON: name the file .ndjson")
        })?;
        let (mut line, mut counted) = (1, 0);
        for value in values {
            // `value` borrows from `text`, so the difference of the addresses is its offset.
            let start = value.get().as_ptr().addr() - text.as_ptr().addr();
            line += text[counted..start].matches('\n').count() as u64;
            counted = start;
            rows.push((line, start..start + value.get().len()));
        }
    }
    Ok(Box::new(rows.into_iter().map(move |(line, range)| {
        Ok(Record {
            line,
            content: object(text[range].as_bytes()),
        })
    })))
}

/// A list of rows, or an answer of the API that contains one.
fn rows_of(text: &str) -> Result<Vec<&RawValue>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        data: Vec<&'a RawValue>,
    }

    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text);
    }
    Ok(serde_json::from_str::<Answer<'_>>(text)?.data)
}

/// A reader that records where non-empty lines start.
///
/// The csv crate reports the position after the previous row, which is on another line if that row ended with CRLF or
/// empty lines follow it.
struct Lines<R> {
    from: R,
    bytes: u64,
    line: u64,
    at_start: bool,
    after_return: bool,
    /// Offsets and numbers of the lines that have not been looked up yet.
    starts: VecDeque<(u64, u64)>,
}

impl<R> Lines<R> {
    fn new(from: R) -> Self {
        Self {
            from,
            bytes: 0,
            line: 1,
            at_start: true,
            after_return: false,
            starts: VecDeque::new(),
        }
    }

    /// The number of the first non-empty line at or after a byte offset.
    fn line_from(&mut self, offset: u64) -> u64 {
        while self
            .starts
            .front()
            .is_some_and(|(start, _)| *start < offset)
        {
            self.starts.pop_front();
        }
        self.starts.front().map_or(self.line, |(_, line)| *line)
    }
}

impl<R: io::Read> io::Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(buffer)?;
        for byte in &buffer[..length] {
            match byte {
                b'\n' if self.after_return => {}
                b'\n' | b'\r' => {
                    self.line += 1;
                    self.at_start = true;
                }
                _ if self.at_start => {
                    self.starts.push_back((self.bytes, self.line));
                    self.at_start = false;
                }
                _ => {}
            }
            self.after_return = *byte == b'\r';
            self.bytes += 1;
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(text: &[u8], extension: Option<&str>) -> Input {
        use io::Write as _;

        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        Input::new(file, "leads", extension).unwrap()
    }

    fn read(text: &str, extension: Option<&str>) -> Vec<(u64, Content)> {
        let records = input(text.as_bytes(), extension).records().unwrap();
        records
            .map(|record| record.map(|record| (record.line, record.content)).unwrap())
            .collect()
    }

    fn lines(text: &str, extension: &str) -> Vec<u64> {
        read(text, Some(extension))
            .into_iter()
            .map(|(line, _)| line)
            .collect()
    }

    #[test]
    fn lines_are_those_that_an_editor_shows() {
        assert_eq!(lines("h\na\nb\n", "csv"), [1, 2, 3]);
        assert_eq!(lines("h\r\na\r\nb", "csv"), [1, 2, 3]);
        assert_eq!(lines("\n\nh\n\n\na\n\nb\n\n", "csv"), [3, 6, 8]);
        assert_eq!(lines("h\r\n\r\n\"x\r\n\r\ny\"\r\n\r\nb", "csv"), [1, 3, 7]);
        assert_eq!(lines("\u{feff}h\n\"a\nb\"\nc", "csv"), [1, 2, 4]);
        assert_eq!(lines("h\ra\r\r\"x\ry\"\rb", "csv"), [1, 2, 4, 6]);
        assert_eq!(lines("h\n\"a\nb\n", "tsv"), [1, 2, 3]);
        assert_eq!(lines("{}\n\n{}\nx\n", "ndjson"), [1, 3, 4]);
        assert_eq!(lines("[\n {\n \"a\": 1},\n\n {}\n, {}]", "json"), [2, 5, 6]);
    }

    #[test]
    fn lines_stay_right_beyond_every_buffer() {
        let mut text = "h\n".to_owned();
        for number in 0..20_000 {
            text += if number % 7 == 0 {
                "\"two\nlines\"\n"
            } else {
                "one line\n"
            };
        }
        let told = lines(&text, "csv");
        let mut expected = vec![1];
        let mut line = 2;
        for number in 0..20_000 {
            expected.push(line);
            line += if number % 7 == 0 { 2 } else { 1 };
        }
        assert_eq!(told, expected);
    }

    #[test]
    fn the_kind_is_told_by_the_name_or_by_the_text() {
        let kind = |text: &str, extension| input(text.as_bytes(), extension).kind;
        let csv = |delimiter| Kind::Csv { delimiter };
        assert_eq!(kind("a,b\n", Some("CSV")), csv(b','));
        assert_eq!(kind("a;b,c;d\n1,2,3,4\n", Some("csv")), csv(b';'));
        assert_eq!(kind("a\tb\r1,2,3,4\r", Some("csv")), csv(b'\t'));
        assert_eq!(kind("a\tb\n", None), Kind::Tsv);
        assert_eq!(kind("a\n", Some("tsv")), Kind::Tsv);
        assert_eq!(kind("[{}]", Some("ndjson")), Kind::Ndjson);
        assert_eq!(kind(" [{}]", None), Kind::Json);
        assert_eq!(kind("{\"a\": 1}\n{}", None), Kind::Ndjson);
        assert_eq!(kind("{\n\"data\": []}", None), Kind::Json);
    }

    #[test]
    fn what_was_done_to_cells_for_writing_is_undone() {
        let meant =
            |kind: Kind, cell: &str| kind.without_escapes(Content::Cells(vec![cell.to_owned()]));
        let cell = |text: &str| Content::Cells(vec![text.to_owned()]);
        let csv = Kind::Csv { delimiter: b',' };
        assert_eq!(meant(csv, "'+6281234567890"), cell("+6281234567890"));
        assert_eq!(meant(csv, "C:\\new"), cell("C:\\new"));
        assert_eq!(meant(Kind::Tsv, "'=1+1"), cell("'=1+1"));
        assert_eq!(meant(Kind::Tsv, "a\\tb\\\\"), cell("a\tb\\"));
    }

    #[test]
    fn an_answer_of_the_api_is_a_list() {
        let rows = read(
            "{\"data\": [{\"firstName\": \"Budi\"}], \"pagination\": {}}",
            Some("json"),
        );
        let lead = serde_json::json!({"firstName": "Budi"})
            .as_object()
            .unwrap()
            .clone();
        assert_eq!(rows, [(1, Content::Object(lead))]);
    }

    #[test]
    fn a_broken_row_is_one_row() {
        let rows = read("{\"a\": 1}\n{\"a\": \n[1]\n", Some("ndjson"));
        let broken = |(line, content): &(u64, Content)| match content {
            Content::Broken { why, .. } => Some((*line, why.clone())),
            _ => None,
        };
        let broken: Vec<_> = rows.iter().filter_map(broken).collect();
        assert_eq!(
            broken,
            [
                (2, "Not JSON (column 5)".to_owned()),
                (3, "Must be an object".to_owned())
            ]
        );

        let latin = input(b"name\nBudi\nJos\xe9\n", Some("csv"));
        let contents: Vec<_> = latin
            .records()
            .unwrap()
            .map(|record| record.unwrap().content)
            .collect();
        assert!(matches!(&contents[2], Content::Bytes(_)));
        assert_eq!(contents[1], Content::Cells(vec!["Budi".to_owned()]));
    }
}
