//! How much it takes: many groups on one tick of the timer, and what one function weighs.
//!
//! The tables of `docs/scale.md` are printed by
//!
//! ```sh
//! FLEXUS_LOAD=full cargo test --release --test load scale -- --nocapture
//! scripts/package.sh && FLEXUS_PACKAGES=target/functions cargo test --release --test load footprint -- --nocapture
//! ```
#![cfg(all(feature = "local", target_os = "linux"))]

mod footprint;
#[path = "../packages/mod.rs"]
mod packages;
mod scale;
mod stage;
