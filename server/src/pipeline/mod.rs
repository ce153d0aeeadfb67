//! From a key to a reply, independent of the protocol that a request came by.
//!
//! A protocol such as HTTP reads a request into values and calls, in this order: [`check_key`] before it reads the body,
//! [`admit`] for the caller and its turn, and [`call`] for the reply.

mod admission;
mod call;
mod deadline;

pub(crate) use admission::{Admitted, Seen, admit, check_key};
pub(crate) use call::call;
pub(crate) use deadline::before;
