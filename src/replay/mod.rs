//! The same engines driven over a recorded trace by a simulated group with virtual time.

pub mod group;
