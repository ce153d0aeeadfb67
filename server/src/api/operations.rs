//! The code that runs each operation.

use std::sync::Arc;

use konektor_spec::{Access, Operation, OperationId, Spec};

use super::{analytics, call::Handler, conversions, leads, support, workspace};

/// How the server handles an operation.
pub(crate) enum Action {
    /// Replies with SKILL.md, without a key.
    Guide {
        id: OperationId,
        operation: Arc<Operation>,
    },
    /// Runs code, for callers whose key has the scope of the operation.
    Call(Endpoint),
}

/// An operation and the code that runs it.
pub(crate) struct Endpoint {
    pub(crate) id: OperationId,
    pub(crate) operation: Arc<Operation>,
    pub(crate) handler: Handler,
}

/// The error when this program cannot serve an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnservableOperation {
    /// There is no code for it.
    #[error("no code behind the operation {0}")]
    NoCode(String),
    /// It needs no key, but its code needs a workspace.
    #[error("the operation {0} has to need a scope: its code answers a workspace's caller")]
    NeedsScope(String),
    /// It needs a key, but its code does not.
    #[error("the operation {0} must not need a scope: its code answers anybody")]
    NeedsNoScope(String),
}

/// The code that runs each operation, or `None` for SKILL.md. The match is exhaustive, so that an operation without
/// code does not compile.
fn handler(operation: OperationId) -> Option<Handler> {
    use OperationId as Id;
    Some(match operation {
        Id::SkillShow => return None,
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

/// The action of each operation of a document.
///
/// # Errors
/// If there is no code for an operation, or code for another kind of caller.
pub(crate) fn actions(spec: &Spec) -> Result<Vec<Action>, UnservableOperation> {
    spec.operations().iter().map(action).collect()
}

impl Action {
    /// The operation that it runs.
    pub(crate) fn operation(&self) -> &Operation {
        match self {
            Self::Guide { operation, .. } | Self::Call(Endpoint { operation, .. }) => operation,
        }
    }
}

fn action(operation: &Arc<Operation>) -> Result<Action, UnservableOperation> {
    let name = || operation.id.clone();
    let id =
        OperationId::named(&operation.id).ok_or_else(|| UnservableOperation::NoCode(name()))?;
    match (handler(id), &operation.access) {
        (None, Access::Public) => Ok(Action::Guide {
            id,
            operation: Arc::clone(operation),
        }),
        (None, Access::AnyKey | Access::Scope(_)) => Err(UnservableOperation::NeedsNoScope(name())),
        (Some(_), Access::Public) => Err(UnservableOperation::NeedsScope(name())),
        (Some(handler), Access::AnyKey | Access::Scope(_)) => Ok(Action::Call(Endpoint {
            id,
            operation: Arc::clone(operation),
            #[cfg(test)]
            handler: tests::handler(operation).unwrap_or(handler),
            #[cfg(not(test))]
            handler,
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Error, reply::Reply};

    /// The code of an operation that no served document has.
    fn panics() -> Result<Reply, Error> {
        panic!("budi@example.com")
    }

    /// The handler of an operation that a changed document describes as `panics`.
    pub(super) fn handler(operation: &Operation) -> Option<Handler> {
        let panics: Handler = |_| Box::pin(async { panics() });
        (operation.description == "panics").then_some(panics)
    }
}
