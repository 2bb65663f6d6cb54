//! Times of the day that need more, again and again.

use super::{Advice, Confidence, Recommendation, Study};

/// Days that must have been seen.
const LEAST_DAYS: usize = 3;
/// Share of the variance between hours that the time of the day must explain.
const LEAST_EXPLAINED: f64 = 0.6;
/// An hour that needs this many times what is usual is a time of more load.
const MUCH: f64 = 1.5;
/// Share of the days whose need is met.
const MOST_DAYS: f64 = 0.9;

pub(super) fn recommend(study: &Study<'_>) -> Vec<Recommendation> {
    // Most instances needed in each hour, by hour of the day, one value a day.
    let mut by_hour: [Vec<f64>; 24] = Default::default();
    let mut hour: Option<(i64, u32)> = None;
    for line in &study.ledger.lines {
        let number = line.minute.0.div_euclid(60);
        match &mut hour {
            Some((known, most)) if *known == number => *most = (*most).max(line.needed),
            _ => {
                note(&mut by_hour, hour);
                hour = Some((number, line.needed));
            }
        }
    }
    note(&mut by_hour, hour);
    let days = by_hour.iter().map(Vec::len).min().unwrap_or_default();
    let explained = explained(&by_hour);
    if days < LEAST_DAYS || explained < LEAST_EXPLAINED {
        return Vec::new();
    }
    let need: Vec<f64> = by_hour
        .iter_mut()
        .map(|values| {
            values.sort_unstable_by(f64::total_cmp);
            super::quantile(values, MOST_DAYS).unwrap_or_default()
        })
        .collect();
    let mut sorted = need.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let usual = super::quantile(&sorted, 0.5).unwrap_or_default().max(1.0);
    let confidence = if days >= 7 { study.confidence() } else { study.confidence().min(Confidence::Medium) };
    busy_spells(&need, MUCH * usual)
        .into_iter()
        .map(|(from, length, most)| Recommendation {
            advice: Advice::Schedule {
                from_hour: from as u32,
                until_hour: ((from + length) % 24) as u32,
                instances: most as u32,
                otherwise: usual as u32,
                days,
            },
            saving_per_month: None,
            confidence,
        })
        .collect()
}

fn note(by_hour: &mut [Vec<f64>; 24], hour: Option<(i64, u32)>) {
    if let Some((number, most)) = hour {
        by_hour[number.rem_euclid(24) as usize].push(f64::from(most));
    }
}

/// Share of the variance that the hour of the day explains.
fn explained(by_hour: &[Vec<f64>; 24]) -> f64 {
    let all: Vec<f64> = by_hour.iter().flatten().copied().collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let overall = mean(&all);
    let total: f64 = all.iter().map(|value| (value - overall).powi(2)).sum();
    let between: f64 = by_hour.iter().map(|values| values.len() as f64 * (mean(values) - overall).powi(2)).sum();
    if total > 0.0 { between / total } else { 0.0 }
}

/// Stretches of hours that need at least `much`: the first hour, how many, and the most that one of them needs. A stretch
/// over midnight is one.
fn busy_spells(need: &[f64], much: f64) -> Vec<(usize, usize, f64)> {
    let hours = need.len();
    let is_busy = |hour: usize| need[hour % hours] >= much;
    let mut spells = Vec::new();
    for first in (0..hours).filter(|hour| is_busy(*hour) && !is_busy(hour + hours - 1)) {
        let length = (0..hours).take_while(|step| is_busy(first + step)).count();
        let most = (0..length).map(|step| need[(first + step) % hours]).fold(0.0, f64::max);
        spells.push((first, length, most));
    }
    spells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_spell_over_midnight_is_one() {
        let mut need = vec![2.0; 24];
        for hour in [23, 0, 1, 9, 10] {
            need[hour] = 8.0;
        }
        need[0] = 9.0;
        assert_eq!(busy_spells(&need, 3.0), [(9, 2, 8.0), (23, 3, 9.0)]);
        assert_eq!(busy_spells(&[2.0; 24], 3.0), []);
    }

    #[test]
    fn the_hour_explains_all_or_nothing() {
        let alike: [Vec<f64>; 24] = std::array::from_fn(|hour| vec![hour as f64; 3]);
        assert!((explained(&alike) - 1.0).abs() < 1e-12);
        let unlike: [Vec<f64>; 24] = std::array::from_fn(|_| vec![1.0, 5.0, 9.0]);
        assert!(explained(&unlike) < 1e-12);
    }
}
