//! The harness of tests across crates: a server on a socket, with SQLite or with PostgreSQL.
//!
//! [`both_engines!`] runs a test on both. [`Server::send`] compares every answer with the API document: its status, its
//! headers and its body.

mod answer;
mod database;
mod log;
mod program;
pub mod properties;
mod server;
mod wire;

pub use answer::Answer;
pub use database::{Database, Engine};
pub use konektor_testing::{ServerProcess, Terminal};
pub use log::Statement;
pub use program::{program, serve, signal, start_server};
pub use server::{Options, Server, lead_path};
pub use wire::Wire;

/// Defines each test for both engines, as `name::sqlite` and `name::postgres`.
///
/// ```
/// konektor_tests::both_engines! {
///     async fn a_fresh_workspace_has_no_leads(server) {
///         assert_eq!(server.get("/leads").await.json["pagination"]["total"], 0);
///     }
/// }
///
/// konektor_tests::both_engines! {
///     options: konektor_tests::Options { plan: "pro".into(), ..Default::default() };
///     async fn the_plan_is_shown(server) {
///         assert_eq!(server.get("/workspace").await.data()["subscription"]["plan"], "pro");
///     }
/// }
/// ```
#[macro_export]
macro_rules! both_engines {
    (options: $options:expr; $($(#[$attribute:meta])* async fn $name:ident($server:ident) $body:block)*) => {$(
        $(#[$attribute])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn test_body($server: $crate::Server) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test_body($crate::Server::start_with($crate::Engine::Sqlite, $options).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                test_body($crate::Server::start_with($crate::Engine::Postgres, $options).await).await;
            }
        }
    )*};
    ($($tests:tt)*) => {
        $crate::both_engines! { options: $crate::Options::default(); $($tests)* }
    };
}
