//! The operations: one file each, the tree is the URL tree.

mod analytics;
mod conversions;
pub mod cursor;
pub(crate) mod idempotency;
mod leads;
mod period;
mod support;
mod workspace;

use std::{future::Future, pin::Pin, sync::Arc};

use jiff::Timestamp;
use konektor_spec::Operation;

use crate::{
    app::App,
    gate::Caller,
    input::Input,
    reply::{Error, Reply},
};

/// One admitted request, on its way through an operation.
pub struct Call {
    /// The server it reached.
    pub app: Arc<App>,
    /// What is asked for.
    pub operation: Arc<Operation>,
    /// Who sent it.
    pub caller: Caller,
    /// What was sent.
    pub input: Input,
    /// When it came.
    pub now: Timestamp,
}

type Running = Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send>>;

/// The code behind an operation.
pub type Handler = fn(Call) -> Running;

/// The handler of every operation that needs a key, by `operationId`; None for one that nobody has written.
#[must_use]
pub fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "leads_list" => |call| Box::pin(leads::list::run(call)),
        "leads_create" => |call| Box::pin(leads::create::run(call)),
        "leads_upsert" => |call| Box::pin(leads::upsert::run(call)),
        "leads_get" => |call| Box::pin(leads::get::run(call)),
        "leads_update" => |call| Box::pin(leads::update::run(call)),
        "analytics_summary" => |call| Box::pin(analytics::summary::run(call)),
        "analytics_funnel" => |call| Box::pin(analytics::funnel::run(call)),
        "analytics_campaigns" => |call| Box::pin(analytics::campaigns::run(call)),
        "conversions_status" => |call| Box::pin(conversions::status::run(call)),
        "conversions_pending" => |call| Box::pin(conversions::pending::run(call)),
        "workspace_show" => |call| Box::pin(workspace::run(call)),
        "support_ticket_create" => |call| Box::pin(support::tickets::run(call)),
        _ => return None,
    })
}
