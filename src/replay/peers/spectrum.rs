//! The discrete Fourier transform of a history of any length.

use std::f64::consts::{PI, TAU};
use std::ops::{Add, Mul, Sub};

#[derive(Clone, Copy, Debug, Default)]
struct Complex {
    re: f64,
    im: f64,
}

impl Complex {
    fn unit(angle: f64) -> Self {
        let (im, re) = angle.sin_cos();
        Self { re, im }
    }

    fn conjugate(self) -> Self {
        Self { re: self.re, im: -self.im }
    }

    fn scale(self, factor: f64) -> Self {
        Self { re: self.re * factor, im: self.im * factor }
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }
}

/// Squared magnitude of the wave of one frequency, in cycles a sample, in a series less its mean.
pub(super) fn power_at(values: &[f64], mean: f64, cycles_per_sample: f64) -> f64 {
    let wave =
        |(index, value): (usize, &f64)| Complex::unit(-TAU * cycles_per_sample * index as f64).scale(value - mean);
    let sum = values.iter().enumerate().map(wave).fold(Complex::default(), Add::add);
    sum.re * sum.re + sum.im * sum.im
}

/// The series made of the waves that satisfy `condition`, given their frequency in cycles a sample and their amplitude in
/// the unit of the series. The mean is kept always.
pub(super) fn keep(values: &[f64], condition: impl Fn(f64, f64) -> bool) -> Vec<f64> {
    let count = values.len();
    if count == 0 {
        return Vec::new();
    }
    let mut bins = transform(&values.iter().map(|value| Complex { re: *value, im: 0.0 }).collect::<Vec<_>>());
    for (bin, value) in bins.iter_mut().enumerate().skip(1) {
        let frequency = bin.min(count - bin) as f64 / count as f64;
        let amplitude = 2.0 * value.re.hypot(value.im) / count as f64;
        if !condition(frequency, amplitude) {
            *value = Complex::default();
        }
    }
    // The inverse is the conjugate of the transform of the conjugate.
    let bins: Vec<Complex> = bins.into_iter().map(Complex::conjugate).collect();
    transform(&bins).into_iter().map(|value| value.re / count as f64).collect()
}

/// Bluestein's algorithm: a transform of any length as a convolution of a power-of-two length.
fn transform(values: &[Complex]) -> Vec<Complex> {
    let count = values.len();
    let size = (2 * count - 1).next_power_of_two();
    // The square is reduced first, for an angle of many turns loses its digits.
    let chirp: Vec<Complex> = (0..count as u64)
        .map(|index| Complex::unit(-PI * ((index * index) % (2 * count as u64)) as f64 / count as f64))
        .collect();
    let mut left = vec![Complex::default(); size];
    let mut right = vec![Complex::default(); size];
    for (index, value) in values.iter().enumerate() {
        left[index] = *value * chirp[index];
        right[index] = chirp[index].conjugate();
        if index > 0 {
            right[size - index] = chirp[index].conjugate();
        }
    }
    radix_2(&mut left);
    radix_2(&mut right);
    for (left, right) in left.iter_mut().zip(&right) {
        *left = (*left * *right).conjugate();
    }
    radix_2(&mut left);
    (0..count).map(|index| left[index].conjugate().scale(1.0 / size as f64) * chirp[index]).collect()
}

/// In place; the length is a power of two.
fn radix_2(values: &mut [Complex]) {
    let size = values.len();
    let mut reversed = 0usize;
    for index in 1..size {
        let mut bit = size >> 1;
        while reversed & bit != 0 {
            reversed ^= bit;
            bit >>= 1;
        }
        reversed |= bit;
        if index < reversed {
            values.swap(index, reversed);
        }
    }
    let mut length = 2;
    while length <= size {
        let half = length / 2;
        let twiddles: Vec<Complex> =
            (0..half).map(|index| Complex::unit(-TAU * index as f64 / length as f64)).collect();
        for block in values.chunks_exact_mut(length) {
            let (low, high) = block.split_at_mut(half);
            for ((low, high), twiddle) in low.iter_mut().zip(high).zip(&twiddles) {
                let turned = *high * *twiddle;
                (*low, *high) = (*low + turned, *low - turned);
            }
        }
        length *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeping_everything_gives_the_series_back() {
        for count in [1usize, 2, 7, 60, 360] {
            let values: Vec<f64> = (0..count).map(|index| ((index * 37) % 11) as f64).collect();
            for (kept, value) in keep(&values, |_, _| true).iter().zip(&values) {
                assert!((kept - value).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_fast_wave_is_taken_out_and_a_slow_one_stays() {
        let wave = |index: usize, period: f64| (index as f64 / period * TAU).sin();
        let values: Vec<f64> = (0..720).map(|index| 3.0 + 2.0 * wave(index, 240.0) + wave(index, 10.0)).collect();
        let slow = keep(&values, |frequency, _| frequency <= 1.0 / 60.0);
        let strong = keep(&values, |_, amplitude| amplitude > 1.5);
        for (index, (slow, strong)) in slow.iter().zip(&strong).enumerate() {
            assert!((slow - 3.0 - 2.0 * wave(index, 240.0)).abs() < 1e-9);
            assert!((slow - strong).abs() < 1e-9);
        }
    }

    #[test]
    fn the_power_of_one_frequency_is_that_of_its_bin() {
        let values: Vec<f64> = (0..100).map(|index| 1.0 + (index as f64 / 20.0 * TAU).cos()).collect();
        assert!((power_at(&values, 1.0, 0.05) - 2500.0).abs() < 1e-6);
        assert!(power_at(&values, 1.0, 0.1) < 1e-9);
    }
}
