//! FunctionGraph function `console`: answers requests of the API gateway.

use std::process::ExitCode;

use flexus_autoscaler::functiongraph::start;
use flexus_autoscaler::handlers::console;

fn main() -> ExitCode {
    start(console::service)
}
