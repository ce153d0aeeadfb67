//! docs/security.md names the test behind each promise: those tests are there.

use std::{fs, path::Path};

#[test]
fn every_test_that_the_security_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let (mut source, mut named) = (String::new(), 0);
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        // Every second piece stands between backticks.
        for quoted in row.split('`').skip(1).step_by(2) {
            let is_name = quoted.contains('_')
                && quoted
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_');
            if Path::new(quoted)
                .extension()
                .is_some_and(|kind| kind == "rs")
            {
                source = fs::read_to_string(root.join(quoted)).expect(quoted);
            } else if is_name {
                assert!(source.contains(&format!("fn {quoted}(")), "{quoted}");
                named += 1;
            }
        }
    }
    assert!(named > 40, "{named}");
}
