//! Prints SKILL.md, or with `--docs` the HTML page, for the document's own server or for a public URL.

use std::error::Error;

use konektor_spec::Spec;

fn main() -> Result<(), Box<dyn Error>> {
    let spec = Spec::builtin();
    let (flags, urls): (Vec<_>, Vec<_>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with("--"));
    let url = urls.first().map_or(spec.server_url(), String::as_str);
    let page = if flags.iter().any(|flag| flag == "--docs") {
        konektor_skill::docs_html(spec, url)?
    } else {
        konektor_skill::skill_md(spec, url)?
    };
    print!("{page}");
    Ok(())
}
