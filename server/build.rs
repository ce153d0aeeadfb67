//! Lists the migrations, so that the program carries them: one text for each file in `migrations/<engine>`.

use std::{env, error::Error, fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let migrations = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("migrations");
    let mut code = String::new();
    for engine in ["sqlite", "postgres"] {
        let directory = migrations.join(engine);
        let mut names = fs::read_dir(&directory)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
        names.sort();
        writeln!(
            code,
            "const {}: &[(&str, &str)] = &[",
            engine.to_uppercase()
        )?;
        for name in names {
            let path = directory.join(&name).display().to_string();
            writeln!(code, "    ({name:?}, include_str!({path:?})),")?;
        }
        writeln!(code, "];")?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("migrations.rs"), code)?;
    println!("cargo:rerun-if-changed=migrations");
    Ok(())
}
