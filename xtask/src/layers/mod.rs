//! `cargo xtask layers`: dependencies between the modules of a crate point one way.
//!
//! The rules stand in [`rules`]; `docs/architecture.md` draws them. Imports are read from the source code: `use`
//! declarations and paths in code, also in macro calls, but not in tests.

mod crate_graph;
mod paths;
mod rules;

use std::path::Path;

use anyhow::{Result, bail};

use self::{
    crate_graph::CrateGraph,
    rules::{LARGEST_CYCLE, RULES, Rules},
};
use crate::paths::root;

/// Checks every crate that has rules, and prints a line for each.
///
/// # Errors
///
/// When a module imports upwards or belongs to no layer, a crate is imported where it must not be, or files import
/// each other in a circle that is too large.
pub(crate) fn run() -> Result<()> {
    let mut violations = Vec::new();
    for rules in &RULES {
        let graph = CrateGraph::read(&root().join(rules.name).join("src"))?;
        let found = check(&graph, rules);
        let largest = graph.cycles().first().map_or(0, Vec::len);
        println!(
            "{:<8} {:>3} files, {:>3} imports, {} in the largest cycle, {} violations",
            rules.name,
            graph.files().len(),
            graph.imports().len(),
            largest,
            found.len()
        );
        violations.extend(
            found
                .into_iter()
                .map(|what| format!("{}: {what}", rules.name)),
        );
    }
    if violations.is_empty() {
        return Ok(());
    }
    for violation in &violations {
        eprintln!("{violation}");
    }
    bail!("{} imports break the layers", violations.len())
}

/// Every violation of the rules, each as a line for people.
fn check(graph: &CrateGraph, rules: &Rules) -> Vec<String> {
    let layer_of = |file: &Path| {
        let module = rules::module_of(file);
        rules
            .layers
            .iter()
            .position(|layer| layer.contains(&module.as_str()))
    };
    let mut violations = Vec::new();
    let has_layers = !rules.layers.is_empty();
    for file in graph.files() {
        if has_layers && layer_of(file).is_none() {
            violations.push(format!("{} belongs to no layer", file.display()));
        }
    }
    for import in graph.imports() {
        let (from, to) = (graph.file(import.from), graph.file(import.to));
        let is_allowed = !has_layers
            || rules::module_of(from) == rules::module_of(to)
            || layer_of(to) < layer_of(from);
        if !is_allowed {
            violations.push(format!(
                "{} must not import {}",
                from.display(),
                to.display()
            ));
        }
    }
    for (module, external) in rules.forbidden {
        for file in graph.files_importing(external) {
            if file.starts_with(module) || rules::module_of(file) == *module {
                violations.push(format!("{} must not use {external}", file.display()));
            }
        }
    }
    for cycle in graph.cycles() {
        let folder = graph.file(cycle[0]).parent();
        let in_one_folder = cycle
            .iter()
            .all(|&file| graph.file(file).parent() == folder);
        if cycle.len() > LARGEST_CYCLE || !in_one_folder {
            let files: Vec<_> = cycle
                .iter()
                .map(|&file| graph.file(file).display().to_string())
                .collect();
            violations.push(format!(
                "{} files import each other in a circle: {}",
                files.len(),
                files.join(", ")
            ));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const LAYERED: Rules = Rules {
        name: "test",
        layers: &[&["base"], &["store"], &["api", "lib"]],
        forbidden: &[("base", "axum")],
    };

    fn violations(files: &[(&str, &str)]) -> Vec<String> {
        let folder = TempDir::new().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        check(&CrateGraph::read(folder.path()).expect("a crate"), &LAYERED)
    }

    #[test]
    fn downward_imports_are_allowed() {
        let found = violations(&[
            ("lib.rs", "mod api; mod base; mod store;"),
            ("base.rs", "pub fn f() {}"),
            ("store.rs", "use crate::base::f;"),
            ("api.rs", "use crate::{base, store}; fn g() { base::f() }"),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn an_upward_import_is_found_in_a_use_a_path_and_a_macro() {
        for code in [
            "use crate::api::g;",
            "fn f() { crate::api::g() }",
            "fn f() { println!(\"{}\", crate::api::g()) }",
            "use super::api; fn f() { api::g() }",
        ] {
            let found = violations(&[
                ("lib.rs", "mod api; mod base;"),
                ("base.rs", code),
                ("api.rs", "pub fn g() {}"),
            ]);
            assert_eq!(found, ["base.rs must not import api.rs"], "{code}");
        }
    }

    #[test]
    fn imports_of_tests_do_not_count() {
        let found = violations(&[
            ("lib.rs", "mod api; mod base;"),
            (
                "base.rs",
                "#[cfg(test)] mod tests { use crate::api::g; }\n#[cfg(test)] use crate::api::g;",
            ),
            ("api.rs", "pub fn g() {}"),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_reexport_leads_to_the_file_that_defines_the_item() {
        let found = violations(&[
            ("lib.rs", "mod base; mod store;"),
            (
                "store/mod.rs",
                "mod error; mod lead; pub use error::E; pub use lead::L;",
            ),
            ("store/error.rs", "pub struct E;"),
            ("store/lead.rs", "use super::E; pub struct L(E);"),
            ("base.rs", "use crate::store::E;"),
        ]);
        assert_eq!(found, ["base.rs must not import store/error.rs"]);
    }

    #[test]
    fn a_large_cycle_is_found_within_one_layer() {
        let file = |next: &str| format!("use super::{next}::f as next; pub fn f() {{ next() }}");
        let found = violations(&[
            ("lib.rs", "mod store;"),
            ("store/mod.rs", "mod a; mod b; mod c; mod d; mod e;"),
            ("store/a.rs", &file("b")),
            ("store/b.rs", &file("c")),
            ("store/c.rs", &file("d")),
            ("store/d.rs", &file("e")),
            ("store/e.rs", &file("a")),
        ]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("5 files import each other"),
            "{found:?}"
        );
    }

    #[test]
    fn a_forbidden_crate_and_a_module_without_a_layer_are_found() {
        let found = violations(&[
            ("lib.rs", "mod base; mod other;"),
            ("base.rs", "use axum::Router;"),
            ("other.rs", ""),
        ]);
        assert_eq!(
            found,
            ["other.rs belongs to no layer", "base.rs must not use axum"]
        );
    }
}
