//! `konektor-server openapi`

use anyhow::Result;
use konektor_spec::{Spec, YAML};

use super::output::Output;

pub(super) fn run(output: Output) -> Result<()> {
    Ok(output.print(Spec::builtin().document(), || YAML.to_owned())?)
}
