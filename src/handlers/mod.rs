//! Orchestration: from an event to a decision that is carried out and recorded.
