use crate::replay::split_mix_64;

/// Random numbers that follow from a seed alone, on every machine and for ever: evidence names the seed.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(split_mix_64(seed))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        split_mix_64(self.0)
    }

    /// From 0 to 1, 1 excluded.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 * 2f64.powi(-53)
    }

    /// From 0 to `end`, `end` excluded. 0 where there is nothing to choose from.
    pub(super) fn below(&mut self, end: usize) -> usize {
        ((self.uniform() * end as f64) as usize).min(end.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_they_fill_their_range() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            std::iter::repeat_with(|| random.uniform()).take(1000).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let numbers = draw(1);
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        assert!((numbers.iter().sum::<f64>() / 1000.0 - 0.5).abs() < 0.05);
        let mut random = Random::new(3);
        let mut seen = [false; 5];
        (0..200).for_each(|_| seen[random.below(5)] = true);
        assert!(seen.iter().all(|seen| *seen));
    }
}
