//! Converts names and descriptions of the document into documentation.

use heck::ToSnakeCase;

/// Splits text into the lines of a doc comment.
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

/// Converts a name into words, for items without a description: `leadsPerDay` is "Leads per day."
pub(super) fn words(name: &str) -> String {
    let words = name.to_snake_case().replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}
