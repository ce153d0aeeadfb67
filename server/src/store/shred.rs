//! Deleting a workspace: first its keys, without which none of its data can be read, then the data.

use super::{
    Store, StoreError, Write,
    encryption::SealedRows,
    engine::{Connection, query},
};

const DELETE_KEYS: &str = "delete from workspace_key where workspace_id = $1";

const DELETE_API_KEYS: &str = "delete from api_key where workspace_id = $1";

const DELETE_LEADS: &str = "delete from lead where workspace_id = $1 and id in \
    (select id from lead where workspace_id = $1 order by id limit $2)";

const DELETE_TICKETS: &str = "delete from ticket where workspace_id = $1 and id in \
    (select id from ticket where workspace_id = $1 order by id limit $2)";

const DELETE_ANSWERS: &str = "delete from idempotency where workspace_id = $1 and id in \
    (select id from idempotency where workspace_id = $1 order by id limit $2)";

const DELETE_DAY_ENTRIES: &str = "delete from lead_day_entry where workspace_id = $1 and (day, lead_id) in \
    (select day, lead_id from lead_day_entry where workspace_id = $1 order by day, lead_id limit $2)";

/// Deletes what is left, a row for each day, by its foreign key.
const DELETE_WORKSPACE: &str = "delete from workspace where id = $1";

/// How many rows are deleted in one transaction.
const DELETE_BATCH: i64 = 500;

/// Deletes the keys of a workspace, its own and those of its callers.
struct DeleteKeys(String);

impl Write<Store> for DeleteKeys {
    type Output = ();

    async fn run(&self, _: &Store, connection: &mut Connection) -> Result<(), StoreError> {
        for sql in [DELETE_KEYS, DELETE_API_KEYS] {
            query(sql)
                .bind(self.0.as_str())
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }
}

impl Store {
    /// Deletes the keys of a workspace, its own and those of its callers. From then on none of its data opens, and every
    /// request is refused.
    pub async fn delete_keys(&self, workspace_id: &str) -> Result<(), StoreError> {
        self.batch(|| self.write(DeleteKeys(workspace_id.to_owned())))
            .await?;
        self.wait_for_older_writes(workspace_id).await
    }

    /// Deletes a workspace and everything in it, its keys first; false when there is none. The progress is how many of
    /// its leads, tickets and idempotent answers are deleted, and how many there are.
    pub async fn delete_workspace(
        &self,
        workspace_id: &str,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<bool, StoreError> {
        self.delete_keys(workspace_id).await?;
        let sealed = self.sealed_rows(workspace_id).await?;
        let of = sealed.into_values().map(SealedRows::total).sum::<i64>();
        let (mut done, of) = (0, u64::try_from(of).unwrap_or(0));
        self.remove_name_index(workspace_id, |_, _| ()).await?;
        for sql in [DELETE_LEADS, DELETE_TICKETS, DELETE_ANSWERS] {
            self.delete_in_batches(sql, workspace_id, DELETE_BATCH, |rows| {
                done += rows;
                progress(done, of);
            })
            .await?;
        }
        self.delete_in_batches(DELETE_DAY_ENTRIES, workspace_id, DELETE_BATCH, |_| ())
            .await?;
        self.batch(|| async {
            let deleted = query(DELETE_WORKSPACE)
                .bind(workspace_id)
                .execute(&self.writers)
                .await?;
            Ok(deleted > 0)
        })
        .await
    }
}
