//! Switching a workspace's name index on and off, while servers run.
//!
//! Off: from the moment the state is, no search looks at tokens; they are removed afterwards. On: the old ones, if any,
//! are removed; then the index is building, which every later write knows ([`super::write_keys`]) and brings its lead's
//! tokens along, while the leads that were there get theirs here; when all have them, it is on. So in every state each
//! token fits its lead's name, and an interrupted switch goes on with what is left to do. Several may build one index,
//! and whoever is through first completes it; but when it was switched off and on meanwhile, it is another one, of which
//! they have seen a part at most.

use std::sync::Arc;

use sqlx::Row;

use super::{Store, StoreError, Tenant, Work, workspaces};
use crate::domain::workspace::{NameIndex, Workspace};

/// All tokens of some leads, while the index is off: those of one that somebody builds meanwhile stay.
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

/// The next leads without tokens, which are those that an interrupted run left.
const SELECT_UNINDEXED: &str = "select id from lead where workspace_id = $1 and id > $2 and not exists \
    (select 1 from lead_token where workspace_id = $1 and lead_id = lead.id) order by id limit $3";

const LEADS_PER_SELECT: i64 = 2_000;

/// How many leads get their tokens in one transaction.
const LEADS_PER_TRANSACTION: usize = 50;

/// How many tokens go in one transaction; a little more, for those of a lead go together.
const TOKENS_PER_DELETE: i64 = 1_000;

impl Store {
    /// Stops finding a workspace's leads by name and removes the tokens of all names. Tells how many are gone, of how
    /// many.
    pub async fn remove_name_index(
        &self,
        workspace_id: &str,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        self.update_state(SET_STATE, workspace_id, NameIndex::Off)
            .await?;
        self.wait_for_older_writes(workspace_id).await?;
        let row = sqlx::query(COUNT_TOKENS)
            .bind(workspace_id.to_owned())
            .fetch_one(&self.readers)
            .await?;
        let of = u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or(0);
        let mut done = 0;
        self.delete_in_batches(DELETE_TOKENS, workspace_id, TOKENS_PER_DELETE, |tokens| {
            done += tokens;
            progress(done, of.max(done));
        })
        .await
    }

    /// Gives every lead of a workspace the tokens of its name, and then finds leads by name. Tells how many leads have
    /// got them, of how many there are.
    pub async fn build_name_index(
        &self,
        workspace: &Workspace,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        while self.name_index_state(&workspace.id).await? == NameIndex::Off {
            // Who does not know yet that the index is off may still bring tokens along.
            self.wait_for_older_writes(&workspace.id).await?;
            self.delete_in_batches(DELETE_TOKENS, &workspace.id, TOKENS_PER_DELETE, |_| ())
                .await?;
            let begun = NameIndex::begin(&mut rand::rng());
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
        // More than once only when somebody has begun anew meanwhile; not again when somebody has switched it off.
        while let building @ NameIndex::Building(_) = self.name_index_state(&workspace.id).await? {
            self.index_all_names(workspace, total, progress).await?;
            self.update_state(COMPLETE_BUILDING, &workspace.id, building)
                .await?;
        }
        Ok(())
    }

    /// Completes every name index that was begun: a migration after which names are folded differently begins all of
    /// them, and whoever built one may have been killed.
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

    /// Gives tokens to the leads that have none.
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
                let ids: Arc<[String]> = ids.into();
                self.batch(|| {
                    let ids = Arc::clone(&ids);
                    tenant.write(move |tenant| tenant.index_names(Arc::clone(&ids)))
                })
                .await?;
                done += ids.len() as u64;
                progress(done, total.max(done));
            }
        }
    }

    async fn name_index_state(&self, workspace_id: &str) -> Result<NameIndex, StoreError> {
        let row = sqlx::query(SELECT_STATE)
            .bind(workspace_id.to_owned())
            .fetch_optional(&self.readers)
            .await?;
        workspaces::name_index(&row.ok_or(StoreError::NoWorkspace)?)
    }

    async fn update_state(
        &self,
        sql: &'static str,
        workspace_id: &str,
        state: NameIndex,
    ) -> Result<(), StoreError> {
        self.batch(|| async {
            sqlx::query(sql)
                .bind(workspace_id.to_owned())
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
        let rows = sqlx::query(SELECT_UNINDEXED)
            .bind(self.workspace_id.clone())
            .bind(after.to_owned())
            .bind(LEADS_PER_SELECT)
            .fetch_all(&self.store.readers)
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Adds the tokens of some leads' names as they are now; another run, or a write, may have added them already.
    fn index_names(&self, ids: Arc<[String]>) -> Work<()> {
        let tenant = self.clone();
        Work::new(move |connection| {
            let (tenant, ids) = (tenant.clone(), Arc::clone(&ids));
            Box::pin(async move {
                for id in ids.iter() {
                    let mut statement = tenant.by_id(id);
                    statement.push(tenant.store.row_lock());
                    let row = statement.query().fetch_optional(&mut *connection).await?;
                    if let Some(row) = row {
                        let lead = tenant.open_lead(&row)?;
                        tenant.add_tokens(connection, &lead).await?;
                    }
                }
                Ok(())
            })
        })
    }
}
