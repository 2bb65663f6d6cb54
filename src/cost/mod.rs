//! What a group costs, what is wasted, what would be cheaper. Pure.
