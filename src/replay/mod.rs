//! The same engines driven over a recorded trace by a simulated group with virtual time.

pub mod group;
mod signals;

pub use self::signals::{sample, standard_signals};
