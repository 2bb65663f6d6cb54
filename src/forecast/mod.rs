//! What demand will be, as distributions: never a bare line.
//!
//! [`online`] is the short forecast that the engine sizes by, updated every minute at a constant cost. [`mod@paths`] is the
//! next day for people. `docs/forecasting.md` tells what was tried and what it gave.

pub mod clean;
pub mod conformal;
pub mod extremes;
pub mod features;
pub mod history;
pub mod online;
pub mod packed;
pub mod paths;
pub mod quick;
pub mod regression;
pub mod scale;
pub mod score;
pub mod season;
pub mod shape;

pub use self::paths::{PathModel, Paths, Request, paths};
