//! From a caller to a reply, whatever door the request came through.
//!
//! A door (HTTP; another protocol beside it) reads what arrived into values and does three things here, in this order:
//! [`check_key`] before it reads a body, [`admit`] for the caller and its turn, and [`call`] for the reply.

mod admission;
mod call;
mod deadline;

pub(crate) use admission::{Admitted, Seen, admit, check_key};
pub(crate) use call::call;
pub(crate) use deadline::before;
