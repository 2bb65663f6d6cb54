//! The same engines driven over a recorded trace by a simulated group with virtual time.

mod contest;
mod demo;
mod driver;
mod engine_player;
pub mod group;
pub mod peers;
pub mod report;
mod signals;
mod trace;

pub use self::contest::{Contestant, ContestantError, contest};
pub use self::demo::{demo_day, demo_trace};
pub use self::driver::{Arena, Player, Settings, View, play};
pub use self::engine_player::EnginePlayer;
pub use self::report::{PricedScores, Report, Row, Tally};
pub use self::signals::{Metrics, sample, standard_signals};
pub use self::trace::{Recording, Trace, TraceError, Window};

#[cfg(test)]
mod tests;
