//! The program `konektor-server`.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// It gives memory back after thousands of connections have gone, by threads of its own; the system's allocator keeps it.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    konektor_server::commands::main()
}
