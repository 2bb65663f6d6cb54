//! The command line of flexus-autoscaler.

fn main() -> std::process::ExitCode {
    flexus_autoscaler::cli::main()
}
