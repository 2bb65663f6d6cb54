//! What must survive between invocations, on an object store: snapshot, records, history, policy versions.
