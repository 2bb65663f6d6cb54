//! Demand seen, cleaned and foretold: quantiles, never a bare line. Pure.
