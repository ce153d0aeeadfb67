//! `konektor-server seed`

use anyhow::{Result, bail};
use clap::value_parser;
use indicatif::ProgressBar;
use konektor_spec::Spec;
use serde_json::json;

use super::{
    context::Context,
    database::{self, DatabaseArgs},
    output::grouped,
    progress,
};
use crate::{
    seed::{MAX_LEADS, SyntheticLeads},
    store::{BulkProgress, BulkStep},
};

/// Fill a workspace with synthetic leads, for demos and benchmarks
#[derive(clap::Args)]
#[command(after_help = "\
The same --leads and --seed create the same leads, except that their times count back from the current hour, and \
their ids depend on the time and the workspace. Another --seed adds other leads; the same one is refused. A lead \
gets no phone if another lead of the workspace already has it.

Either all leads are created or none. Meanwhile a running server on SQLite can read but not write; on PostgreSQL \
its reads wait too if there are hardly any leads yet.

Examples:
  konektor-server seed --workspace ID --leads 2000
  konektor-server seed --workspace ID --leads 1000000 --seed 7")]
pub(super) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    #[arg(long, value_name = "ID")]
    workspace: String,
    /// The number of leads to create
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=i64::from(MAX_LEADS)))]
    leads: u32,
    /// The seed: the same number gives the same leads
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u32,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let store = args.database.open(context).await?;
    let workspace = database::workspace(&store, &args.workspace).await?;
    let tenant = store.tenant(&workspace).await?;
    let leads = SyntheticLeads::new(
        Spec::builtin(),
        &workspace.id,
        args.seed,
        args.leads,
        context.clock.now(),
    );
    if tenant.lead(&leads.first_code()).await?.is_some() {
        bail!(
            "the leads of seed {} are in this workspace already; choose another with --seed",
            args.seed
        );
    }

    let bar = progress::bar("leads")?;
    let watched = bar.clone();
    let inserted = tenant
        .insert_leads(leads.into_iter(), move |now| show(&watched, now))
        .await;
    bar.finish_and_clear();
    inserted?;
    store.close().await;

    context.output.print(
        &json!({ "workspaceId": workspace.id, "leads": args.leads, "seed": args.seed }),
        || {
            format!(
                "created {} leads in {} ({})",
                grouped(args.leads),
                workspace.id,
                workspace.name
            )
        },
    )?;
    Ok(())
}

fn show(bar: &ProgressBar, now: BulkProgress) {
    progress::show(bar, now.done, now.total);
    bar.set_message(match now.step {
        BulkStep::Leads => "leads",
        BulkStep::Names => "names",
        BulkStep::Indexes => "indexes",
    });
}
