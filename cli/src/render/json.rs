//! JSON that is safe to show on a terminal.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::base::sanitize::is_harmful;
use crate::error::Failure;

/// Writes a value on one line, or indented if `pretty`.
pub(super) fn text(value: &impl Serialize, pretty: bool) -> Result<String, Failure> {
    let mut text = Vec::new();
    write(&mut text, value, pretty.then_some(0))
        .map_err(|_| Failure::other("cannot write the answer as JSON"))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Writes a value on one line, or indented for this depth of a document.
pub(super) fn write(
    stream: &mut impl io::Write,
    value: &impl Serialize,
    depth: Option<usize>,
) -> io::Result<()> {
    let Some(depth) = depth else {
        let formatter = Escaping(CompactFormatter);
        value.serialize(&mut Serializer::with_formatter(stream, formatter))?;
        return Ok(());
    };
    let mut text = Vec::new();
    let formatter = Escaping(PrettyFormatter::new());
    value.serialize(&mut Serializer::with_formatter(&mut text, formatter))?;
    // Line ends in strings are escaped, so each one here starts a line.
    let indent = "  ".repeat(depth);
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if at > 0 {
            write!(stream, "\n{indent}")?;
        }
        stream.write_all(line)?;
    }
    Ok(())
}

/// Escapes control characters as `\u…`. JSON itself only escapes C0.
struct Escaping<F>(F);

impl<F: Formatter> Formatter for Escaping<F> {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some((at, letter)) = rest.char_indices().find(|(_, letter)| is_harmful(*letter)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + letter.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_means_the_same() {
        let value = serde_json::json!({"na\u{9b}me": "a\u{1b}[2J\u{7f}\u{202e}佐藤\n\u{e0041}"});
        for pretty in [false, true] {
            let written = text(&value, pretty).unwrap();
            assert!(
                !written.chars().any(|c| c != '\n' && is_harmful(c)),
                "{written}"
            );
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&written).unwrap(),
                value
            );
        }
    }

    #[test]
    fn it_is_indented_for_people_only() {
        let value = serde_json::json!({"a": [1, {"b": null}], "c": [], "d": {}});
        assert_eq!(
            text(&value, true).unwrap(),
            serde_json::to_string_pretty(&value).unwrap()
        );
        assert_eq!(text(&value, false).unwrap(), value.to_string());
    }
}
