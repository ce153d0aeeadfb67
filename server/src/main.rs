//! The program `konektor-server`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// It gives memory back after thousands of connections have gone, which the system's keeps.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    konektor_server::commands::main()
}
