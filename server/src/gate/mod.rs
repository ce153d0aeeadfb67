//! Decides who may call an operation: by key, address, plan, rate limit and scope.

pub(crate) mod concurrency_limit;
mod last_used;
mod rate_limit;
mod recognised;

use std::{net::IpAddr, num::NonZeroU32};

use ipnet::IpNet;
use konektor_spec::Spec;

pub use last_used::LastUsed;
pub use rate_limit::{Buckets, RateState, Refused};
use recognised::Recognised;

use crate::{
    clock::Clock,
    domain::{
        address::{Allowlist, throttle_key},
        api_key::ApiKey,
        forwarded::{Forwarding, Origin, TrustedProxies},
        workspace::Workspace,
    },
    error::Error,
    store::{Store, StoreError, Tenant, api_keys::StoredKey},
};

/// A caller who was admitted.
pub struct Caller {
    /// The workspace the key belongs to.
    pub workspace: Workspace,
    /// The store of the workspace.
    pub tenant: Tenant,
    scopes: Vec<String>,
}

/// The owner of a valid key, not admitted yet.
pub struct Authenticated {
    key: StoredKey,
    workspace: Workspace,
    tenant: Tenant,
}

/// Whether a request is admitted.
pub struct Admission {
    /// The caller, or why the request is refused.
    pub caller: Result<Caller, Error>,
    /// The state of the workspace's rate limit, if it has counted the request.
    pub rate: Option<RateState>,
}

/// The gate before all operations that need a key.
pub struct Gate {
    clock: Clock,
    proxies: TrustedProxies,
    last_used: LastUsed,
    recognised: Recognised,
    failures: Buckets<IpNet>,
    requests: Buckets<String>,
    failures_per_minute: NonZeroU32,
}

impl Gate {
    /// A gate with the limits of this document, behind these proxies.
    #[must_use]
    pub fn new(spec: &Spec, clock: Clock, proxies: TrustedProxies) -> Self {
        let failures = spec.limits().failed_authentications_per_minute;
        Self {
            failures: Buckets::new(clock.clone()),
            requests: Buckets::new(clock.clone()),
            clock,
            proxies,
            last_used: LastUsed::default(),
            recognised: Recognised::default(),
            failures_per_minute: NonZeroU32::new(failures).unwrap_or(NonZeroU32::MIN),
        }
    }

    /// The origin of a request from this peer.
    #[must_use]
    pub fn origin(&self, peer: IpAddr, forwarding: &Forwarding) -> Origin {
        self.proxies.origin(peer, forwarding)
    }

    /// The times of the last use of keys that are not stored yet.
    #[must_use]
    pub fn last_used(&self) -> &LastUsed {
        &self.last_used
    }

    /// How many more authentications may fail from this origin.
    #[must_use]
    pub fn throttle(&self, origin: Origin) -> RateState {
        self.failures
            .peek(&throttle_key(origin.counted()), self.failures_per_minute)
    }

    /// Parses the key of a request, without the database.
    ///
    /// # Errors
    /// If there is no well-formed key, or too many authentications failed from this origin.
    pub fn parse_key(&self, presented: Option<&str>, origin: Origin) -> Result<ApiKey, Error> {
        presented
            .and_then(ApiKey::parse)
            .ok_or_else(|| self.failed(origin))
    }

    /// Whether a key was valid when it was last presented.
    #[must_use]
    pub fn recognises(&self, key: &ApiKey) -> bool {
        self.recognised.contains(key)
    }

    /// Whether this address has used up its failed authentications.
    #[must_use]
    pub fn is_suspect(&self, origin: Origin) -> bool {
        self.throttle(origin).remaining == 0
    }

    /// Looks up the owner of a key.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] if no workspace has this key, or the error of the throttle.
    pub async fn authenticate(
        &self,
        store: &Store,
        key: &ApiKey,
        origin: Origin,
    ) -> Result<Authenticated, Error> {
        let found = self.look_up(store, key).await?;
        self.recognised.note(key, found.is_some());
        found.ok_or_else(|| self.failed(origin))
    }

    /// Admits a request or refuses it: because of its address, a plan without the API, or too many requests.
    pub fn admit(&self, spec: &Spec, authenticated: Authenticated, origin: Origin) -> Admission {
        let Authenticated {
            key,
            workspace,
            tenant,
        } = authenticated;
        self.last_used.note(&key.id, self.clock.now());
        let limit =
            check_address(&key, origin).and_then(|()| requests_per_minute(spec, &workspace));
        let limit = match limit {
            Ok(limit) => limit,
            Err(error) => {
                return Admission {
                    caller: Err(error),
                    rate: None,
                };
            }
        };
        match self.requests.take(&workspace.id, limit) {
            Ok(state) => Admission {
                caller: Ok(Caller {
                    workspace,
                    tenant,
                    scopes: key.scopes,
                }),
                rate: Some(state),
            },
            Err(refused) => Admission {
                caller: Err(Error::RateLimited {
                    message: format!(
                        "The workspace may send {limit} requests a minute; {}",
                        again_in(refused.retry_after)
                    ),
                    retry_after: refused.retry_after,
                }),
                rate: Some(refused.state),
            },
        }
    }

    async fn look_up(
        &self,
        store: &Store,
        presented: &ApiKey,
    ) -> Result<Option<Authenticated>, Error> {
        // Constant time: an unknown id is verified against the next key's secret.
        let Some(found) = store.nearest_api_key(presented.id()).await? else {
            return Ok(None);
        };
        let (key, workspace) = (found.key, found.workspace);
        let known = key.id == presented.id();
        let tenant = match found.tenant {
            Ok(tenant) => tenant,
            // An unavailable database does not make a key invalid.
            Err(error) if known || matches!(error, StoreError::Unavailable(_)) => {
                return Err(error.into());
            }
            // An error of the next key's workspace does not concern the caller.
            Err(_) => return Ok(None),
        };
        let verified = tenant.keys().verify_api_key(presented, &key.secret_hash);
        let now = self.clock.now();
        let ended = key.revoked_at.is_some() || key.expires_at.is_some_and(|end| end <= now);
        Ok((verified && known && !ended).then_some(Authenticated {
            key,
            workspace,
            tenant,
        }))
    }

    fn failed(&self, origin: Origin) -> Error {
        match self
            .failures
            .take(&throttle_key(origin.counted()), self.failures_per_minute)
        {
            Ok(_) => Error::Unauthorized,
            Err(refused) => Error::RateLimited {
                message: format!(
                    "Too many failed authentications from this address; {}",
                    again_in(refused.retry_after)
                ),
                retry_after: refused.retry_after,
            },
        }
    }
}

impl Authenticated {
    /// The scopes of the key, separated by spaces.
    #[must_use]
    pub fn scopes(&self) -> String {
        self.key.scopes.join(" ")
    }

    /// The workspace of the key.
    #[must_use]
    pub fn workspace_id(&self) -> &str {
        &self.workspace.id
    }
}

impl Caller {
    /// Refuses a key without this scope.
    pub fn check_scope(&self, scope: &str) -> Result<(), Error> {
        if self.scopes.iter().any(|own| own == scope) {
            Ok(())
        } else {
            Err(Error::Forbidden(format!("The key lacks the scope {scope}")))
        }
    }
}

fn check_address(key: &StoredKey, origin: Origin) -> Result<(), Error> {
    // Fail closed: an unreadable list or an unknown address is refused.
    let permitted = Allowlist::parse(&key.ip_allow).is_ok_and(|list| match origin.client {
        Some(client) => list.permits(client),
        None => list.is_empty(),
    });
    if permitted {
        Ok(())
    } else {
        Err(Error::Forbidden(
            "The key may not be used from this address".into(),
        ))
    }
}

fn requests_per_minute(spec: &Spec, workspace: &Workspace) -> Result<NonZeroU32, Error> {
    let of_plan = spec.requests_per_minute(&workspace.plan);
    of_plan
        .map(|of_plan| workspace.requests_per_minute.unwrap_or(of_plan))
        .and_then(NonZeroU32::new)
        .ok_or_else(|| Error::Forbidden(format!("The plan {} has no Agent API", workspace.plan)))
}

fn again_in(seconds: u64) -> String {
    format!(
        "try again in {seconds} second{}",
        if seconds == 1 { "" } else { "s" }
    )
}
