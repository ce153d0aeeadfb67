//! Cells between tabs: what would end a cell or a line is written as C does, so that a row is always one line.

/// A cell as it is written.
pub(crate) fn escaped(cell: &str) -> String {
    cell.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

/// What a cell was before it was [`escaped`]; a backslash before anything else is one.
pub(crate) fn unescaped(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    let mut letters = cell.chars().peekable();
    while let Some(letter) = letters.next() {
        let meant = match (letter, letters.peek()) {
            ('\\', Some('\\')) => '\\',
            ('\\', Some('t')) => '\t',
            ('\\', Some('n')) => '\n',
            ('\\', Some('r')) => '\r',
            _ => {
                text.push(letter);
                continue;
            }
        };
        letters.next();
        text.push(meant);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_comes_back_as_it_was() {
        for cell in [
            "",
            "Budi",
            "a\tb\nc\r\n",
            "\\",
            "\\t",
            "\\\\n",
            "C:\\new\\",
            "\"q\"",
        ] {
            let written = escaped(cell);
            assert!(!written.contains(['\t', '\n', '\r']), "{written}");
            assert_eq!(unescaped(&written), cell);
        }
    }

    #[test]
    fn other_backslashes_stay() {
        assert_eq!(unescaped("a\\b\\"), "a\\b\\");
    }
}
