//! How often each operation of each service was called.

use std::collections::BTreeMap;

use super::errors::Service;

/// Calls by service and operation. An operation is its method and path pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls(BTreeMap<(Service, String), u64>);

impl Calls {
    pub(super) fn count(&mut self, service: Service, operation: String) {
        *self.0.entry((service, operation)).or_default() += 1;
    }

    /// All calls of all services.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// All calls of one service.
    pub fn of(&self, service: Service) -> u64 {
        self.0.iter().filter(|((known, _), _)| *known == service).map(|(_, count)| count).sum()
    }

    /// Service, operation, number of calls, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (Service, &str, u64)> {
        self.0.iter().map(|((service, operation), &count)| (*service, operation.as_str(), count))
    }
}
