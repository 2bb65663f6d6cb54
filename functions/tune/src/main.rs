//! FunctionGraph function `tune`: woken by a timer, looks for better policies and lets replay judge them.

use std::process::ExitCode;

use flexus_autoscaler::functiongraph::start;
use flexus_autoscaler::handlers::tune;

fn main() -> ExitCode {
    start(tune::service)
}
