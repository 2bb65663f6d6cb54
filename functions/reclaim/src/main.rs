//! FunctionGraph function `reclaim`: woken by a spot notice, orders replacements and lets instances drain.

use std::process::ExitCode;

use flexus_autoscaler::functiongraph::start;
use flexus_autoscaler::handlers::reclaim;

fn main() -> ExitCode {
    start(reclaim::service)
}
