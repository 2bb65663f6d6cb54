//! Candidate policies, search, and the gate that a candidate must pass. Pure.
