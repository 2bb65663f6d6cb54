//! Plain data: what a group is, what was seen of it, what people and the adviser want. Serde types with no behaviour beyond invariants.

mod advice;
mod endpoints;
mod group;
mod hold;
mod live_figures;
mod minute;
mod policy_version;
mod sample;
mod schedule;
mod signal;
mod tunables;

pub use advice::*;
pub use endpoints::Endpoints;
pub use group::*;
pub use hold::{Hold, Order};
pub use live_figures::{LEAST_WATCHED_MINUTES, LiveFigures, Watch};
pub use minute::Minute;
pub use policy_version::*;
pub use sample::{Capacity, Sample};
pub use schedule::{CronPattern, Occurrence, Schedule, ScheduleError, StartTime, TimeZone};
pub use signal::*;
pub use tunables::{Thresholds, Tunables, basis};
