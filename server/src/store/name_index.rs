//! Switching a workspace's name index on and off while servers run.
//!
//! | state      | a write inserts tokens | a search by name finds | next state                                      |
//! |------------|------------------------|------------------------|-------------------------------------------------|
//! | `Off`      | no                     | nothing                | `Building`, once all old tokens are deleted     |
//! | `Building` | yes                    | nothing                | `On`, once all older leads have their tokens    |
//! | `On`       | yes                    | leads                  | `Off`, whose tokens are deleted afterwards      |
//!
//! A write sees a new state at once ([`super::write_keys`]), so in every state the tokens of a lead fit its name, and an
//! interrupted switch continues where it stopped. Several processes may build one index: the first to finish completes
//! it. An index that was switched off and on again has another number, so that a process which has seen only a part of
//! its leads cannot complete it.

use super::{
    Store, StoreError, Tenant, Write,
    engine::{Connection, query},
    leads::RowLock,
    workspaces,
};
use crate::domain::workspace::{NameIndex, Workspace};

/// Deletes all tokens of some leads while the index is off. Tokens of an index that another process builds stay.
const DELETE_TOKENS: &str = "delete from lead_token where workspace_id = $1 and lead_id in \
    (select lead_id from lead_token where workspace_id = $1 order by lead_id limit $2) \
    and exists (select 1 from workspace where id = $1 and name_index = 0)";

const COUNT_TOKENS: &str = "select count(*) from lead_token where workspace_id = $1";

const SET_STATE: &str = "update workspace set name_index = $2 where id = $1";

const BEGIN_BUILDING: &str = "update workspace set name_index = $2 where id = $1 and name_index = 0 \
    and not exists (select 1 from lead_token where workspace_id = $1)";

const COMPLETE_BUILDING: &str =
    "update workspace set name_index = 1 where id = $1 and name_index = $2";

const SELECT_STATE: &str = "select name_index from workspace where id = $1";

/// The next leads without tokens.
const SELECT_UNINDEXED: &str = "select id from lead where workspace_id = $1 and id > $2 and not exists \
    (select 1 from lead_token where workspace_id = $1 and lead_id = lead.id) order by id limit $3";

/// How many leads are looked up at once.
const LEADS_PER_SELECT: i64 = 2_000;

/// How many leads get their tokens in one transaction.
const LEADS_PER_TRANSACTION: usize = 50;

/// How many tokens are deleted in one transaction, at least: those of one lead are deleted together.
const TOKENS_PER_DELETE: i64 = 1_000;

impl Store {
    /// Stops finding a workspace's leads by name and deletes the tokens of all names. The progress is how many of them
    /// are deleted, and how many there are.
    pub async fn remove_name_index(
        &self,
        workspace_id: &str,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        self.update_state(SET_STATE, workspace_id, NameIndex::Off)
            .await?;
        self.wait_for_older_writes(workspace_id).await?;
        let row = query(COUNT_TOKENS)
            .bind(workspace_id)
            .fetch_one(&self.readers)
            .await?;
        let of = u64::try_from(row.get::<i64>(0)?).unwrap_or(0);
        let mut done = 0;
        self.delete_in_batches(DELETE_TOKENS, workspace_id, TOKENS_PER_DELETE, |tokens| {
            done += tokens;
            progress(done, of.max(done));
        })
        .await
    }

    /// Inserts the tokens of every lead of a workspace, and then finds leads by name. The progress is how many leads have
    /// their tokens, and how many there are.
    pub async fn build_name_index(
        &self,
        workspace: &Workspace,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        while self.name_index_state(&workspace.id).await? == NameIndex::Off {
            // A write that does not know yet that the index is off may still insert tokens.
            self.wait_for_older_writes(&workspace.id).await?;
            self.delete_in_batches(DELETE_TOKENS, &workspace.id, TOKENS_PER_DELETE, |_| ())
                .await?;
            let begun = NameIndex::begin(&mut self.randomness.rng());
            self.update_state(BEGIN_BUILDING, &workspace.id, begun)
                .await?;
        }
        let leads = self.tenant(workspace).await?.lead_count().await?;
        let total = u64::try_from(leads).unwrap_or(0);
        self.finish_name_index(workspace, total, &mut progress)
            .await
    }

    async fn finish_name_index(
        &self,
        workspace: &Workspace,
        total: u64,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        // Again only if another process has started over meanwhile; not if one has switched the index off.
        while let building @ NameIndex::Building(_) = self.name_index_state(&workspace.id).await? {
            self.index_all_names(workspace, total, progress).await?;
            self.update_state(COMPLETE_BUILDING, &workspace.id, building)
                .await?;
        }
        Ok(())
    }

    /// Completes every name index that is being built. A migration that changes how names are folded restarts them all,
    /// and a process that built one may have been killed.
    pub async fn complete_name_indexes(&self) -> Result<(), StoreError> {
        for workspace in self.workspaces().await? {
            if let NameIndex::Building(_) = workspace.name_index {
                tracing::info!(workspace = workspace.id, "building the index of names");
                self.finish_name_index(&workspace, 0, &mut |_, _| ())
                    .await?;
            }
        }
        Ok(())
    }

    /// Inserts the tokens of the leads that have none.
    async fn index_all_names(
        &self,
        workspace: &Workspace,
        total: u64,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        self.wait_for_older_writes(&workspace.id).await?;
        let tenant = self.tenant(workspace).await?;
        let (mut done, mut last) = (0, String::new());
        loop {
            let ids = tenant.leads_without_tokens(&last).await?;
            let Some(end) = ids.last() else {
                return Ok(());
            };
            last.clone_from(end);
            for ids in ids.chunks(LEADS_PER_TRANSACTION) {
                self.batch(|| tenant.write(IndexNames(ids.to_vec())))
                    .await?;
                done += ids.len() as u64;
                progress(done, total.max(done));
            }
        }
    }

    async fn name_index_state(&self, workspace_id: &str) -> Result<NameIndex, StoreError> {
        let row = query(SELECT_STATE)
            .bind(workspace_id)
            .fetch_optional(&self.readers)
            .await?;
        let row = row.ok_or(StoreError::NoWorkspace)?;
        workspaces::name_index(row.get(0)?)
    }

    async fn update_state(
        &self,
        sql: &'static str,
        workspace_id: &str,
        state: NameIndex,
    ) -> Result<(), StoreError> {
        self.batch(|| async {
            query(sql)
                .bind(workspace_id)
                .bind(state.as_number())
                .execute(&self.writers)
                .await?;
            Ok(())
        })
        .await
    }
}

impl Tenant {
    async fn leads_without_tokens(&self, after: &str) -> Result<Vec<String>, StoreError> {
        let rows = query(SELECT_UNINDEXED)
            .bind(self.workspace_id.as_str())
            .bind(after)
            .bind(LEADS_PER_SELECT)
            .fetch_all(&self.store.readers)
            .await?;
        rows.iter().map(|row| Ok(row.get(0)?)).collect()
    }
}

/// Adds the tokens of the names that some leads have now. Another run, or a write, may have added them already.
struct IndexNames(Vec<String>);

impl Write<Tenant> for IndexNames {
    type Output = ();

    async fn run(&self, tenant: &Tenant, connection: &mut Connection) -> Result<(), StoreError> {
        for id in &self.0 {
            let query = tenant.by_id(id, RowLock::ForUpdate);
            if let Some(row) = query.fetch_optional(&mut *connection).await? {
                let lead = tenant.open_lead(&row)?;
                tenant.add_tokens(connection, &lead).await?;
            }
        }
        Ok(())
    }
}
