//! The columns of the table lead, made from the list of a lead's fields.

use std::sync::LazyLock;

use crate::{
    domain::{
        email,
        lead::{Lead, PersonalData},
        lead_fields,
    },
    store::{
        StoreError, Tenant,
        engine::{Columns, Row, Value},
    },
    vault::IndexKind,
};

/// Makes no lead whose uniqueCode another one has as its externalRef, or the other way round: a handle would fit both.
pub(super) static INSERT_LEAD: LazyLock<String> = LazyLock::new(|| {
    let [workspace_id, unique_code, external_ref] =
        ["workspace_id", "unique_code", "external_ref"].map(placeholder);
    let values: Vec<_> = written_columns().map(placeholder).collect();
    format!(
        "insert into lead ({WRITTEN_COLUMNS}) select {} \
         where not exists (select 1 from lead where workspace_id = {workspace_id} and external_ref = {unique_code}) \
         and not exists (select 1 from lead where workspace_id = {workspace_id} and unique_code = {external_ref}) \
         on conflict do nothing",
        values.join(", ")
    )
});

pub(super) static UPDATE_LEAD: LazyLock<String> = LazyLock::new(|| {
    let [workspace_id, id] = ["workspace_id", "id"].map(placeholder);
    let assignments: Vec<_> = written_columns()
        .filter(|column| !["workspace_id", "id"].contains(column))
        .map(|column| format!("{column} = {}", placeholder(column)))
        .collect();
    format!(
        "update lead set {} where workspace_id = {workspace_id} and id = {id}",
        assignments.join(", ")
    )
});

/// `, name` for a field that has a column of its own.
macro_rules! column {
    (column $name:ident) => {
        concat!(", ", stringify!($name))
    };
    (sealed $name:ident) => {
        ""
    };
}

macro_rules! push_field {
    (column $values:ident $field:expr) => {
        $values.push((&$field).into())
    };
    (sealed $values:ident $field:expr) => {};
}

macro_rules! read_field {
    (column $name:ident $columns:ident $personal:ident) => {
        $columns.next()?
    };
    (sealed $name:ident $columns:ident $personal:ident) => {
        $personal.$name
    };
}

/// The columns that a lead is read from, in the order in which [`Tenant::read_lead`] takes them.
macro_rules! list_columns {
    ($( $name:ident: $given:ty $(as $kept:ty)?, $place:ident $($key:literal)?; )*) => {
        concat!(
            "id, sealed, unique_code" $(, $crate::store::leads::columns::column!($place $name))*,
            ", conversion_sync_status, created_at, updated_at"
        )
    };
}

/// [`list_columns`] as a literal for `concat!`.
macro_rules! lead_columns {
    () => {
        $crate::domain::lead_fields!($crate::store::leads::columns::list_columns)
    };
}

pub(super) use {column, lead_columns, list_columns};

macro_rules! define_columns {
    ($( $name:ident: $given:ty $(as $kept:ty)?, $place:ident $($key:literal)?; )*) => {
        /// The columns that are written, in the order of [`Tenant::lead_values`].
        pub(super) const WRITTEN_COLUMNS: &str = concat!(
            "workspace_id, id, email_index, phone_index, data_key_id, sealed, unique_code" $(, column!($place $name))*,
            ", conversion_sync_status, created_at, updated_at"
        );

        impl Tenant {
            /// Everything of a lead that is stored.
            pub(in crate::store) fn lead_values<'v>(&'v self, lead: &'v Lead) -> Result<Vec<Value<'v>>, StoreError> {
                let email_index = lead.email.as_deref().map(|email| self.email_index(email));
                let phone_index = lead.phone.as_deref().map(|phone| self.phone_index(phone));
                let sealed = self.keys.seal_record("lead", &lead.id, &lead.personal_data())?;
                let mut values: Vec<Value<'v>> = vec![
                    self.workspace_id.as_str().into(),
                    (&lead.id).into(),
                    email_index.into(),
                    phone_index.into(),
                    self.keys.data_key_id().into(),
                    sealed.into(),
                    (&lead.unique_code).into(),
                ];
                $( push_field!($place values lead.$name); )*
                values.extend([
                    (&lead.conversion_sync_status).into(),
                    (&lead.created_at).into(),
                    (&lead.updated_at).into(),
                ]);
                Ok(values)
            }

            /// Reads a lead from its columns and opens its personal data.
            pub(in crate::store) fn read_lead(&self, mut columns: Columns<'_>) -> Result<Lead, StoreError> {
                let id: String = columns.next()?;
                let sealed = columns.next()?;
                let personal: PersonalData = self.keys.open_record("lead", &id, sealed)?;
                Ok(Lead {
                    id,
                    unique_code: columns.next()?,
                    $( $name: read_field!($place $name columns personal), )*
                    conversion_sync_status: columns.next()?,
                    created_at: columns.next()?,
                    updated_at: columns.next()?,
                })
            }
        }
    };
}

lead_fields!(define_columns);

impl Tenant {
    /// Reads a lead from a row that has its columns and no others.
    pub(in crate::store) fn open_lead(&self, row: &Row) -> Result<Lead, StoreError> {
        self.read_lead(row.columns())
    }

    pub(super) fn email_index(&self, address: &str) -> Vec<u8> {
        self.keys
            .blind_index(IndexKind::LeadEmail, &email::comparable(address))
            .to_vec()
    }

    pub(super) fn phone_index(&self, e164: &str) -> Vec<u8> {
        self.keys.blind_index(IndexKind::LeadPhone, e164).to_vec()
    }
}

fn written_columns() -> impl Iterator<Item = &'static str> {
    WRITTEN_COLUMNS.split(", ")
}

/// The placeholder of a written column.
fn placeholder(column: &str) -> String {
    let before = written_columns().take_while(|other| *other != column);
    format!("${}", before.count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_number_the_columns_in_the_order_of_the_values() {
        assert!(UPDATE_LEAD.starts_with(
            "update lead set email_index = $3, phone_index = $4, data_key_id = $5, sealed = $6, unique_code = $7, \
             external_ref = $8, status = $9, "
        ));
        assert!(UPDATE_LEAD.ends_with(" where workspace_id = $1 and id = $2"));
        assert!(
            INSERT_LEAD
                .contains("(select 1 from lead where workspace_id = $1 and external_ref = $7)")
        );
        assert!(
            INSERT_LEAD
                .contains("(select 1 from lead where workspace_id = $1 and unique_code = $8)")
        );
    }
}
