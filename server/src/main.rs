//! The program `konektor-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    konektor_server::commands::main()
}
