//! `GET /leads`

mod cursors;
mod filters;
mod order;
mod periods;
mod search;
