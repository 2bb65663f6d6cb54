//! What is written down of a group: each decision with all that it follows from, calls for more, losses, orders of people;
//! and its past, a line a minute. A decision can be told from its record, and decided again, by any engine.

mod alternatives;
mod decision;
pub mod explain;
mod history;
mod record;

pub use alternatives::{Alternative, DECISIONS_SHOWN, alternatives};
pub use decision::*;
pub use history::*;
pub use record::*;
