//! `GET /leads`

mod cursors;
mod filters;
mod many;
mod order;
mod periods;
mod search;
