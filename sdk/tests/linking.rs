//! What linking this crate brings into a program: cargo unites the features of all crates in one
//! program, so that each feature asked for here changes everybody's `serde_json`, tokio or uuid.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// The features of every crate in a program that has this crate as its only dependency.
fn linked_features() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--package", "konektor-sdk", "--edges", "normal"])
        .args(["--prefix", "none", "--format", "{p}|{f}"])
        .args(["--offline", "--locked", "--no-dedupe"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut crates: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (package, features) = line.split_once('|').unwrap();
        let name = package.split(' ').next().unwrap();
        crates
            .entry(name.to_owned())
            .or_default()
            .extend(features.split(',').map(str::to_owned));
    }
    crates
}

#[test]
fn a_program_that_links_this_crate_reads_and_writes_json_as_before() {
    let features = &linked_features()["serde_json"];

    // preserve_order, float_roundtrip and arbitrary_precision change what serde_json makes of the
    // same text, in all of the program.
    assert_eq!(
        features,
        &BTreeSet::from(["default", "std"].map(str::to_owned))
    );
}

#[test]
fn a_program_that_links_this_crate_gets_no_more_of_tokio_and_uuid_than_is_used() {
    let linked = linked_features();

    // `sync`, `rt`, `net` and `io-util` are hyper's and reqwest's; `fs` is reqwest's, for progenitor.
    for unused in ["macros", "process", "rt-multi-thread", "signal", "full"] {
        assert!(!linked["tokio"].contains(unused), "tokio/{unused}");
    }
    for unused in ["v1", "v3", "v5", "v6", "v7"] {
        assert!(!linked["uuid"].contains(unused), "uuid/{unused}");
    }
    assert!(linked["uuid"].contains("v4"));
}

/// What changes the connections of a program that uses reqwest or rustls itself is in the README.
#[test]
fn a_program_that_links_this_crate_gets_the_connections_that_the_readme_names() {
    let linked = linked_features();
    let set = |features: &[&str]| features.iter().map(ToString::to_string).collect();

    // `json`, `query` and `stream` are methods. All else, such as `gzip`, `cookies`, `system-proxy` or
    // another TLS, would change every client of the program.
    let (methods, of_tls) = (["json", "query", "stream"], ["__rustls", "__tls"]);
    let told = ["http2", "rustls-no-provider"];
    let expected: BTreeSet<String> = set(&[&methods[..], &of_tls, &told].concat());
    assert_eq!(linked["reqwest"], expected);
    let expected: BTreeSet<String> = set(&["ring", "std", "tls12"]);
    assert_eq!(linked["rustls"], expected);

    let (_, rest) = README.split_once("- **Your program**").unwrap();
    let promise = rest.split("\n## ").next().unwrap();
    for feature in ["http2", "rustls-no-provider", "ring", "tls12"] {
        assert!(promise.contains(&format!("`{feature}`")), "{feature}");
    }
}

const README: &str = include_str!("../README.md");

#[test]
fn no_feature_of_the_workspace_reaches_the_manifest() {
    let manifest = include_str!("../Cargo.toml");
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
    let dependencies = dependencies.split("[dev-dependencies]").next().unwrap();

    assert!(!dependencies.contains("workspace"), "{dependencies}");
    assert!(dependencies.contains("serde_json"));
}
