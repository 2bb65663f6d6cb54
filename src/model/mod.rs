//! Plain data: what a group is, what was seen of it, what was decided. Serde types with no behaviour beyond invariants.

mod endpoints;
mod group;
mod minute;
mod sample;
mod signal;

pub use endpoints::Endpoints;
pub use group::*;
pub use minute::Minute;
pub use sample::{Capacity, Sample};
pub use signal::*;
