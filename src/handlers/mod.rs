//! Orchestration: from an event to a decision that is carried out and recorded.

#[cfg(feature = "console")]
pub mod console;
pub mod evaluate;
mod settings;
mod workplace;

pub use settings::{Clock, ConfigLocation, Settings, SettingsError};
pub use workplace::{Workplace, WorkplaceError};
