//! What the tests of several packages need: the answers of the API's document, the programs of this workspace, and a
//! terminal.
//!
//! ```
//! let answer = konektor_testing::documented("leads_get");
//! let refused = konektor_testing::failure("leads_get", 404);
//! ```
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a helper of tests fails the test that calls it"
)]

mod documented;
mod process;
#[cfg(unix)]
mod terminal;

pub use documented::{
    KEY, REQUEST_ID, answer, documented, example, failure, json, operation, query, success,
};
pub use process::{ServerProcess, program};
#[cfg(unix)]
pub use terminal::Terminal;
