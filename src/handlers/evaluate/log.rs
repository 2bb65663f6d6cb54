//! The one line that each decision leaves in the log. Its fields are a contract: people build alarms and dashboards on them.

use crate::model::Mode;
use crate::records::{Decision, Verdict};

/// Logs a decision.
pub(super) fn log(verdict: &Verdict, decision: &Decision) {
    tracing::info!(
        event = "decision",
        group = verdict.group,
        decision = verdict.decision,
        request_id = decision.trigger.request_id,
        trigger = decision.trigger.kind,
        policy = decision.policy,
        current = verdict.current,
        proposed = decision.proposal.target,
        decided = verdict.target,
        dry_run = decision.dry_run,
        acts = decision.mode == Mode::Act,
        guardrails = decision.guardrails.len(),
        missing = decision.seen.missing.len(),
        problems = decision.problems.len(),
        http_calls = decision.http_calls,
        duration_ms = decision.duration_ms,
        "{}",
        verdict.why
    );
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::functiongraph::lines;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(work: impl FnOnce()) -> serde_json::Map<String, serde_json::Value> {
        let memory = Memory::default();
        let writer = memory.clone();
        let subscriber = tracing_subscriber::registry().with(lines(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, work);
        let written = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 1, "{written}");
        let line: serde_json::Map<_, _> = serde_json::from_str(&written).unwrap();
        for name in line.keys().filter(|name| *name != "spans") {
            assert_eq!(
                written.split("\"spans\"").next().unwrap().matches(&format!("\"{name}\":")).count(),
                1,
                "{name} twice: {written}"
            );
        }
        line
    }

    #[test]
    fn a_decision_is_one_line_of_json_with_the_fields_that_the_guide_names() {
        let decision: Decision = serde_json::from_str(include_str!("log/decision.json")).unwrap();
        let verdict = Verdict {
            group: "web".to_owned(),
            decision: "0a1b".to_owned(),
            time: chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
            current: 4,
            target: 5,
            why: "Grow from 4 to 5 instances.".to_owned(),
            http_calls: 5,
        };
        let line = logged(|| {
            let span = tracing::info_span!("invocation", request_id = "r-1");
            let _inside = span.enter();
            log(&verdict, &decision);
        });
        assert_eq!(line["message"], "Grow from 4 to 5 instances.");
        assert_eq!(line["spans"][0]["request_id"], "r-1");
        let named = |guide: &str, field: &str| guide.contains(&format!("| `{field}` |"));
        for guide in [include_str!("../../../docs/observe.md"), include_str!("../../../docs/observe.zh-CN.md")] {
            let unnamed: Vec<_> = line.keys().filter(|field| !named(guide, field)).collect();
            assert!(unnamed.is_empty(), "{unnamed:?}");
        }
    }
}
