//! Checks that every test named in docs/security.md exists.

use std::{fs, path::Path};

use heck::ToUpperCamelCase;

/// The prefix of the first fault in a row.
const FAULTS: &str = "cargo xtask faults --only ";

#[test]
fn every_test_that_the_security_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| fs::read_to_string(root.join(path)).expect(path);
    let page = read("docs/security.md");
    let faults = read("xtask/src/faults/mod.rs");
    let (mut functions, mut fault_count) = (0, 0);
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let mut file = None;
        let mut is_fault = false;
        // Every second piece is between backticks.
        for quoted in row.split('`').skip(1).step_by(2) {
            let fault = quoted.strip_prefix(FAULTS);
            is_fault |= fault.is_some();
            if is_source(quoted) {
                file = Some(read(quoted));
                is_fault = false;
            } else if is_fault {
                let name = fault.unwrap_or(quoted);
                let variant = format!("\n    {},\n", name.to_upper_camel_case());
                assert!(faults.contains(&variant), "{name}");
                fault_count += 1;
            } else if is_function(quoted) {
                let file = file.as_ref().expect("a test is named after its file");
                assert!(file.contains(&format!("fn {quoted}(")), "{quoted}");
                functions += 1;
            }
        }
    }
    assert!(functions > 40, "{functions}");
    assert!(fault_count > 8, "{fault_count}");
}

fn is_source(quoted: &str) -> bool {
    Path::new(quoted)
        .extension()
        .is_some_and(|kind| kind == "rs")
}

fn is_function(quoted: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    quoted.contains('_') && quoted.chars().all(is_word)
}
