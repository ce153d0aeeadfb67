//! Calls operations for the tests beside them: the real pipeline on a real store, with a manual clock and seeded
//! randomness, so that whole replies can be snapshots.

use std::sync::Arc;

use jiff::Timestamp;
use konektor_spec::{OperationId, Spec};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::operations::{self, Action, Endpoint};
use crate::{
    clock::Clock,
    domain::{
        api_key::ApiKey,
        forwarded::Origin,
        id,
        workspace::{NameIndex, Workspace},
    },
    error::Error,
    pipeline::{self, Admitted, Exchange},
    randomness::Randomness,
    settings::Settings,
    state::AppState,
    store::{SchemaPolicy, Store, api_keys::StoredKey},
    validation::Sent,
    vault::{MasterKey, MasterKeys, Vault},
};

/// Wednesday, 15 January 2025, 17:30 in Jakarta.
const NOW: Timestamp = Timestamp::constant(1_736_937_000, 0);

/// A workspace, and calls of operations on it.
pub(crate) struct TestApi {
    pub(crate) clock: Clock,
    state: Arc<AppState>,
    key: ApiKey,
    _folder: TempDir,
}

impl TestApi {
    /// A new workspace in Jakarta with a key that has all scopes.
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// A new workspace that `change` has changed, with a key that has all scopes.
    pub(crate) async fn with(change: impl FnOnce(&mut Workspace)) -> Self {
        let (clock, randomness) = (Clock::manual(NOW), Randomness::seeded(1));
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("k.db").display());
        let vault = Vault::new(MasterKeys::from(&MasterKey::generate()));
        let store = Store::open(&url, vault, SchemaPolicy::Migrate)
            .await
            .unwrap()
            .with_randomness(randomness.clone());
        let mut workspace = Workspace {
            id: id::workspace(NOW, &mut randomness.rng()),
            name: "Toko Uji".into(),
            plan: "pro".into(),
            requests_per_minute: None,
            leads_per_day: None,
            timezone: "Asia/Jakarta".into(),
            currency: "IDR".into(),
            language: "id".into(),
            date_format: "DD/MM/YYYY".into(),
            tracking_code: id::tracking_code(&mut randomness.rng()),
            name_index: NameIndex::On,
            created_at: NOW,
        };
        change(&mut workspace);
        store.create_workspace(&workspace).await.unwrap();
        let tenant = store.tenant(&workspace).await.unwrap();
        let key = ApiKey::generate(&mut randomness.rng());
        let spec = Spec::builtin().clone();
        let scopes = spec.scopes().iter();
        let stored = StoredKey {
            id: key.id().to_owned(),
            workspace_id: workspace.id,
            name: "test".into(),
            secret_hash: tenant.keys().api_key_hash(&key).to_vec(),
            scopes: scopes.map(|scope| scope.name.clone()).collect(),
            ip_allow: Vec::new(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            created_at: NOW,
        };
        store.create_api_key(&stored).await.unwrap();
        let settings = Settings::default();
        let state = AppState::new(settings, spec, store, clock.clone(), randomness).unwrap();
        Self {
            clock,
            state,
            key,
            _folder: folder,
        }
    }

    /// The whole reply of an operation, as formatted JSON. Cursors are omitted, because they are sealed and differ
    /// every time.
    pub(crate) async fn call(&self, id: OperationId, sent: Sent) -> String {
        let mut answer = self.answer(id, sent).await;
        if let Some(Value::String(cursor)) = answer.pointer_mut("/pagination/nextCursor") {
            *cursor = "(a cursor)".to_owned();
        }
        serde_json::to_string_pretty(&answer).unwrap()
    }

    /// The data of an operation that succeeds.
    pub(crate) async fn data(&self, id: OperationId, sent: Sent) -> Value {
        let mut answer = self.answer(id, sent).await;
        assert_eq!(answer["success"], true, "{answer}");
        answer["data"].take()
    }

    /// Creates a lead.
    pub(crate) async fn lead(&self, fields: Value) -> Value {
        self.data(OperationId::LeadsCreate, body(fields)).await
    }

    /// Creates four leads of two campaigns, two of which are conversions.
    pub(crate) async fn sample_leads(&self) {
        for (status, campaign, value) in [
            ("new", "Brand", 0),
            ("contacted", "Brand", 0),
            ("won", "Promo Januari", 5_000_000),
            ("won", "Promo Januari", 2_500_000),
        ] {
            self.lead(json!({
                "firstName": "Budi", "status": status, "actualValue": value, "campaignName": campaign,
            }))
            .await;
        }
    }

    /// The whole reply of an operation, with its cursor.
    pub(crate) async fn answer(&self, id: OperationId, sent: Sent) -> Value {
        match self.try_call(id, sent).await {
            Ok(answer) => answer,
            Err(error) => json!({
                "success": false,
                "code": error.code(),
                "message": error.message(),
                "details": error.details(),
                "retryAfter": error.retry_after(),
            }),
        }
    }

    async fn try_call(&self, id: OperationId, sent: Sent) -> Result<Value, Error> {
        let state = &self.state;
        let address = [192, 0, 2, 1].into();
        let origin = Origin {
            peer: address,
            client: Some(address),
        };
        let exchange = Exchange::begin(state, id.as_str());
        let key = exchange.check_key(Some(&self.key.text()), origin)?;
        let Admitted {
            caller,
            deadline,
            permit: _permit,
        } = exchange.admit(&key, origin).await?;
        let reply = pipeline::call(state, caller, &endpoint(id), deadline, || {
            Ok::<_, Error>(sent)
        })
        .await?;
        Ok(serde_json::to_value(&reply).unwrap())
    }
}

fn endpoint(id: OperationId) -> Endpoint {
    let actions = operations::actions(Spec::builtin()).unwrap();
    let endpoints = actions.into_iter().filter_map(|action| match action {
        Action::Call(endpoint) => Some(endpoint),
        Action::Guide { .. } => None,
    });
    let mut found = endpoints.filter(|endpoint| endpoint.id == id);
    found.next().unwrap()
}

/// Empty input.
pub(crate) fn nothing() -> Sent {
    Sent::default()
}

/// Input with a body.
pub(crate) fn body(body: Value) -> Sent {
    Sent {
        body: Some(body),
        ..Sent::default()
    }
}

/// Input with query parameters.
pub(crate) fn query(parameters: Value) -> Sent {
    Sent {
        query: object(parameters),
        ..Sent::default()
    }
}

/// Input with the path parameter `id`, and with a body if there is one.
pub(crate) fn at(reference: &str, body: Option<Value>) -> Sent {
    Sent {
        path: object(json!({"id": reference})),
        body,
        ..Sent::default()
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other} is no object"),
    }
}
