//! The checks before every operation: key, address, plan, rate limit, scope and body.

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
