//! The custom runtime's loop, the invocation context and the events that triggers send.
