//! The command line of flexus-autoscaler.

fn main() {}
