//! What the form of the document cannot express: limits that fit together, names that are unique, thresholds in order.

use std::collections::BTreeSet;

use super::{AdviserMode, Config, DeepSeek, Problem, Tuning};
use crate::model::{
    EngineKind, FleetSource, Group, Policy, Pool, Purchase, PurchaseMix, Scaling, Schedule, Signal, SignalKind,
    SignalSource, StartTime,
};

/// Most instances that a group may have.
const MOST_INSTANCES: u32 = 10_000;
/// Most tags that a template may add to those of the pool.
const MOST_TEMPLATE_TAGS: usize = 8;
/// Most schedules of a group.
const MOST_SCHEDULES: usize = 100;
/// Largest multiple of the usual load.
const MOST_MULTIPLE: f64 = 100.0;
/// Longest event: a month.
const LONGEST_EVENT_MINUTES: u32 = 31 * 1440;
/// Longest name of a group, pool or signal.
const LONGEST_NAME: usize = 64;

/// Every place that makes no sense, in the order of the document.
pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let mut report = Report::default();
    report.check(!config.region.is_empty(), "region", "is empty; give the region's name, such as cn-north-4");
    report.check(!config.project_id.is_empty(), "project_id", "is empty; give the project id of that region");
    report.check(
        config.deepseek.mode == AdviserMode::Off || config.deepseek.api_key.is_some(),
        "deepseek.api_key",
        "is missing; name an environment variable {\"env\": …} or a secret {\"csms\": …}, or set deepseek.mode to off",
    );
    report.check(
        config.otlp.as_ref().is_none_or(|otlp| matches!(otlp.url.scheme(), "http" | "https")),
        "otlp.url",
        "must be an http or https address, such as https://collector.example.com:4318",
    );
    report.budget(&config.deepseek);
    report.tuning(&config.tuning);
    let mut names = BTreeSet::new();
    let mut fleets = BTreeSet::new();
    for (index, group) in config.groups.iter().enumerate() {
        let path = format!("groups[{index}]");
        report.name(&format!("{path}.name"), &group.name, &mut names);
        report.group(&path, group);
        for (pool_index, pool) in group.pools.iter().enumerate() {
            report.check(
                fleets.insert(fleet_identity(pool)),
                &format!("{path}.pools[{pool_index}].fleet"),
                "is used by another pool; each pool needs its own scaling group or tag value",
            );
        }
    }
    report.0
}

fn fleet_identity(pool: &Pool) -> String {
    match &pool.fleet {
        FleetSource::AsGroup(source) => format!("as {}", source.scaling_group_id),
        FleetSource::Ecs(source) => format!("ecs {}={}", source.tag.key, source.tag.value),
    }
}

#[derive(Default)]
struct Report(Vec<Problem>);

impl Report {
    fn check(&mut self, holds: bool, path: &str, message: &str) {
        if !holds {
            self.0.push(Problem { path: path.to_owned(), message: message.to_owned() });
        }
    }

    fn name(&mut self, path: &str, name: &str, taken: &mut BTreeSet<String>) {
        let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
        self.check(
            !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(allowed),
            path,
            "must be 1 to 64 letters, digits, - or _",
        );
        self.check(taken.insert(name.to_owned()), path, "is used twice; names must differ");
    }

    fn budget(&mut self, deepseek: &DeepSeek) {
        self.check(
            deepseek.daily_cost.is_none_or(|cost| cost.is_finite() && cost >= 0.0),
            "deepseek.daily_cost",
            "must be 0 or more; leave it out for no limit",
        );
        let prices = [
            ("prompt_per_million", deepseek.prices.prompt_per_million),
            ("cached_prompt_per_million", deepseek.prices.cached_prompt_per_million),
            ("completion_per_million", deepseek.prices.completion_per_million),
        ];
        for (name, price) in prices {
            self.check(price.is_finite() && price >= 0.0, &format!("deepseek.prices.{name}"), "must be 0 or more");
        }
    }

    fn tuning(&mut self, tuning: &Tuning) {
        self.check((2..=60).contains(&tuning.days), "tuning.days", "must be 2 to 60");
        self.check(
            (1..=10_000).contains(&tuning.shadow_evaluations),
            "tuning.shadow_evaluations",
            "must be 1 to 10000",
        );
        self.check(tuning.bake_hours <= 720, "tuning.bake_hours", "must be 0 to 720 hours");
    }

    fn group(&mut self, path: &str, group: &Group) {
        self.scaling(&format!("{path}.scaling"), &group.scaling);
        self.check(!group.pools.is_empty(), &format!("{path}.pools"), "is empty; a group needs at least one pool");
        let mut names = BTreeSet::new();
        for (index, pool) in group.pools.iter().enumerate() {
            let path = format!("{path}.pools[{index}]");
            self.name(&format!("{path}.name"), &pool.name, &mut names);
            self.pool(&path, pool);
        }
        self.check(
            !group.signals.is_empty(),
            &format!("{path}.signals"),
            "is empty; a group needs at least one signal",
        );
        names.clear();
        for (index, signal) in group.signals.iter().enumerate() {
            let path = format!("{path}.signals[{index}]");
            self.name(&format!("{path}.name"), &signal.name, &mut names);
            self.signal(&path, signal);
        }
        self.policy(&format!("{path}.policy"), &group.policy, &group.signals);
        self.purchase(&format!("{path}.purchase"), &group.purchase, &group.pools);
        let at_most = format!("must be at most {MOST_SCHEDULES}");
        self.check(group.schedules.len() <= MOST_SCHEDULES, &format!("{path}.schedules"), &at_most);
        names.clear();
        for (index, schedule) in group.schedules.iter().enumerate() {
            let path = format!("{path}.schedules[{index}]");
            self.name(&format!("{path}.name"), &schedule.name, &mut names);
            self.schedule(&path, schedule, group);
        }
    }

    fn scaling(&mut self, path: &str, scaling: &Scaling) {
        self.check(
            scaling.min_instances <= scaling.max_instances,
            &format!("{path}.min_instances"),
            &format!("is {}, above max_instances {}", scaling.min_instances, scaling.max_instances),
        );
        self.check(
            (1..=MOST_INSTANCES).contains(&scaling.max_instances),
            &format!("{path}.max_instances"),
            "must be 1 to 10000",
        );
        self.check(
            scaling.check_interval >= 60 && scaling.check_interval.is_multiple_of(60) && scaling.check_interval <= 3600,
            &format!("{path}.check_interval"),
            "must be whole minutes: 60, 120 … 3600",
        );
        self.check(
            scaling.cooldown_period.is_none_or(|seconds| seconds <= 86_400),
            &format!("{path}.cooldown_period"),
            "must be 0 to 86400 seconds",
        );
        self.check(
            scaling.lead_time_seconds.is_none_or(|seconds| seconds <= 7200),
            &format!("{path}.lead_time_seconds"),
            "must be 0 to 7200 seconds",
        );
        self.check(
            scaling.metric_delay_minutes.is_none_or(|minutes| minutes <= 30),
            &format!("{path}.metric_delay_minutes"),
            "must be 0 to 30 minutes",
        );
        for (name, step) in [("max_step_out", scaling.max_step_out), ("max_step_in", scaling.max_step_in)] {
            self.check(step != Some(0), &format!("{path}.{name}"), "must be at least 1; leave it out for no limit");
        }
    }

    fn pool(&mut self, path: &str, pool: &Pool) {
        self.check(
            pool.price_per_hour.is_finite() && pool.price_per_hour >= 0.0,
            &format!("{path}.price_per_hour"),
            "must be 0 or more",
        );
        self.check(
            pool.max_instances.is_none_or(|most| pool.min_instances <= most),
            &format!("{path}.min_instances"),
            "is above the pool's max_instances",
        );
        match &pool.fleet {
            FleetSource::AsGroup(source) => self.check(
                is_identifier(&source.scaling_group_id),
                &format!("{path}.fleet.as_group.scaling_group_id"),
                "must be the id of a scaling group: letters, digits and -",
            ),
            FleetSource::Ecs(source) => {
                let path = format!("{path}.fleet.ecs");
                self.check(
                    !source.tag.key.is_empty() && !source.tag.value.is_empty(),
                    &format!("{path}.tag"),
                    "needs a key and a value; they mark the servers that belong to this pool",
                );
                self.check(
                    !source.instance_template.flavors.is_empty(),
                    &format!("{path}.instance_template.flavors"),
                    "is empty; name at least one flavor, such as x1.2u.4g",
                );
                self.check(
                    source.instance_template.tags.len() <= MOST_TEMPLATE_TAGS,
                    &format!("{path}.instance_template.tags"),
                    "must be at most 8; a server has at most ten, and two mark it as ours",
                );
                self.check(
                    source.load_balancer_pool_id.is_none() || source.instance_template.protocol_port.is_some(),
                    &format!("{path}.instance_template.protocol_port"),
                    "is missing; give the port that the load balancer sends to",
                );
            }
        }
    }

    fn signal(&mut self, path: &str, signal: &Signal) {
        let demand_only = signal.kind == SignalKind::RatePerSecond;
        for (name, threshold) in [("scale_out", signal.scale_out), ("scale_in", signal.scale_in)] {
            let path = format!("{path}.{name}");
            self.check(
                threshold.is_some() || demand_only,
                &path,
                "is missing; only a rate_per_second may go without thresholds",
            );
            self.check(threshold.is_none_or(|value| value.is_finite() && value >= 0.0), &path, "must be 0 or more");
            let share = matches!(signal.kind, SignalKind::Utilisation | SignalKind::Percent);
            self.check(
                !share || threshold.is_none_or(|value| value <= 100.0),
                &path,
                "is a share in per cent and must not be above 100",
            );
        }
        if let (Some(out), Some(into)) = (signal.scale_out, signal.scale_in) {
            self.check(into < out, &format!("{path}.scale_in"), &format!("is {into}, not below scale_out {out}"));
        }
        self.check(
            signal.weight.is_none_or(|weight| weight.is_finite() && (0.0..=1.0).contains(&weight)),
            &format!("{path}.weight"),
            "must be 0 to 1",
        );
        self.check(signal.duration <= 86_400, &format!("{path}.duration"), "must be 0 to 86400 seconds");
        match &signal.source {
            SignalSource::CloudEye(source) => {
                let path = format!("{path}.source.cloud_eye");
                self.check(
                    source.per.is_some() || !source.dimensions.is_empty(),
                    &format!("{path}.dimensions"),
                    "is missing; give dimensions, or \"per\": \"instance\"",
                );
                self.check(source.dimensions.len() <= 4, &format!("{path}.dimensions"), "must be at most 4");
                self.check(
                    matches!(source.period_seconds(), 60 | 300 | 1200 | 3600),
                    &format!("{path}.period"),
                    "must be 60, 300, 1200 or 3600 seconds",
                );
            }
            SignalSource::Redis(source) => {
                let keys = [&source.list, &source.stream, &source.sorted_set];
                self.check(
                    keys.iter().filter(|key| key.is_some()).count() == 1,
                    &format!("{path}.source.redis"),
                    "needs exactly one of list, stream, sorted_set",
                );
            }
            SignalSource::Prometheus(source) => {
                self.check(!source.query.is_empty(), &format!("{path}.source.prometheus.query"), "is empty");
            }
            SignalSource::HttpJson(source) => self.check(
                source.pointer.is_empty() || source.pointer.starts_with('/'),
                &format!("{path}.source.http_json.pointer"),
                "must be a JSON pointer: /queue/length",
            ),
        }
    }

    fn policy(&mut self, path: &str, policy: &Policy, signals: &[Signal]) {
        self.check(
            policy.violation_price.is_finite() && policy.violation_price > 0.0,
            &format!("{path}.violation_price"),
            "must be above 0; 20 is a good start",
        );
        self.check(
            policy.target_utilisation > 0.0 && policy.target_utilisation <= 100.0,
            &format!("{path}.target_utilisation"),
            "must be above 0 and at most 100 per cent",
        );
        self.check(
            policy.instance_capacity.is_none_or(|capacity| capacity.is_finite() && capacity > 0.0),
            &format!("{path}.instance_capacity"),
            "must be above 0; leave it out to have it learnt",
        );
        self.check(
            policy.slo_ms.is_finite() && policy.slo_ms > 0.0,
            &format!("{path}.slo_ms"),
            "must be above 0 milliseconds",
        );
        self.check(
            policy.service_ms > 0.0 && policy.service_ms < policy.slo_ms,
            &format!("{path}.service_ms"),
            "must be above 0 and below slo_ms",
        );
        let has = |kind| signals.iter().any(|signal| signal.kind == kind);
        match (&policy.target_signal, policy.engine) {
            (Some(name), _) => self.check(
                signals.iter().any(|signal| &signal.name == name),
                &format!("{path}.target_signal"),
                &format!("names no signal of this group: {name}"),
            ),
            (None, EngineKind::TargetTracking | EngineKind::Predictive) => self.check(
                has(SignalKind::Utilisation),
                &format!("{path}.engine"),
                "needs a signal of kind utilisation",
            ),
            (None, EngineKind::WeightedScore) => {}
        }
        self.check(
            policy.engine != EngineKind::WeightedScore
                || signals.iter().any(|signal| signal.weight.is_some_and(|weight| weight > 0.0)),
            &format!("{path}.engine"),
            "weighted_score needs at least one signal with a weight",
        );
    }

    fn purchase(&mut self, path: &str, purchase: &PurchaseMix, pools: &[Pool]) {
        self.check((0.0..=1.0).contains(&purchase.spot_share), &format!("{path}.spot_share"), "must be 0 to 1");
        self.check(
            purchase.budget_per_hour.is_none_or(|budget| budget.is_finite() && budget > 0.0),
            &format!("{path}.budget_per_hour"),
            "must be above 0; leave it out for no limit",
        );
        self.check(
            purchase.on_demand_base == 0 || pools.iter().any(|pool| pool.purchase == Purchase::OnDemand),
            &format!("{path}.on_demand_base"),
            "needs an on_demand pool",
        );
    }

    fn schedule(&mut self, path: &str, schedule: &Schedule, group: &Group) {
        self.check(schedule.at.is_some() != schedule.cron.is_some(), path, "needs either at or cron");
        let zone = schedule.time_zone;
        let offset_given = matches!(schedule.at, Some(StartTime::Instant(_)));
        self.check(
            zone.is_some() || offset_given,
            &format!("{path}.time_zone"),
            "is missing; name the zone whose clock is meant, such as Asia/Shanghai",
        );
        if let (Some(at), Some(zone)) = (schedule.at, zone) {
            match at.instant(zone.rules()) {
                None => self.check(
                    false,
                    &format!("{path}.at"),
                    &format!("does not exist: clocks of {zone} skip that time; give a later one"),
                ),
                Some(instant) => self.check(
                    instant.naive_local() == instant.with_timezone(&zone.rules()).naive_local(),
                    &format!("{path}.at"),
                    &format!("has another offset than {zone} at that time; leave out the one or the other"),
                ),
            }
        }
        self.check(
            (1..=LONGEST_EVENT_MINUTES).contains(&schedule.duration_minutes),
            &format!("{path}.duration_minutes"),
            "must be 1 to 44640: at most 31 days",
        );
        self.check(
            schedule.min_instances.is_some() || schedule.expected_multiple.is_some(),
            path,
            "asks for nothing; give min_instances, expected_multiple, or both",
        );
        let most = group.scaling.max_instances;
        self.check(
            schedule.min_instances.is_none_or(|least| (1..=most).contains(&least)),
            &format!("{path}.min_instances"),
            &format!("must be 1 to the group's max_instances, {most}"),
        );
        let multiple = format!("{path}.expected_multiple");
        self.check(
            schedule.expected_multiple.is_none_or(|multiple| multiple > 1.0 && multiple <= MOST_MULTIPLE),
            &multiple,
            "must be above 1 and at most 100; a schedule only raises",
        );
        self.check(
            schedule.expected_multiple.is_none()
                || group.load_signal().is_some_and(|(_, signal)| signal.kind == SignalKind::Utilisation),
            &multiple,
            "needs a signal of kind utilisation, from which the usual load is known; give min_instances instead",
        );
    }
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '-')
}
