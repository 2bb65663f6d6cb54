//! Instances that fit what they are used for.

use super::{Advice, Bound, Recommendation, Study, quantile};
use crate::model::{FleetSource, SignalKind};

/// Highest use of memory that is still safe, in per cent.
const SAFE_MEMORY: f64 = 80.0;
/// A resource that is used this many times as much as the other, in per cent, is used up first.
const LOPSIDED: f64 = 2.0;
/// Under this the idler resource counts as idle, in per cent.
const IDLE: f64 = 40.0;
/// Minutes with both values that a judgement needs.
const LEAST_MINUTES: usize = 360;

/// A Flexus X or ECS size: vCPUs and GiB of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size<'a> {
    family: &'a str,
    vcpus: u32,
    gib: u32,
}

impl<'a> Size<'a> {
    /// Flexus X names say both: `x1.4u.8g`.
    fn of(flavor: &'a str) -> Option<Self> {
        let mut parts = flavor.split('.');
        let (family, vcpus, gib) = (parts.next()?, parts.next()?, parts.next()?);
        let number = |text: &str, unit| text.strip_suffix(unit)?.parse().ok().filter(|number| *number > 0);
        Some(Self { family, vcpus: number(vcpus, 'u')?, gib: number(gib, 'g')? })
    }

    fn name(self) -> String {
        format!("{}.{}u.{}g", self.family, self.vcpus, self.gib)
    }
}

pub(super) fn recommend(study: &Study<'_>) -> Vec<Recommendation> {
    let group = study.group;
    let Some((_, load)) = group.load_signal() else { return Vec::new() };
    let is_memory = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("mem") && !name.contains("gpu")
    };
    let memory_signal = group
        .signals
        .iter()
        .find(|signal| signal.kind == SignalKind::Utilisation && signal.name != load.name && is_memory(&signal.name));
    let Some(memory_signal) = memory_signal else { return Vec::new() };
    let (cpus, memories) = (study.sorted(&load.name), study.sorted(&memory_signal.name));
    if cpus.len().min(memories.len()) < LEAST_MINUTES {
        return Vec::new();
    }
    let (Some(cpu), Some(memory), Some(most_memory)) =
        (quantile(&cpus, 0.95), quantile(&memories, 0.95), quantile(&memories, 0.99))
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let bound = match (cpu, memory) {
        (cpu, memory) if cpu > LOPSIDED * memory && memory < IDLE => Some(Bound::Cpu),
        (cpu, memory) if memory > LOPSIDED * cpu && cpu < IDLE => Some(Bound::Memory),
        _ => None,
    };
    if let Some(bound) = bound {
        let advice = Advice::Flavor { bound, cpu, memory };
        found.push(Recommendation { advice, saving_per_month: None, confidence: study.confidence() });
    }
    found.extend(group.pools.iter().filter_map(|pool| {
        let FleetSource::Ecs(source) = &pool.fleet else { return None };
        let size = Size::of(source.instance_template.flavors.first()?)?;
        let fitting = fitted(size, cpu, most_memory)?;
        let hours: f64 = study
            .ledger
            .lines
            .iter()
            .filter_map(|line| line.pools.get(&pool.name))
            .map(|had| f64::from(had.total()))
            .sum::<f64>()
            / 60.0;
        let saved = |vcpu: f64, gib: f64| {
            let less = |from: u32, to: u32| f64::from(from) - f64::from(to);
            hours * (less(size.vcpus, fitting.vcpus) * vcpu + less(size.gib, fitting.gib) * gib)
        };
        Some(Recommendation {
            advice: Advice::RightSize {
                pool: pool.name.clone(),
                from: size.name(),
                to: fitting.name(),
                memory: most_memory,
                cpu,
            },
            saving_per_month: study
                .terms
                .vcpu_per_hour
                .zip(study.terms.gib_per_hour)
                .map(|(vcpu, gib)| study.per_month(saved(vcpu, gib))),
            confidence: study.confidence(),
        })
    }));
    found
}

/// The size at which memory is used to the safe limit. The vCPUs stay: their use is what the number of instances is for.
fn fitted(size: Size<'_>, cpu: f64, most_memory: f64) -> Option<Size<'_>> {
    let needed = f64::from(size.gib) * most_memory / SAFE_MEMORY;
    let gib = (needed.ceil() as u32).max(1);
    // Where memory decides how many instances there are, vCPUs are idle instead.
    let vcpus = if most_memory > SAFE_MEMORY && cpu < IDLE {
        ((f64::from(size.vcpus) * cpu / IDLE).ceil() as u32).max(1)
    } else {
        size.vcpus
    };
    let fitting = Size { gib, vcpus, ..size };
    (fitting != size).then_some(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flexus_x_size_is_read_from_its_name() {
        let size = Size::of("x1.4u.8g").unwrap();
        assert_eq!((size.vcpus, size.gib, size.name().as_str()), (4, 8, "x1.4u.8g"));
        assert_eq!(Size::of("c7.large.2"), None);
        assert_eq!(Size::of("x1.0u.8g"), None);
    }

    #[test]
    fn memory_that_nobody_uses_is_given_back_and_what_is_short_is_added() {
        let size = Size::of("x1.4u.16g").unwrap();
        assert_eq!(fitted(size, 60.0, 40.0).unwrap().name(), "x1.4u.8g");
        assert_eq!(fitted(size, 60.0, 95.0).unwrap().name(), "x1.4u.19g");
        assert_eq!(fitted(size, 20.0, 95.0).unwrap().name(), "x1.2u.19g");
        assert_eq!(fitted(size, 60.0, 80.0), None);
    }
}
