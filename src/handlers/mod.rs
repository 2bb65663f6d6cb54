//! Orchestration: from an event to a decision that is carried out and recorded.

pub mod alarm;
#[cfg(feature = "console")]
pub mod console;
pub mod evaluate;
mod failed;
pub mod history;
#[cfg_attr(not(feature = "console"), allow(dead_code))]
mod measures;
mod messages;
#[cfg(all(test, feature = "local"))]
mod races;
mod raising;
pub mod reclaim;
mod serve;
mod settings;
pub mod tune;
pub mod weekly;
mod workplace;

pub use failed::Failed;
pub use messages::Ignored;
pub use settings::{Clock, ConfigLocation, Settings, SettingsError};
pub use workplace::{Workplace, WorkplaceError};
