//! What the cases of a set come to, and whether that is enough.

use super::traces::Set;

/// From here on a case counts as lost to a peer.
const LOST: f64 = 1.02;
/// Largest gap to the best peer's share of work in SLO.
const WIDEST_SLO_GAP: f64 = 0.10;

/// One trace, lead and price.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) lead_seconds: u32,
    pub(super) price: f64,
    /// J(ours) / J(best peer).
    pub(super) ratio: f64,
    /// in_slo of the best peer less ours.
    pub(super) slo_gap: f64,
}

/// What a set must come to.
pub(super) struct Floor {
    mean: f64,
    share_lost: f64,
    worst: f64,
}

impl Floor {
    /// The floor of a set, stated for headline and other traces.
    pub(super) fn of(set: Set) -> Self {
        match set {
            Set::Headline => Self { mean: 0.80, share_lost: 0.0, worst: LOST },
            Set::Others | Set::Tuning | Set::Report | Set::Windows => {
                Self { mean: 0.84, share_lost: 0.02, worst: 1.10 }
            }
        }
    }
}

/// Prints the means and whether the floor holds.
pub(super) fn summarise(set: &str, cases: &[Case], floor: Floor) -> bool {
    let mean = mean_of(cases, |_| true);
    let lost = cases.iter().filter(|case| case.ratio > LOST).count() as f64 / cases.len() as f64;
    let Some(worst) = cases.iter().max_by(|a, b| a.ratio.total_cmp(&b.ratio)) else { return false };
    let Some(widest) = cases.iter().max_by(|a, b| a.slo_gap.total_cmp(&b.slo_gap)) else { return false };
    println!("{set}: {} cases, geometric mean {mean:.4}", cases.len());
    let mut leads: Vec<u32> = cases.iter().map(|case| case.lead_seconds).collect();
    leads.sort_unstable();
    leads.dedup();
    for lead in leads {
        println!("  lead {lead} s: {:.4}", mean_of(cases, |case| case.lead_seconds == lead));
    }
    let mut prices: Vec<f64> = cases.iter().map(|case| case.price).collect();
    prices.sort_unstable_by(f64::total_cmp);
    prices.dedup();
    for price in prices {
        println!("  k = {price}: {:.4}", mean_of(cases, |case| case.price == price));
    }
    println!("  above {LOST}: {:.1} %, worst {:.3} ({})", lost * 100.0, worst.ratio, worst.name);
    println!("  in_slo at most {:.1} points below the best peer's ({})", widest.slo_gap * 100.0, widest.name);
    let holds = mean <= floor.mean
        && lost <= floor.share_lost
        && worst.ratio <= floor.worst
        && widest.slo_gap <= WIDEST_SLO_GAP;
    println!("  the floor {}", if holds { "holds" } else { "does not hold" });
    holds
}

/// Geometric mean of the ratios of the cases that `belongs` picks.
fn mean_of(cases: &[Case], belongs: impl Fn(&Case) -> bool) -> f64 {
    let picked = cases.iter().filter(|case| belongs(case)).map(|case| case.ratio.ln());
    let (sum, count) = picked.fold((0.0, 0u32), |(sum, count), ratio| (sum + ratio, count + 1));
    (sum / f64::from(count)).exp()
}
