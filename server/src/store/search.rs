//! Search over sealed leads: through keyed hashes in SQL, verified on what was opened.

use super::sql::Statement;
use crate::{
    domain::{code, email, lead::Lead, name_words, phone::Phone, workspace::NameIndex},
    vault::{IndexKind, WorkspaceKeys},
};

/// What a lead has to have to be found.
///
/// Either the text as a whole is a phone, an email or the beginning of a code, or each of its words is one of
/// these or begins a word of a name.
pub(super) struct Search {
    whole: Term,
    words: Vec<Term>,
}

/// A word, or the whole text, in every form by which a lead is found.
struct Term {
    /// As it was sent: codes are compared as they are.
    text: String,
    email: String,
    email_index: Vec<u8>,
    phone: Option<(Phone, Vec<u8>)>,
    /// Folded parts of the word: "O'Brien" is two words of a name. None for a whole text of several words.
    name_parts: Vec<(String, Vec<u8>)>,
}

impl Search {
    pub(super) fn new(keys: &WorkspaceKeys, text: &str) -> Self {
        let text = text.trim();
        let mut words: Vec<&str> = text.split_whitespace().collect();
        words.sort_unstable();
        words.dedup();
        Self {
            whole: Term::new(keys, text),
            words: words
                .into_iter()
                .map(|word| Term::new(keys, word))
                .collect(),
        }
    }

    /// Appends ` and …` to a statement over leads.
    pub(super) fn push_to(&self, statement: &mut Statement, workspace_id: &str) {
        statement.push(" and (id in (");
        self.whole.push_exact(statement, workspace_id);
        statement.push(")");
        if !self.words.is_empty() {
            statement.push(" or (");
            for (at, word) in self.words.iter().enumerate() {
                statement.push(if at == 0 { "" } else { " and " });
                statement.push("(id in (");
                word.push_exact(statement, workspace_id);
                statement.push(")");
                word.push_name(statement, workspace_id);
                statement.push(")");
            }
            statement.push(")");
        }
        statement.push(")");
    }

    /// Whether an opened lead really has what its hashes promised.
    pub(super) fn finds(&self, lead: &Lead) -> bool {
        self.whole.is_exactly(lead)
            || (!self.words.is_empty()
                && self
                    .words
                    .iter()
                    .all(|word| word.is_exactly(lead) || word.names(lead)))
    }
}

impl Term {
    fn new(keys: &WorkspaceKeys, text: &str) -> Self {
        let email = email::comparable(text);
        let name_parts = name_words::words(text)
            .into_iter()
            .map(|part| {
                let token = keys.blind_index(IndexKind::LeadName, &part).to_vec();
                (part, token)
            })
            .collect();
        Self {
            text: text.to_owned(),
            email_index: keys.blind_index(IndexKind::LeadEmail, &email).to_vec(),
            email,
            phone: Phone::parse(text).map(|phone| {
                let index = keys
                    .blind_index(IndexKind::LeadPhone, phone.as_str())
                    .to_vec();
                (phone, index)
            }),
            name_parts,
        }
    }

    fn push_exact(&self, statement: &mut Statement, workspace_id: &str) {
        let end = code::prefix_end(&self.text);
        for (at, column) in ["unique_code", "external_ref"].into_iter().enumerate() {
            statement.push(if at == 0 { "" } else { " union " });
            statement
                .push("select id from lead where workspace_id = ")
                .bind(workspace_id);
            statement
                .push(" and ")
                .push(column)
                .push(" >= ")
                .bind(self.text.as_str());
            if let Some(end) = &end {
                statement
                    .push(" and ")
                    .push(column)
                    .push(" < ")
                    .bind(end.as_str());
            }
        }
        statement
            .push(" union select id from lead where workspace_id = ")
            .bind(workspace_id);
        statement
            .push(" and email_index = ")
            .bind(self.email_index.as_slice());
        if let Some((_, index)) = &self.phone {
            statement
                .push(" union select id from lead where workspace_id = ")
                .bind(workspace_id);
            statement.push(" and phone_index = ").bind(index.as_slice());
        }
    }

    fn push_name(&self, statement: &mut Statement, workspace_id: &str) {
        if self.name_parts.is_empty() {
            return;
        }
        statement.push(" or (");
        for (at, (_, token)) in self.name_parts.iter().enumerate() {
            statement.push(if at == 0 { "" } else { " and " });
            statement
                .push("id in (select lead_id from lead_token join workspace on workspace.id = workspace_id and name_index = ")
                .bind(NameIndex::On.as_number());
            // In the statement itself, so that a search never sees the tokens of an index that is being built or removed.
            statement.push(" where workspace_id = ").bind(workspace_id);
            statement
                .push(" and token = ")
                .bind(token.as_slice())
                .push(")");
        }
        statement.push(")");
    }

    fn is_exactly(&self, lead: &Lead) -> bool {
        lead.unique_code.starts_with(&self.text)
            || lead
                .external_ref
                .as_deref()
                .is_some_and(|reference| reference.starts_with(&self.text))
            || lead
                .email
                .as_deref()
                .is_some_and(|address| email::comparable(address) == self.email)
            || self
                .phone
                .as_ref()
                .is_some_and(|(phone, _)| lead.phone.as_deref() == Some(phone.as_str()))
    }

    fn names(&self, lead: &Lead) -> bool {
        !self.name_parts.is_empty()
            && self.name_parts.iter().all(|(part, _)| {
                name_words::matches(part, &lead.first_name, lead.last_name.as_deref())
            })
    }
}
