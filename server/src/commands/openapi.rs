//! `konektor-server openapi`

use anyhow::Result;
use konektor_spec::{Spec, YAML};

use super::context::Context;

pub(super) fn run(context: &Context) -> Result<()> {
    Ok(context
        .output
        .print(Spec::builtin().document(), || YAML.to_owned())?)
}
