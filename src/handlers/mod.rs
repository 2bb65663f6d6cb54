//! Orchestration: from an event to a decision that is carried out and recorded.

#[cfg(feature = "console")]
pub mod console;
