//! `cargo xtask generate`: the part of the SDK that progenitor writes from openapi.yaml.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use progenitor::{GenerationSettings, Generator, InterfaceStyle};

use crate::paths;

/// Writes the generated code, or with `check` fails when the file says something else.
pub(crate) fn run(check: bool) -> Result<()> {
    let code = generated()?;
    let file = generated_file();
    if check {
        let current = fs::read_to_string(&file).unwrap_or_default();
        ensure!(
            current == code,
            "{} is not what openapi.yaml says; to write it anew: cargo xtask generate",
            file.display()
        );
        return Ok(());
    }
    fs::create_dir_all(file.parent().context("the generated file has no directory")?)?;
    fs::write(&file, code).with_context(|| format!("writing {}", file.display()))
}

fn generated_file() -> PathBuf {
    paths::root().join("sdk/src/generated/mod.rs")
}

fn generated() -> Result<String> {
    let text = fs::read_to_string(paths::openapi()).context("reading openapi.yaml")?;
    let spec: openapiv3::OpenAPI = serde_saphyr::from_str(&text).context("openapi.yaml")?;
    let mut settings = GenerationSettings::default();
    settings.with_interface(InterfaceStyle::Builder);
    let tokens = Generator::new(&settings)
        .generate_tokens(&spec)
        .context("progenitor")?;
    Ok(prettyplease::unparse(&syn::parse2(tokens)?))
}
