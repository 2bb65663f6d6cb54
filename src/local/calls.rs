//! How often each operation of each service was called, and refused.

use std::collections::BTreeMap;

use super::errors::Service;

/// Calls by service and operation. An operation is its method and path pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    made: BTreeMap<(Service, String), u64>,
    refused: BTreeMap<Service, u64>,
}

impl Calls {
    pub(super) fn count(&mut self, service: Service, operation: String) {
        *self.made.entry((service, operation)).or_default() += 1;
    }

    pub(super) fn count_refusal(&mut self, service: Service) {
        *self.refused.entry(service).or_default() += 1;
    }

    /// Calls of one service that were answered with an error.
    pub fn refused(&self, service: Service) -> u64 {
        self.refused.get(&service).copied().unwrap_or_default()
    }

    /// All calls of all services.
    pub fn total(&self) -> u64 {
        self.made.values().sum()
    }

    /// All calls of one service.
    pub fn of(&self, service: Service) -> u64 {
        self.made.iter().filter(|((known, _), _)| *known == service).map(|(_, count)| count).sum()
    }

    /// Service, operation, number of calls, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (Service, &str, u64)> {
        self.made.iter().map(|((service, operation), &count)| (*service, operation.as_str(), count))
    }
}
