//! The local region: the cloud's APIs and an object store on 127.0.0.1, around a simulated group on virtual time.
//!
//! A driver (the `local` command, a test) makes a [`Region`], serves it, and lets minutes pass over it:
//!
//! ```no_run
//! # async fn play() -> std::io::Result<()> {
//! use std::net::{Ipv4Addr, SocketAddr};
//! use std::sync::Arc;
//!
//! use flexus_autoscaler::local::{Region, RegionSettings, WorkloadSettings, serve};
//! use flexus_autoscaler::queueing::ServiceModel;
//!
//! let workload = WorkloadSettings::on_auto_scaling("inference", ServiceModel::new(10.0, 120), 4, 1, 100);
//! let region = Arc::new(Region::new(RegionSettings { workloads: vec![workload], ..RegionSettings::default() }));
//! let server = serve(Arc::clone(&region), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
//! for load_per_second in [21.0, 24.0, 30.0] {
//!     // Here the functions are invoked; they find the region at `server.url()`.
//!     region.play_minute(&[load_per_second]);
//! }
//! println!("{:?}", region.outcomes(0));
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it answers
//!
//! | service | operations |
//! | --- | --- |
//! | Auto Scaling | groups (list, show, update, enable, disable), instances (list, batch actions, remove), activity log v2, lifecycle hooks with callback, policies v1 |
//! | Cloud Eye | metric data (single, batch, one metric of a namespace), list of metrics, custom metrics, alarm rules v2 |
//! | ECS | create (v1, v1.1), delete, start, stop, details (v1, v1.1), tags, query by tags, jobs, flavors, sell policies, limits |
//! | ELB | members of a pool (list, add, show, update, batch update, remove) |
//! | FunctionGraph | invocations, synchronous and asynchronous |
//! | SMN, CSMS, IAM, CTS | publish; show secret version; projects, domains; key-event notifications |
//! | DeepSeek | chat completions from a script, list of models |
//!
//! Every call must be signed with one of the region's keys, and names the region's project in its path. Errors have the
//! shape of their service.
//!
//! # Where the documents leave a choice
//!
//! - `current_instance_number` leaves out what is still joining. Setting a number works while the group is scaling.
//! - An instance on standby isn't counted in the group's number; removing one lowers it.
//! - A server is built within its first minute; it serves after the lead time. A job is done after one minute.
//! - Metrics with the period of their raw step keep their full precision; rolled-up ones are cut as the cloud cuts them.
//! - A metric's newest point is that of the minute before the clock's, less the delay. What was written through the API can
//!   be read at once.
//! - A group whose spot servers were taken back starts others, as soon as there is room.
//! - The layout of a key-event notification's message is not documented: it is the trace as it stands.
//!
//! One module a service. [`store`] is the object store, [`RuntimeApi`] the side of FunctionGraph that a function sees.
//! [`Faults`] decides what goes wrong.

mod activity;
mod alarms;
mod auto_scaling;
mod calls;
mod cloud_eye;
mod custom_metrics;
mod ecs;
mod elb;
mod errors;
mod events;
mod fault_table;
mod faults;
mod function_graph;
mod identifiers;
mod instance;
mod jobs;
mod language_model;
mod lifecycle_hooks;
mod market;
mod metrics;
pub mod play;
mod region;
mod runtime_api;
mod scaling_group;
mod scaling_policy;
mod server;
mod settings;
mod side_services;
mod signature;
mod spot_trace;
#[cfg(test)]
mod staging;
mod state;
pub mod store;
#[cfg(test)]
mod tests;

pub use calls::Calls;
pub use errors::Service;
pub use events::{EventTrigger, PublishedMessage, RegionEvent};
pub use fault_table::{FaultTable, PointFault};
pub use faults::{Call, Fault, Faults, LaunchFault, LaunchRequest, MetricRead, NoFaults};
pub use identifiers::identifier;
pub use language_model::{ModelAnswer, bad_answers};
pub use metrics::DEMO_NAMESPACE;
pub use region::Region;
pub use runtime_api::{InvocationResult, InvocationStatus, RuntimeApi};
pub use server::{ServerHandle, serve};
pub use settings::{AsGroupSettings, FlavorSettings, PoolSettings, RegionSettings, TaggedSettings, WorkloadSettings};
pub use spot_trace::{SpotTrace, SpotTraceError};
pub use state::PlayedMinute;
