//! Search over sealed leads, through keyed hashes: sets of ids that indexes give, their unions and intersections.
//!
//! Conditions are never joined by `or`, which makes both engines read all leads of the workspace.

use crate::{
    domain::{
        lead::Lead,
        name_words::NameWord,
        search::{SearchQuery, SearchTerm},
        workspace::NameIndex,
    },
    store::engine::Parameters,
    vault::{IndexKind, WorkspaceKeys},
};

/// A search as sets of leads.
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

    /// A select of the ids, each once, in a column `lead_id`. `workspace_id` is the placeholder of the workspace.
    pub(super) fn sql<'q>(&'q self, workspace_id: &str, parameters: &mut Parameters<'q>) -> String {
        self.set.sql(workspace_id, parameters)
    }

    /// Whether its statement is common enough to keep it prepared.
    pub(super) fn is_common(&self) -> bool {
        self.query.words().len() == 1
    }

    /// Whether an opened lead matches, as its hashes say.
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

    fn sql<'q>(&'q self, workspace_id: &str, parameters: &mut Parameters<'q>) -> String {
        match self {
            Self::Codes { column, from, end } => {
                let leads = leads(workspace_id);
                let from = parameters.bind(from);
                match end {
                    Some(end) => {
                        let end = parameters.bind(end);
                        format!("{leads} and {column} >= {from} and {column} < {end}")
                    }
                    None => format!("{leads} and {column} >= {from}"),
                }
            }
            Self::Hash { column, hash } => {
                let hash = parameters.bind(hash.as_slice());
                format!("{} and {column} = {hash}", leads(workspace_id))
            }
            // The state is part of the statement, so that a search never sees the tokens of an index that is being
            // built or removed.
            Self::Token(token) => {
                let token = parameters.bind(token.as_slice());
                let on = parameters.bind(NameIndex::On.as_number());
                format!(
                    "select lead_id from lead_token where workspace_id = {workspace_id} and token = {token} \
                     and exists (select 1 from workspace where id = {workspace_id} and name_index = {on})"
                )
            }
            Self::Union(sets) => combined(sets, " union ", workspace_id, parameters),
            Self::Intersection(sets) => combined(sets, " intersect ", workspace_id, parameters),
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

fn leads(workspace_id: &str) -> String {
    format!("select id as lead_id from lead where workspace_id = {workspace_id}")
}

/// Sets within sets become subqueries: SQLite evaluates mixed operators from left to right, PostgreSQL `intersect`
/// first.
fn combined<'q>(
    sets: &'q [Set],
    operator: &str,
    workspace_id: &str,
    parameters: &mut Parameters<'q>,
) -> String {
    match sets {
        [] => "select id as lead_id from lead where 1 = 0".to_owned(),
        [only] => only.sql(workspace_id, parameters),
        sets => {
            let parts: Vec<_> = sets
                .iter()
                .map(|set| {
                    let sql = set.sql(workspace_id, parameters);
                    if set.is_compound() {
                        format!("select lead_id from ({sql}) as part")
                    } else {
                        sql
                    }
                })
                .collect();
            parts.join(operator)
        }
    }
}
