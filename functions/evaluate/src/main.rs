//! FunctionGraph function `evaluate`: woken each minute, decides how many instances each group shall have.

use std::process::ExitCode;

use flexus_autoscaler::functiongraph::start;
use flexus_autoscaler::handlers::evaluate;

fn main() -> ExitCode {
    start(evaluate::service)
}
