//! FunctionGraph function `alarm`: woken by Cloud Eye through SMN, raises a group at once.

use std::process::ExitCode;

use flexus_autoscaler::functiongraph::start;
use flexus_autoscaler::handlers::alarm;

fn main() -> ExitCode {
    start(alarm::service)
}
