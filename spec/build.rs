//! Turns openapi.yaml into JSON at build time, so that nobody who reads it at run time needs a YAML parser.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let source = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../openapi.yaml");
    println!("cargo::rerun-if-changed={}", source.display());
    let document: serde_json::Value = serde_saphyr::from_str(&fs::read_to_string(&source)?)?;
    let target = Path::new(&env::var("OUT_DIR")?).join("openapi.json");
    fs::write(target, serde_json::to_string(&document)?)?;
    Ok(())
}
