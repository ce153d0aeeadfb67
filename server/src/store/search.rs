//! Search over sealed leads, through keyed hashes: sets of ids that indexes give, their unions and intersections.
//!
//! Nothing is joined by `or`: with it both engines read all leads of the workspace.

use super::sql::Statement;
use crate::{
    domain::{
        lead::Lead,
        name_words::NameWord,
        search::{SearchQuery, SearchTerm},
        workspace::NameIndex,
    },
    vault::{IndexKind, WorkspaceKeys},
};

/// A search, ready to be asked.
pub(super) struct Search<'a> {
    query: &'a SearchQuery,
    set: Set,
}

/// A set of ids of leads.
enum Set {
    /// Leads with a code in this range; open when it has no end.
    Codes {
        column: &'static str,
        from: String,
        end: Option<String>,
    },
    /// Leads with this hash in a column.
    Hash {
        column: &'static str,
        hash: Vec<u8>,
    },
    /// Leads whose name has this token.
    Token(Vec<u8>),
    Union(Vec<Self>),
    Intersection(Vec<Self>),
}

impl<'a> Search<'a> {
    pub(super) fn new(keys: &WorkspaceKeys, query: &'a SearchQuery) -> Self {
        let words = query.words().iter();
        let words = Set::Intersection(words.map(|word| Set::from_term(keys, word)).collect());
        let set = match query.whole() {
            Some(whole) => Set::Union(vec![Set::from_term(keys, whole), words]),
            None => words,
        };
        Self { query, set }
    }

    /// Appends a select of the ids, in a column `lead_id`, each once.
    pub(super) fn push_to(&self, statement: &mut Statement, workspace_id: &str) {
        self.set.push_to(statement, workspace_id);
    }

    /// Whether its statement is like many others, and worth keeping prepared.
    pub(super) fn is_common(&self) -> bool {
        self.query.words().len() == 1
    }

    /// Whether an opened lead really has what its hashes promised.
    pub(super) fn finds(&self, lead: &Lead) -> bool {
        self.query.finds(lead)
    }
}

impl Set {
    fn from_term(keys: &WorkspaceKeys, term: &SearchTerm) -> Self {
        let mut sets: Vec<_> = ["unique_code", "external_ref"]
            .into_iter()
            .map(|column| Self::Codes {
                column,
                from: term.text.clone(),
                end: term.code_end(),
            })
            .collect();
        let hash = |column, kind, value: &str| Self::Hash {
            column,
            hash: keys.blind_index(kind, value).to_vec(),
        };
        sets.extend(
            term.email
                .as_deref()
                .map(|email| hash("email_index", IndexKind::LeadEmail, email)),
        );
        sets.extend(
            term.phone
                .as_ref()
                .map(|phone| hash("phone_index", IndexKind::LeadPhone, phone.as_str())),
        );
        if !term.names.is_empty() {
            let names = term.names.iter().map(|name| Self::from_name(keys, name));
            sets.push(Self::Intersection(names.collect()));
        }
        Self::Union(sets)
    }

    fn from_name(keys: &WorkspaceKeys, name: &NameWord) -> Self {
        let token = |term: &str| Self::Token(keys.blind_index(IndexKind::LeadName, term).to_vec());
        let parts = name.parts().iter().map(|part| token(part));
        let mut sets = vec![Self::Intersection(parts.collect())];
        sets.extend(name.joined().map(token));
        Self::Union(sets)
    }

    fn push_to(&self, statement: &mut Statement, workspace_id: &str) {
        match self {
            Self::Codes { column, from, end } => {
                push_leads(statement, workspace_id, column);
                statement.push(" >= ").bind(from.as_str());
                if let Some(end) = end {
                    statement
                        .push(" and ")
                        .push(column)
                        .push(" < ")
                        .bind(end.as_str());
                }
            }
            Self::Hash { column, hash } => {
                push_leads(statement, workspace_id, column);
                statement.push(" = ").bind(hash.as_slice());
            }
            Self::Token(token) => {
                statement
                    .push("select lead_id from lead_token where workspace_id = ")
                    .bind(workspace_id)
                    .push(" and token = ")
                    .bind(token.as_slice());
                // In the statement itself, so that a search never sees the tokens of an index that is being built or
                // removed.
                statement
                    .push(" and exists (select 1 from workspace where id = ")
                    .bind(workspace_id)
                    .push(" and name_index = ")
                    .bind(NameIndex::On.as_number())
                    .push(")");
            }
            Self::Union(sets) => push_all(statement, workspace_id, sets, " union "),
            Self::Intersection(sets) => push_all(statement, workspace_id, sets, " intersect "),
        }
    }

    fn is_compound(&self) -> bool {
        match self {
            Self::Union(sets) | Self::Intersection(sets) => match sets.as_slice() {
                [only] => only.is_compound(),
                _ => true,
            },
            _ => false,
        }
    }
}

fn push_leads(statement: &mut Statement, workspace_id: &str, column: &str) {
    statement
        .push("select id as lead_id from lead where workspace_id = ")
        .bind(workspace_id)
        .push(" and ")
        .push(column);
}

/// Sets within sets are subqueries: SQLite reads a mix of operators from left to right, PostgreSQL `intersect` first.
fn push_all(statement: &mut Statement, workspace_id: &str, sets: &[Set], operator: &str) {
    if let [only] = sets {
        return only.push_to(statement, workspace_id);
    }
    for (at, set) in sets.iter().enumerate() {
        statement.push(if at == 0 { "" } else { operator });
        if set.is_compound() {
            statement.push("select lead_id from (");
            set.push_to(statement, workspace_id);
            statement.push(") as part");
        } else {
            set.push_to(statement, workspace_id);
        }
    }
    if sets.is_empty() {
        statement.push("select id as lead_id from lead where 1 = 0");
    }
}
