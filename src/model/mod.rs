//! Plain data: what a group is, what was seen of it, what was decided. Serde types with no behaviour beyond invariants.

mod decision;
mod endpoints;
mod group;
mod hold;
mod minute;
mod record;
mod sample;
mod schedule;
mod signal;

pub use decision::*;
pub use endpoints::Endpoints;
pub use group::*;
pub use hold::{Hold, Order};
pub use minute::Minute;
pub use record::*;
pub use sample::{Capacity, Sample};
pub use schedule::{CronPattern, Occurrence, Schedule, ScheduleError, StartTime, TimeZone};
pub use signal::*;
