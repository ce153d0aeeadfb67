//! The rows that were not taken, as they were, each with its line and the reasons. Mended, the file can be imported.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::input::{Content, Input, Kind, STDIN};
use crate::error::Failure;

const LINE: &str = "importLine";
const ERROR: &str = "importError";

/// What is added to each row; an import passes over it.
pub(super) const COLUMNS: [&str; 2] = [LINE, ERROR];

/// Where the file is for an input, if nobody says.
pub(super) fn place(input: &str, kind: Kind) -> PathBuf {
    let extension = if kind.is_csv() { "csv" } else { "ndjson" };
    let stem = match input {
        STDIN => Path::new("konektor-import"),
        path => Path::new(path),
    };
    stem.with_extension(format!("rejects.{extension}"))
}

/// Writes the rows that have reasons, by their numbers. The file is whole, or it is not there.
pub(super) fn write(
    path: &Path,
    input: &Input,
    reasons: &BTreeMap<u64, String>,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::of_file("write", path, &error);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut to = BufWriter::new(&file);
    let mut records = input.records()?;
    match input.kind {
        Kind::Csv { delimiter } => {
            let mut to = csv::WriterBuilder::new()
                .delimiter(delimiter)
                .flexible(true)
                .from_writer(&mut to);
            // Those of an earlier file of rejects are written anew.
            let kept: Vec<bool> = match records.next().transpose()? {
                Some(header) => {
                    let header = cells(header.content);
                    let kept: Vec<_> = header
                        .iter()
                        .map(|name| !COLUMNS.contains(&name.as_str()))
                        .collect();
                    let names = those_kept(&header, &kept);
                    to.write_record(names.chain(COLUMNS))
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
                cells.resize(kept.len().max(cells.len()), String::new());
                let line = record.line.to_string();
                let row = those_kept(&cells, &kept).chain([line.as_str(), why.as_str()]);
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
                    Content::Cells(_) => Map::new(),
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
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn cells(content: Content) -> Vec<String> {
    match content {
        Content::Cells(cells) => cells,
        Content::Broken { text, .. } => vec![text],
        Content::Object(_) => Vec::new(),
    }
}

fn those_kept<'a>(cells: &'a [String], kept: &'a [bool]) -> impl Iterator<Item = &'a str> {
    let kept = kept.iter().copied().chain(std::iter::repeat(true));
    cells
        .iter()
        .zip(kept)
        .filter(|(_, kept)| *kept)
        .map(|(cell, _)| cell.as_str())
}

fn csv_failed(path: &Path) -> impl FnOnce(csv::Error) -> Failure {
    let path = path.to_owned();
    move |error| Failure::other(format!("cannot write {}: {error}", path.display()))
}
