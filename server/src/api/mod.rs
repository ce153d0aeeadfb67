//! The operations: one file each, the tree is the URL tree.

mod analytics;
pub mod call;
mod conversions;
pub mod cursor;
pub(crate) mod idempotency;
pub(crate) mod leads;
pub(crate) mod meaning;
mod period;
mod support;
mod values;
mod workspace;

use konektor_spec::OperationId;

use self::call::Handler;

/// What answers an operation.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    /// SKILL.md, to anybody.
    Guide,
    /// Code that needs a key with this operation's scope.
    Handler(Handler),
}

/// What answers each operation: one that nobody has written does not compile.
pub(crate) fn action(operation: OperationId) -> Action {
    use OperationId as Id;
    Action::Handler(match operation {
        Id::SkillShow => return Action::Guide,
        Id::LeadsList => |call| Box::pin(leads::list::run(call)),
        Id::LeadsCreate => |call| Box::pin(leads::create::run(call)),
        Id::LeadsUpsert => |call| Box::pin(leads::upsert::run(call)),
        Id::LeadsGet => |call| Box::pin(leads::get::run(call)),
        Id::LeadsUpdate => |call| Box::pin(leads::update::run(call)),
        Id::AnalyticsSummary => |call| Box::pin(analytics::summary::run(call)),
        Id::AnalyticsFunnel => |call| Box::pin(analytics::funnel::run(call)),
        Id::AnalyticsCampaigns => |call| Box::pin(analytics::campaigns::run(call)),
        Id::ConversionsStatus => |call| Box::pin(conversions::status::run(call)),
        Id::ConversionsPending => |call| Box::pin(conversions::pending::run(call)),
        Id::WorkspaceShow => |call| Box::pin(workspace::run(call)),
        Id::SupportTicketCreate => |call| Box::pin(support::tickets::run(call)),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use konektor_spec::Operation;

    use super::{Action, Handler};
    use crate::{error::Error, reply::Reply};

    /// The code behind an operation of no document that is served.
    fn panics() -> Result<Reply, Error> {
        panic!("budi@example.com")
    }

    /// That code, for an operation which a changed document describes so.
    pub(crate) fn action(operation: &Operation) -> Option<Action> {
        let panics: Handler = |_| Box::pin(async { panics() });
        (operation.description == "panics").then_some(Action::Handler(panics))
    }
}
