//! What demand will be, as distributions: never a bare line.

pub mod extremes;
pub mod features;
pub mod history;
pub mod online;
pub mod packed;
pub mod regression;
pub mod scale;
pub mod shape;
