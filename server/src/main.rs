//! The program `konektor-server`.

use std::process::ExitCode;

/// Returns memory to the system after a flood of connections; glibc's allocator keeps it.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    konektor_server::commands::main()
}
