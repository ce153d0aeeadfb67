//! `konektor`: Konektor's Agent API from a terminal.

fn main() -> std::process::ExitCode {
    konektor_cli::main()
}
