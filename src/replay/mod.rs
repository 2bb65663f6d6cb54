//! The same engines driven over a recorded trace by a simulated group with virtual time.
//!
//! [`Trace`] is a load minute by minute. An [`Arena`] is a trace under given circumstances; it plays a [`Player`], a peer
//! or a production engine behind [`EnginePlayer`], and gives a [`Row`]. A [`Contestant`] names a player and its knob, a
//! [`Report`] holds the rows of all. The group itself is played by [`crate::queueing`]; [`spot`] adds
//! purchase options.
//!
//! Nothing is kept of a replay but one latency a minute, so memory does not grow with policies, and a row follows from
//! trace, settings and policy to the bit, on however many threads.
//!
//! Where the time goes: a minute of an ordinary peer takes 75 to 100 ns (10 to 14 million minutes a second and core), of
//! which [`crate::queueing::play_minute`] with the power and the exponential of its waiting time is about 70 ns; what a peer adds is
//! the smaller part. A minute with an empty queue and enough capacity is one step counted twelve times; twelve steps are
//! played only while there is a backlog, which halves the pace. The weighted score as an engine takes some 300 ns, mostly
//! for the evidence that it writes for every decision; Crane's peer spends its time on one Fourier transform a day; the
//! predictive engine, with its bank of experts, 30 µs. `cargo bench --bench replay` gives the figures.

mod contest;
mod demo;
mod driver;
mod engine_player;
mod fleet;
pub mod history;
mod losses;
pub mod peers;
pub mod report;
mod signals;
pub mod spot;
mod trace;

pub use self::contest::{Contestant, ContestantError, contest};
pub use self::demo::{demo_day, demo_trace};
pub use self::driver::{Arena, Player, Settings, View, play};
pub use self::engine_player::EnginePlayer;
pub use self::losses::SuddenLoss;
pub use self::report::{ACTUAL, OWN, PricedScores, Report, Row, Tally};
pub use self::signals::{Metrics, sample, standard_signals};
pub(crate) use self::trace::split_mix_64;
pub use self::trace::{Recording, Trace, TraceError, Window};

#[cfg(test)]
mod tests;
