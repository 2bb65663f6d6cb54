//! What an error code of an order means for the next one. Codes: the ECS API's table of error codes.

/// What has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// This flavor in this zone; others may do.
    Here,
    /// The pool as a whole: quota, balance, a right, or an order that cannot be right anywhere.
    Everywhere,
    /// Nothing: the same was ordered before with other particulars, by another invocation.
    MadeBefore,
}

/// Reads the code of an order that was refused, or whose job failed.
pub(super) fn failed_order(code: Option<&str>) -> Failed {
    match code {
        // Sold out, offline, no such flavor, disk type sold out, spot block not offered, no capacity, bid below market.
        Some("Ecs.0018" | "Ecs.0019" | "Ecs.0029" | "Ecs.0044" | "Ecs.0076" | "Ecs.0077" | "Ecs.0319" | "Ecs.0703") => {
            Failed::Here
        }
        // Creation failed without a word why: more often than not it is the place.
        Some("Ecs.0204" | "Ecs.0219") | None => Failed::Here,
        Some("Ecs.0122") => Failed::MadeBefore,
        Some(_) => Failed::Everywhere,
    }
}

/// Whether the quota of servers is used up, which leaves room for a smaller order.
pub(super) fn is_quota(code: Option<&str>) -> bool {
    code == Some("Ecs.0001")
}

/// Whether a deletion was refused for one of its servers: gone already, locked, or in a state that forbids it.
pub(super) fn is_about_one_server(code: Option<&str>) -> bool {
    matches!(code, Some("Ecs.0100" | "Ecs.0114" | "Ecs.0605"))
}
