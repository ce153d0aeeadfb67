//! Names and descriptions of the document as text for people.

use heck::ToSnakeCase;

/// Text as the lines of a documentation comment.
pub(super) fn doc_lines(text: &str) -> Vec<String> {
    let indented = |line: &str| {
        if line.is_empty() {
            String::new()
        } else {
            format!(" {line}")
        }
    };
    text.lines().map(indented).collect()
}

/// A name of the document as words, for what it does not describe: `leadsPerDay` is "Leads per day."
pub(super) fn words(name: &str) -> String {
    let words = name.to_snake_case().replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}
