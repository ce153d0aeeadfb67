//! The files of one crate and their imports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use petgraph::{algo::tarjan_scc, graphmap::DiGraphMap};

use super::paths::ModuleSource;

/// An import of one file by another; both are indices of [`CrateGraph::files`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Every file of a crate, and which of them imports which.
pub(super) struct CrateGraph {
    files: Vec<PathBuf>,
    imports: BTreeSet<Import>,
    /// The names of other crates that a file uses.
    externals: BTreeMap<usize, BTreeSet<String>>,
}

/// A module: its place in the tree and what it names.
struct Module {
    file: usize,
    source: ModuleSource,
}

/// Modules by their path from the root.
type Modules = BTreeMap<Vec<String>, Module>;

impl CrateGraph {
    /// Reads the crate whose source code is in this folder; a library and a program in one folder are two roots.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut graph = Self {
            files: Vec::new(),
            imports: BTreeSet::new(),
            externals: BTreeMap::new(),
        };
        for root in ["lib.rs", "main.rs"] {
            if folder.join(root).exists() {
                let mut modules = Modules::new();
                graph.read_file(folder, PathBuf::from(root), Vec::new(), &mut modules)?;
                graph.connect(&modules);
            }
        }
        Ok(graph)
    }

    /// All files, relative to the folder.
    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    pub(super) fn file(&self, index: usize) -> &Path {
        &self.files[index]
    }

    pub(super) fn imports(&self) -> &BTreeSet<Import> {
        &self.imports
    }

    /// The files that use another crate.
    pub(super) fn files_importing(&self, external: &str) -> impl Iterator<Item = &Path> {
        self.externals
            .iter()
            .filter(move |(_, names)| names.contains(external))
            .map(|(&file, _)| self.file(file))
    }

    /// Files that import each other in a circle; the largest circle first.
    pub(super) fn cycles(&self) -> Vec<Vec<usize>> {
        let edges = self.imports.iter().map(|import| (import.from, import.to));
        let graph: DiGraphMap<usize, ()> = DiGraphMap::from_edges(edges);
        let mut cycles = tarjan_scc(&graph);
        cycles.retain(|component| component.len() > 1);
        for cycle in &mut cycles {
            cycle.sort_by(|one, other| self.files[*one].cmp(&self.files[*other]));
        }
        cycles.sort_by_key(|cycle| std::cmp::Reverse(cycle.len()));
        cycles
    }

    fn read_file(
        &mut self,
        folder: &Path,
        file: PathBuf,
        path: Vec<String>,
        modules: &mut Modules,
    ) -> Result<()> {
        let text = fs::read_to_string(folder.join(&file))
            .with_context(|| format!("reading {}", file.display()))?;
        let parsed =
            syn::parse_file(&text).with_context(|| format!("parsing {}", file.display()))?;
        let index = self.files.len();
        self.files.push(file);
        self.add_module(
            folder,
            index,
            ModuleSource::new(&parsed.items),
            path,
            modules,
        )
    }

    fn add_module(
        &mut self,
        folder: &Path,
        file: usize,
        mut source: ModuleSource,
        path: Vec<String>,
        modules: &mut Modules,
    ) -> Result<()> {
        let child_folder: PathBuf = path.iter().collect();
        for name in &source.files {
            let flat = child_folder.join(format!("{name}.rs"));
            let nested = child_folder.join(name).join("mod.rs");
            let child = if folder.join(&flat).exists() {
                flat
            } else {
                nested
            };
            self.read_file(folder, child, extended(&path, name), modules)?;
        }
        for (name, inline) in std::mem::take(&mut source.inline) {
            self.add_module(folder, file, inline, extended(&path, &name), modules)?;
        }
        modules.insert(path, Module { file, source });
        Ok(())
    }

    fn connect(&mut self, modules: &Modules) {
        for (path, module) in modules {
            let mut targets = Vec::new();
            for used in &module.source.uses {
                let names_it = used
                    .name
                    .as_ref()
                    .is_none_or(|name| module.source.identifiers.contains(name));
                // A re-export only hands a name on, unless the module itself uses it.
                if !used.is_reexport || (names_it && !used.is_glob) {
                    targets.push(used.path.clone());
                }
            }
            targets.extend(module.source.paths.iter().cloned());
            for target in targets {
                match resolve(modules, path, &target, 0) {
                    Some(file) if file != module.file => {
                        self.imports.insert(Import {
                            from: module.file,
                            to: file,
                        });
                    }
                    Some(_) => {}
                    None => {
                        let names = self.externals.entry(module.file).or_default();
                        names.extend(target.into_iter().next());
                    }
                }
            }
        }
    }
}

/// How many re-exports lead to an item at most.
const MAX_REEXPORTS: usize = 8;

/// The file that defines what a path in a module stands for; None when that is not of this crate.
fn resolve(modules: &Modules, at: &[String], path: &[String], depth: usize) -> Option<usize> {
    if depth > MAX_REEXPORTS {
        return None;
    }
    let (first, rest) = path.split_first()?;
    let mut here = match first.as_str() {
        "crate" => Vec::new(),
        "self" => at.to_vec(),
        "super" => at.split_last()?.1.to_vec(),
        name if modules.contains_key(&extended(at, name)) => extended(at, name),
        name => {
            let used = modules.get(at)?.source.uses.iter().find(|used| {
                used.name.as_deref() == Some(name)
                    && used.path.first().is_some_and(|root| root != name)
            })?;
            let path = [used.path.as_slice(), rest].concat();
            return resolve(modules, at, &path, depth + 1);
        }
    };
    for (index, name) in rest.iter().enumerate() {
        if name == "super" {
            here.pop();
            continue;
        }
        let child = extended(&here, name);
        if modules.contains_key(&child) {
            here = child;
            continue;
        }
        let module = modules.get(&here)?;
        let reexport = module
            .source
            .uses
            .iter()
            .find(|used| used.is_reexport && used.name.as_deref() == Some(name));
        if let Some(used) = reexport {
            let path = [used.path.as_slice(), &rest[index + 1..]].concat();
            return resolve(modules, &here, &path, depth + 1).or(Some(module.file));
        }
        return Some(module.file);
    }
    modules.get(&here).map(|module| module.file)
}

fn extended(path: &[String], name: &str) -> Vec<String> {
    let mut path = path.to_vec();
    path.push(name.to_owned());
    path
}
