//! The rejects file: the rows that were not imported, with their lines and errors. Once corrected, it can be imported.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::input::{Content, Input, Kind};
use crate::{
    base::atomic_file::{AtomicFile, Readers},
    error::Failure,
    render::tsv,
};

const LINE: &str = "importLine";
const ERROR: &str = "importError";

/// The columns that are added to each row. An import ignores them.
pub(super) const COLUMNS: [&str; 2] = [LINE, ERROR];

/// The default path for an input.
pub(super) fn path(input: &Input) -> PathBuf {
    let extension = match input.kind {
        Kind::Csv { .. } => "csv",
        Kind::Tsv => "tsv",
        Kind::Ndjson | Kind::Json => "ndjson",
    };
    input
        .beside("")
        .with_extension(format!("rejects.{extension}"))
}

/// Checks, before anything is sent, that the file can be written and does not replace another one. An earlier run of
/// this import may have written it if `is_ours`.
pub(super) fn check(path: &Path, input: &Input, is_ours: bool) -> Result<(), Failure> {
    let refused = |why: &str| {
        Failure::usage(format!("--rejects: {} {why}", path.display()))
            .hint("name another file: --rejects OTHER")
    };
    if let Ok(found) = path.metadata() {
        if input.is_at(path) {
            return Err(refused("is the file to import"));
        }
        if !found.is_file() {
            return Err(refused("is not a regular file"));
        }
        if !is_ours {
            return Err(refused("already exists and would be overwritten")
                .hint("or delete it, or import it first"));
        }
    }
    AtomicFile::create(path, Readers::Owner)
        .map(drop)
        .map_err(|error| refused(&format!("cannot be written: {error}")))
}

/// Writes the rows with these errors, by their numbers. The file is replaced atomically.
pub(super) fn write(
    path: &Path,
    input: &Input,
    reasons: &BTreeMap<u64, String>,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::from_file("write", path, &error);
    let file = AtomicFile::create(path, Readers::Owner).map_err(failed)?;
    let mut to = BufWriter::new(file.as_file());
    let mut records = input.records()?;
    match input.kind {
        Kind::Csv { .. } | Kind::Tsv => {
            let mut to = writer(input.kind).from_writer(&mut to);
            // Replace the added columns of an earlier rejects file.
            let kept: Vec<bool> = match records.next().transpose()? {
                Some(header) => {
                    let header = cells(header.content);
                    let kept: Vec<_> = header
                        .iter()
                        .map(|name| !COLUMNS.iter().any(|added| added.as_bytes() == name))
                        .collect();
                    let names = keep_cells(&header, &kept);
                    to.write_record(names.chain(COLUMNS.map(str::as_bytes)))
                        .map_err(csv_failed(path))?;
                    kept
                }
                None => Vec::new(),
            };
            for (number, record) in (1..).zip(records) {
                let record = record?;
                let Some(why) = reasons.get(&number) else {
                    continue;
                };
                let mut cells = cells(record.content);
                cells.resize(kept.len().max(cells.len()), Vec::new());
                let line = record.line.to_string();
                let why = match input.kind {
                    Kind::Tsv => tsv::escape(why),
                    _ => why.clone(),
                };
                let row = keep_cells(&cells, &kept).chain([line.as_bytes(), why.as_bytes()]);
                to.write_record(row).map_err(csv_failed(path))?;
            }
            to.flush().map_err(failed)?;
        }
        Kind::Ndjson | Kind::Json => {
            for (number, record) in (1..).zip(records) {
                let record = record?;
                let Some(why) = reasons.get(&number) else {
                    continue;
                };
                let mut object = match record.content {
                    Content::Object(object) => object,
                    Content::Broken { text, .. } => Map::from_iter([("text".into(), text.into())]),
                    Content::Cells(_) | Content::Bytes(_) => Map::new(),
                };
                object.insert(LINE.into(), json!(record.line));
                object.insert(ERROR.into(), json!(why));
                serde_json::to_writer(&mut to, &Value::Object(object))?;
                to.write_all(b"\n").map_err(failed)?;
            }
        }
    }
    to.flush().map_err(failed)?;
    drop(to);
    file.commit().map_err(failed)
}

/// A writer for the input's own format.
fn writer(kind: Kind) -> csv::WriterBuilder {
    let mut writer = csv::WriterBuilder::new();
    writer.flexible(true);
    match kind {
        Kind::Csv { delimiter } => writer.delimiter(delimiter),
        _ => writer.delimiter(b'\t').quote_style(csv::QuoteStyle::Never),
    };
    writer
}

/// Returns cells as bytes, because they may not be UTF-8.
fn cells(content: Content) -> Vec<Vec<u8>> {
    match content {
        Content::Cells(cells) => cells.into_iter().map(String::into_bytes).collect(),
        Content::Bytes(cells) => cells,
        Content::Broken { text, .. } => vec![text.into_bytes()],
        Content::Object(_) => Vec::new(),
    }
}

fn keep_cells<'a>(cells: &'a [Vec<u8>], kept: &'a [bool]) -> impl Iterator<Item = &'a [u8]> {
    let kept = kept.iter().copied().chain(std::iter::repeat(true));
    cells
        .iter()
        .zip(kept)
        .filter(|(_, kept)| *kept)
        .map(|(cell, _)| cell.as_slice())
}

fn csv_failed(path: &Path) -> impl FnOnce(csv::Error) -> Failure {
    let path = path.to_owned();
    move |error| Failure::other(format!("cannot write {}: {error}", path.display()))
}
