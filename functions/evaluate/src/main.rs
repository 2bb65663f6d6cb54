//! FunctionGraph function `evaluate`.

fn main() {}
