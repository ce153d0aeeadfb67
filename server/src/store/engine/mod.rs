//! The two database engines. Queries of the store reach the drivers only through here.
//!
//! One SQL text with `$1`, `$2` … serves both wherever they agree. Values are text, bigint, double and bytes, so times
//! are milliseconds and flags 0 or 1. Columns are read by their position. Both drivers keep statements prepared.

mod connection;
mod kind;
mod pool;
mod query;
mod row;
mod source;
mod target;
mod time_limit;
mod transaction;

pub use self::{connection::Connection, kind::Engine};

pub(super) use self::{
    connection::Driver,
    pool::{Pool, is_starting},
    query::{Parameters, Query, Value, query, raw},
    row::{Columns, Row},
    target::Target,
};
