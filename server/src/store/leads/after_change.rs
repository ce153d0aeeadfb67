//! What follows from a changed lead, in the transaction that changes it.
//!
//! Every write of a lead ends in [`Tenant::after_change`]: an insert has no lead before, a deletion none after. Many new
//! leads end in [`BulkConsequences`], which does the same for all of them at once. Deleting a whole workspace does
//! neither, because it deletes what follows from its leads as well.
//!
//! The count of leads a day is not among the consequences: it is a limit, which can refuse a create, and counts only
//! what callers create.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::{
    domain::{lead::Lead, name_words, workspace::NameIndex},
    store::{
        BulkProgress, BulkStep, Engine, StoreError, Tenant,
        engine::{Connection, Parameters, query},
    },
    vault::IndexKind,
};

const DELETE_TOKENS: &str = "delete from lead_token where workspace_id = $1 and lead_id = $2";

/// Inserts a token of several leads, whose ids are a JSON array.
const SQLITE_INSERT_TOKEN: &str = "insert into lead_token (workspace_id, token, lead_id) \
    select $1, $2, value from json_each($3)";
const POSTGRES_INSERT_TOKEN: &str = "insert into lead_token (workspace_id, token, lead_id) \
    select $1, $2, value from json_array_elements_text($3::json)";

const LEADS_PER_TOKEN_INSERT: usize = 10_000;

/// How many new leads are collected before their tokens are written.
const MAX_COLLECTED: usize = 1_000_000;

impl Tenant {
    /// Brings up to date what depends on a lead: the tokens of its name, and the idempotent answers that show it.
    pub(in crate::store) async fn after_change(
        &self,
        connection: &mut Connection,
        before: Option<&Lead>,
        after: Option<&Lead>,
    ) -> Result<(), StoreError> {
        let name = |lead: &Lead| (lead.first_name.clone(), lead.last_name.clone());
        if before.map(name) != after.map(name) {
            if let Some(before) = before {
                query(DELETE_TOKENS)
                    .bind(self.workspace_id.as_str())
                    .bind(before.id.as_str())
                    .execute(&mut *connection)
                    .await?;
            }
            if let Some(after) = after {
                self.add_tokens(connection, after).await?;
            }
        }
        if let Some(before) = before
            && after.is_none_or(|after| after.outdates_answers(before))
        {
            self.blank_answers(connection, &before.id).await?;
        }
        Ok(())
    }

    /// Inserts the tokens of a lead's name, unless they are there.
    pub(in crate::store) async fn add_tokens(
        &self,
        connection: &mut Connection,
        lead: &Lead,
    ) -> Result<(), StoreError> {
        let tokens = self.name_tokens(lead);
        if tokens.is_empty() {
            return Ok(());
        }
        let mut parameters = Parameters::default();
        let workspace_id = parameters.bind(self.workspace_id.as_str());
        let lead_id = parameters.bind(&lead.id);
        let rows: Vec<_> = tokens
            .into_iter()
            .map(|token| format!("({workspace_id}, {}, {lead_id})", parameters.bind(token)))
            .collect();
        // A job that builds the name index may have inserted them.
        let sql = format!(
            "insert into lead_token (workspace_id, token, lead_id) values {} on conflict do nothing",
            rows.join(", ")
        );
        parameters.query(sql).execute(connection).await?;
        Ok(())
    }

    /// The tokens by which a lead's names are found; none when the workspace's name index is off.
    fn name_tokens(&self, lead: &Lead) -> Vec<Vec<u8>> {
        if self.name_index == NameIndex::Off {
            return Vec::new();
        }
        name_words::searchable_forms(&lead.first_name, lead.last_name.as_deref())
            .iter()
            .map(|term| self.keys.blind_index(IndexKind::LeadName, term).to_vec())
            .collect()
    }
}

/// What follows from many new leads, collected and written at once.
///
/// The tokens are written in the order of their primary key, which fills its pages one after the other.
#[derive(Default)]
pub(super) struct BulkConsequences {
    ids: Vec<String>,
    by_token: BTreeMap<Vec<u8>, Vec<u32>>,
    /// The same names come again and again.
    tokens_of_names: HashMap<(String, Option<String>), Vec<Vec<u8>>>,
}

impl BulkConsequences {
    /// Collects what follows from a new lead.
    pub(super) fn add(&mut self, tenant: &Tenant, lead: &Lead) {
        // There are at most MAX_COLLECTED and one chunk.
        let at = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.ids.push(lead.id.clone());
        let name = (lead.first_name.clone(), lead.last_name.clone());
        let tokens = self
            .tokens_of_names
            .entry(name)
            .or_insert_with(|| tenant.name_tokens(lead));
        for token in tokens {
            match self.by_token.get_mut(token) {
                Some(leads) => leads.push(at),
                None => drop(self.by_token.insert(token.clone(), vec![at])),
            }
        }
    }

    /// Whether so much is collected that it has to be written.
    pub(super) fn is_full(&self) -> bool {
        self.ids.len() >= MAX_COLLECTED
    }

    /// Writes what was collected.
    pub(super) async fn write(
        &mut self,
        tenant: &Tenant,
        connection: &mut Connection,
        progress: &mut (impl FnMut(BulkProgress) + Send),
    ) -> Result<(), StoreError> {
        let insert = match tenant.store.engine {
            Engine::Sqlite => SQLITE_INSERT_TOKEN,
            Engine::Postgres => POSTGRES_INSERT_TOKEN,
        };
        let by_token = std::mem::take(&mut self.by_token);
        let total = by_token.values().map(|leads| leads.len() as u64).sum();
        let mut done = 0;
        for (token, leads) in &by_token {
            for leads in leads.chunks(LEADS_PER_TOKEN_INSERT) {
                let ids: Value = leads
                    .iter()
                    .map(|&lead| self.ids[lead as usize].as_str())
                    .collect();
                query(insert)
                    .bind(tenant.workspace_id.as_str())
                    .bind(token.as_slice())
                    .bind(ids.to_string())
                    .execute(&mut *connection)
                    .await?;
                done += leads.len() as u64;
                progress(BulkProgress {
                    step: BulkStep::Names,
                    done,
                    total,
                });
            }
        }
        self.ids.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::temporary_tenant;

    fn lead(first_name: &str) -> Lead {
        Lead {
            id: "lead_1".into(),
            first_name: first_name.into(),
            ..Lead::default()
        }
    }

    async fn tokens(connection: &mut Connection) -> i64 {
        let count = query("select count(*) from lead_token");
        count.fetch_one(connection).await.unwrap().get(0).unwrap()
    }

    #[tokio::test]
    async fn the_tokens_of_a_name_come_change_and_go_with_its_lead() {
        let (_folder, tenant) = temporary_tenant().await;
        let mut connection = tenant.store.writers.acquire().await.unwrap();
        let (siti, dewi) = (lead("Siti"), lead("Dewi Lestari"));
        for (before, after, expected) in [
            (None, Some(&siti), 2),
            (Some(&siti), Some(&siti), 2),
            (Some(&siti), Some(&dewi), 7),
            (Some(&dewi), None, 0),
        ] {
            tenant
                .after_change(&mut connection, before, after)
                .await
                .unwrap();
            assert_eq!(tokens(&mut connection).await, expected);
        }
    }

    #[tokio::test]
    async fn many_new_leads_get_the_tokens_that_each_would_get() {
        let (_folder, tenant) = temporary_tenant().await;
        let mut connection = tenant.store.writers.acquire().await.unwrap();
        let mut many = BulkConsequences::default();
        many.add(&tenant, &lead("Dewi Lestari"));
        many.write(&tenant, &mut connection, &mut |_| ())
            .await
            .unwrap();
        assert_eq!(tokens(&mut connection).await, 7);
        let dewi = lead("Dewi Lestari");
        tenant
            .after_change(&mut connection, Some(&dewi), None)
            .await
            .unwrap();
        assert_eq!(tokens(&mut connection).await, 0);
    }
}
