//! What stands before every operation: key, address, plan, limit, scope, and the envelope of a refusal.

mod address;
mod body;
mod clock;
mod key;
mod last_used;
mod limit;
mod method;
mod order;
mod plan;
mod processes;
mod proxies;
mod scope;
mod tenants;
mod throttle;
mod timing;
