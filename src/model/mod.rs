//! Plain data: what a group is, what was seen of it, what was decided. Serde types with no behaviour beyond invariants.

mod advice;
mod decision;
mod endpoints;
mod group;
mod history;
mod hold;
mod live_figures;
mod minute;
mod policy_version;
mod record;
mod sample;
mod schedule;
mod signal;
mod tunables;

pub use advice::*;
pub use decision::*;
pub use endpoints::Endpoints;
pub use group::*;
pub use history::*;
pub use hold::{Hold, Order};
pub use live_figures::{LiveFigures, Watch};
pub use minute::Minute;
pub use policy_version::*;
pub use record::*;
pub use sample::{Capacity, Sample};
pub use schedule::{CronPattern, Occurrence, Schedule, ScheduleError, StartTime, TimeZone};
pub use signal::*;
pub use tunables::{Thresholds, Tunables, basis};
