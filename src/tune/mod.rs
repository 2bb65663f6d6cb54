//! It gets better by itself: candidates for a group's policy, and the gate that replay is. Pure: load, time and seeds are
//! arguments.
//!
//! Candidates come from search near the policy in force, from the other engines, from the founding article's threshold
//! optimiser, and from the adviser ([`advice`]). All are chosen on the earlier days of the group's own load and must then
//! pass the [`gate`] on the later ones; [`course`] takes what has passed over shadow and canary into effect, and back.

pub mod course;
pub mod gate;
mod ground;
mod ledger;
pub mod optimiser;
mod player;
mod random;
mod round;
mod search;
pub mod space;
mod stress;
mod tuned;

pub use self::ground::Ground;
pub use self::ledger::Ledger;
pub use self::player::{GroupPlayer, SignalModel};
pub use self::round::{Candidate, Judged, Round, round, version};
pub use self::search::{Effort, search};
pub use self::tuned::{Adviser, Told, Tuned};

#[cfg(test)]
mod tests;
