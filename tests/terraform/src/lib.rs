//! Judges the Terraform module offline, with the real `terraform`.
//!
//! `terraform` takes a provider that is already running from `TF_REATTACH_PROVIDERS` and then asks neither registry nor
//! lock file. [`provider::Provider`] is such a provider: it serves the schema of the real one and answers its
//! `Validate…` calls out of [`constraints`] (what the real provider checks, and what its documents say but it doesn't
//! check) and [`rules`] (what only the API or this project knows). `validate` and `test` with `mock_provider` need no
//! other call.
//!
//! The schema is data of the provider's authors and not part of this project: the folder that holds it is named by
//! `FLEXUS_TERRAFORM_SCHEMA` and has `huaweicloud-schema.json`, `huaweicloud-constraints.json`,
//! `fgs-trigger-event-data.json` and `oracle/`.

pub mod constraints;
pub mod protocol;
pub mod provider;
pub mod rules;
pub mod schema;
pub mod terraform;
pub mod value;
