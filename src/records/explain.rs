//! A decision told as a person would tell it, and decided again from its record.

use super::{ActionOutcome, Decision};
use crate::engine::guardrails;
use crate::model::Mode;

/// The decision in sentences, most important first.
pub fn sentences(decision: &Decision) -> Vec<String> {
    let mut told = vec![headline(decision)];
    let lead = decision.seen.lead_minutes;
    told.push(match decision.seen.newest {
        Some(minute) => format!("The newest metrics are of {minute}; a new instance serves after {lead} min."),
        None => format!("There are no metrics yet; a new instance serves after {lead} min."),
    });
    for (signal, value) in &decision.seen.signals {
        told.push(format!("{signal} was {} at {}.", rounded(value.value), value.minute));
    }
    for (signal, why) in &decision.seen.missing {
        told.push(format!("{signal} cannot be used: {why}."));
    }
    told.extend(decision.proposal.evidence.sentences());
    told.extend(decision.guardrails.iter().map(step));
    for pool in &decision.plan {
        told.push(format!("Pool {}: {} -> {} ({}).", pool.pool, pool.current, pool.target, pool.why));
    }
    for action in &decision.actions {
        told.push(match &action.outcome {
            ActionOutcome::Done => format!("{}: {}, done.", action.pool, action.request),
            ActionOutcome::Withheld(why) => format!("{}: {}, not asked ({why}).", action.pool, action.request),
            ActionOutcome::Failed(why) => format!("{}: {}, failed: {why}.", action.pool, action.request),
        });
    }
    told.extend(decision.problems.iter().map(|problem| format!("Problem: {problem}.")));
    told
}

/// What a guardrail did, in one sentence.
pub(super) fn step(step: &guardrails::Step) -> String {
    format!("{}: {} became {}: {}.", rule_name(step.rule), step.from, step.to, step.why)
}

/// The decision in one sentence.
pub fn headline(decision: &Decision) -> String {
    let current = decision.guardrail_inputs.current;
    let target = decision.target;
    let what = match target.cmp(&current) {
        std::cmp::Ordering::Greater => format!("Grow from {current} to {target} instances"),
        std::cmp::Ordering::Less => format!("Shrink from {current} to {target} instances"),
        std::cmp::Ordering::Equal => format!("Keep {current} instances"),
    };
    let how = match (decision.dry_run, decision.mode) {
        (true, _) => " (dry run: nothing was changed)",
        (false, Mode::Observe) => " (observe: nothing was changed)",
        (false, Mode::Act) => "",
    };
    format!("{what}{how}.")
}

/// The decision and its weightiest reason.
pub fn summary(decision: &Decision) -> String {
    let reason = match decision.guardrails.last() {
        Some(step) => Some(format!("{}: {}.", rule_name(step.rule), step.why)),
        None => decision.proposal.evidence.sentences().pop(),
    };
    [Some(headline(decision)), reason].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Decides again from the record alone.
///
/// # Errors
/// Says where the record contradicts itself.
pub fn check(decision: &Decision) -> Result<(), String> {
    let proposed = decision.proposal.evidence.target();
    if proposed != decision.proposal.target {
        return Err(format!("the evidence gives {proposed}, the record says {}", decision.proposal.target));
    }
    let (target, steps) = guardrails::apply(&decision.guardrail_inputs);
    if target != decision.target || steps != decision.guardrails {
        return Err(format!("the guardrails give {target}, the record says {}", decision.target));
    }
    Ok(())
}

fn rule_name(rule: guardrails::Rule) -> &'static str {
    match rule {
        guardrails::Rule::DoubtfulMetrics => "Doubtful metrics never shrink a group",
        guardrails::Rule::Cooldown => "Rest after a change",
        guardrails::Rule::FlapSafety => "Flap safety",
        guardrails::Rule::StepIn => "Step limit on the way in",
        guardrails::Rule::Raise => "A call for more",
        guardrails::Rule::Schedule => "A known event",
        guardrails::Rule::StepOut => "Step limit on the way out",
        guardrails::Rule::Hold => "An order of a person",
        guardrails::Rule::Limits => "Limits",
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
