//! Values that no two leads of a workspace share.

use std::collections::BTreeMap;

use crate::{
    domain::lead::Lead,
    store::{
        StoreError, Taken, Tenant,
        engine::{Connection, query},
    },
};

/// The leads, other than this one, that have one of these values, a code also as the other kind of code. With `or`
/// instead of `union all` SQLite uses none of the indexes and reads the whole workspace.
const SELECT_TAKEN: &str = "select unique_code, external_ref, phone_index from lead \
    where workspace_id = $1 and id <> $2 and id in (\
    select id from lead where workspace_id = $1 and unique_code = $3 \
    union all select id from lead where workspace_id = $1 and external_ref = $3 \
    union all select id from lead where workspace_id = $1 and unique_code = $4 \
    union all select id from lead where workspace_id = $1 and external_ref = $4 \
    union all select id from lead where workspace_id = $1 and phone_index = $5)";

/// The unique values that a lead does not share with what it was before.
struct NewValues<'a> {
    unique_code: Option<&'a str>,
    external_ref: Option<&'a str>,
    phone_index: Option<Vec<u8>>,
}

impl Tenant {
    /// The unique fields whose value another lead has. Those that the lead had before it was changed are its own.
    pub(super) async fn taken_fields(
        &self,
        connection: &mut Connection,
        before: Option<&Lead>,
        lead: &Lead,
    ) -> Result<BTreeMap<&'static str, Taken>, StoreError> {
        let mut fields = BTreeMap::new();
        let new = self.new_values(before, lead);
        if new.unique_code.is_none() && new.external_ref.is_none() && new.phone_index.is_none() {
            return Ok(fields);
        }
        let rows = query(SELECT_TAKEN)
            .bind(self.workspace_id.as_str())
            .bind(lead.id.as_str())
            .bind(new.unique_code)
            .bind(new.external_ref)
            .bind(new.phone_index.as_deref())
            .fetch_all(connection)
            .await?;
        for row in rows {
            let mut columns = row.columns();
            let unique_code: Option<&str> = columns.next()?;
            let external_ref: Option<&str> = columns.next()?;
            let phone_index: Option<&[u8]> = columns.next()?;
            for (field, value, same, (other_field, other)) in [
                (
                    "uniqueCode",
                    new.unique_code,
                    unique_code,
                    ("externalRef", external_ref),
                ),
                (
                    "externalRef",
                    new.external_ref,
                    external_ref,
                    ("uniqueCode", unique_code),
                ),
            ] {
                if value.is_some() && value == same {
                    fields.insert(field, Taken::Same);
                } else if value.is_some() && value == other {
                    fields.entry(field).or_insert(Taken::As(other_field));
                }
            }
            if new.phone_index.is_some() && phone_index == new.phone_index.as_deref() {
                fields.insert("phone", Taken::Same);
            }
        }
        Ok(fields)
    }

    fn new_values<'a>(&self, before: Option<&Lead>, lead: &'a Lead) -> NewValues<'a> {
        let is_new = |value: fn(&Lead) -> Option<&str>| {
            before.is_none_or(|before| value(before) != value(lead))
        };
        let new = |value: fn(&Lead) -> Option<&str>| value(lead).filter(|_| is_new(value));
        NewValues {
            unique_code: new(|lead| Some(&lead.unique_code)),
            external_ref: new(|lead| lead.external_ref.as_deref()),
            phone_index: new(|lead| lead.phone.as_deref()).map(|phone| self.phone_index(phone)),
        }
    }
}
