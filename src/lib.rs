//! Keeps a group of Huawei Cloud Flexus X / ECS instances at the cheapest size that still holds its service level.
//!
//! The pure core ([`model`], [`forecast`], [`queueing`], [`engine`], [`replay`], [`cost`], [`tune`]) does no I/O, reads no clock and no
//! environment and draws no unseeded random numbers: the same code decides in a function, in a replay of a year and in a
//! test. [`clients`] speak to the outside, [`state`] keeps what must survive, [`handlers`] orchestrate.
//! `ARCHITECTURE.md` walks through one evaluation.

#[cfg(feature = "cli")]
pub mod cli;
pub mod clients;
pub mod config;
pub mod cost;
pub mod engine;
pub mod fleet;
pub mod forecast;
pub mod functiongraph;
pub mod handlers;
#[cfg(feature = "local")]
pub mod local;
pub mod model;
pub mod observe;
pub mod queueing;
pub mod records;
pub mod replay;
pub mod state;
pub mod tune;
