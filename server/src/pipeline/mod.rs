//! From a key to a reply, independent of the protocol that a request came by.
//!
//! A protocol such as HTTP begins an [`Exchange`] for each request. In [`Exchange::run`], which turns a panic into an
//! error, it calls [`Exchange::check_key`] before it reads the body, [`Exchange::admit`] for the caller, and [`call`] for
//! the reply. At the end it logs the answer.

mod admission;
mod call;
mod deadline;
mod exchange;

pub(crate) use admission::Admitted;
pub(crate) use call::call;
pub(crate) use deadline::before;
pub(crate) use exchange::Exchange;
