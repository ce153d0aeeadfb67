//! `konektor-server workspace create`

use anyhow::Result;
use clap::{builder::PossibleValuesParser, value_parser};
use konektor_spec::Spec;
use serde_json::json;

use super::{
    new_workspace::{CURRENCY, TIME_ZONE, check_own_limit, new_workspace, parse_name},
    view::with_offset,
};
use crate::{
    commands::{context::Context, database::DatabaseArgs, output::fields, usage::program},
    domain::{
        time_zone,
        workspace::{NameIndex, Workspace},
    },
};

/// The default plan.
const DEFAULT_PLAN: &str = "starter";

/// Create a workspace and print its id
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  konektor-server workspace create --name 'Toko Budi Online' --plan pro
  konektor-server workspace create --name Klinik --plan pro --no-name-index
  konektor-server workspace create --name Acme --plan custom --requests-per-minute 1000 --timezone Asia/Makassar")]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    options: Options,
}

/// The properties of a new workspace.
#[derive(clap::Args)]
struct Options {
    /// The name of the workspace
    #[arg(long, value_parser = parse_name)]
    name: String,
    /// The plan, which sets the limit of requests per minute
    #[arg(long, default_value = DEFAULT_PLAN, value_parser = PossibleValuesParser::new(Spec::builtin().enum_values("Plan")))]
    plan: String,
    /// The IANA time zone, in which days and weeks begin
    #[arg(long, value_name = "ZONE", default_value = TIME_ZONE, value_parser = time_zone::canonical)]
    timezone: String,
    /// The currency, as three letters (ISO 4217)
    #[arg(long, value_name = "CODE", default_value = CURRENCY, value_parser = parse_currency)]
    currency: String,
    /// The most leads created per day [default: no limit]
    #[arg(long, value_name = "N", value_parser = value_parser!(i64).range(0..))]
    leads_per_day: Option<i64>,
    /// The limit of requests per minute; only with plan custom
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    requests_per_minute: Option<u32>,
    /// Do not index names: leads cannot be found by name, and the database contains no hashes of names
    #[arg(long)]
    no_name_index: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let options = args.options;
    check_own_limit(&options.plan, options.requests_per_minute)?;
    let store = args.database.open_or_create(context).await?;
    let workspace = Workspace {
        plan: options.plan,
        requests_per_minute: options.requests_per_minute,
        leads_per_day: options.leads_per_day,
        timezone: options.timezone,
        currency: options.currency,
        name_index: if options.no_name_index {
            NameIndex::Off
        } else {
            NameIndex::On
        },
        ..new_workspace(&options.name, context)
    };
    store.create_workspace(&workspace).await?;
    let json = json!({
        "workspaceId": workspace.id,
        "timezone": workspace.timezone,
        "utcOffset": time_zone::offset(&workspace.timezone, context.clock.now()),
    });
    context.output.print(&json, || {
        let (id, program) = (&workspace.id, program());
        let next = format!("{program} key create --workspace {id} --all-scopes");
        fields([
            ("workspace", id.clone()),
            ("timezone", with_offset(&workspace.timezone, &context.clock)),
            ("next", next),
        ])
    })?;
    Ok(())
}

fn parse_currency(code: &str) -> Result<String, String> {
    if code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase()) {
        Ok(code.to_owned())
    } else {
        Err("must be three capital letters, such as IDR".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_plan_is_in_the_document() {
        assert!(Spec::builtin().requests_per_minute(DEFAULT_PLAN).is_some());
    }

    #[test]
    fn currencies_are_three_capitals() {
        assert!(parse_currency("USD").is_ok());
        for code in ["usd", "US", "USDT", "U$D", ""] {
            assert!(parse_currency(code).is_err(), "{code}");
        }
    }
}
