//! What stands before every operation: key, address, plan, limit, scope, and the envelope of a refusal.

mod address;
mod body;
mod key;
mod limit;
mod method;
mod order;
mod plan;
mod scope;
mod tenant;
mod throttle;
