//! What DeepSeek answers: refused in words, or a candidate that stays within the bounds, however hostile it is.
//!
//! An input that begins with `@` is the whole body of the HTTP answer, any other is the content of a well-formed one.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use flexus_autoscaler::clients::deepseek::{DeepSeek, Message, Role};
use flexus_autoscaler::clients::in_process::InProcess;
use flexus_autoscaler::clients::{Backoff, Secret, Transport};
use flexus_autoscaler::config::Config;
use flexus_autoscaler::model::{Group, Tunables};
use flexus_autoscaler::tune::advice::{MOST_STEP, candidate, hear};
use flexus_autoscaler::tune::space::{Parameter, check, parameters};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

static EXECUTOR: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("an executor"));
static GROUP: LazyLock<Group> = LazyLock::new(|| {
    let text = include_bytes!("../../src/cli/local/article.json");
    Config::parse(text).expect("a good configuration").groups.remove(0)
});

/// Says the same whatever it is asked.
#[derive(Debug)]
struct Same(Vec<u8>);

#[async_trait::async_trait]
impl InProcess for Same {
    async fn answer(&self, _: reqwest::Request) -> (u16, Vec<u8>) {
        (200, self.0.clone())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let body = match bytes {
        [b'@', body @ ..] => body.to_vec(),
        content => {
            let message = json!({"role": "assistant", "content": String::from_utf8_lossy(content)});
            json!({"model": "m", "choices": [{"message": message, "finish_reason": "stop"}]}).to_string().into_bytes()
        }
    };
    let twice = Backoff { first: Duration::ZERO, longest: Duration::ZERO, tries: 2 };
    let answered = EXECUTOR.block_on(async {
        let deadline = Instant::now() + Duration::from_secs(60);
        let transport = Transport::in_process(Arc::new(Same(body)), deadline).with_backoff(twice);
        let base = "https://api.deepseek.com".parse().expect("an address");
        let adviser = DeepSeek::new(transport, &base, Secret::new("made-up"), "deepseek-flash", true);
        let question = [Message { role: Role::User, content: "json {}".to_owned() }];
        adviser.ask(&question, 2_000).await
    });
    let usage = match &answered {
        Ok(reply) => reply.usage,
        Err(error) => error.usage,
    };
    assert!(usage.total_tokens() >= usage.prompt_tokens);
    let (group, before) = (&*GROUP, Tunables::of(&GROUP));
    let heard = match answered.map(|reply| hear(&reply.content, &before, group)) {
        Ok(Ok(heard)) => heard,
        Ok(Err(why)) => return assert!(!why.is_empty() && why.chars().count() <= 400, "{why}"),
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let Some(candidate) = candidate(&heard, &before, group) else { return };
    assert_eq!(candidate.tunables.engine, before.engine);
    assert_eq!(check(&candidate.tunables, group), Ok(()));
    for parameter in parameters(group, before.engine) {
        let of = |tunables: &Tunables| parameter.of(tunables).expect("a parameter of this group");
        let (was, is) = (of(&before), of(&candidate.tunables));
        let named = heard.changes.iter().any(|change| change.parameter == parameter.name);
        // Weights are brought to their old sum, and what lies too near to the threshold for growth gives way to it.
        let follows = parameter.name.ends_with(".weight") || parameter.name.ends_with(".scale_in");
        assert!(named || follows || was == is, "{}: {was} became {is}", parameter.name);
        if !follows {
            let rounding = if parameter.name.ends_with("duration") || parameter.name.ends_with("period") { 30.0 } else { 0.01 };
            assert!((is - was).abs() <= MOST_STEP * was.abs() + rounding, "{}: {was} became {is}", parameter.name);
            assert!((parameter.least..=parameter.most).contains(&is), "{}: {is}", parameter.name);
        }
    }
    assert!(!parameters(group, before.engine).iter().filter(|known| !Parameter::is_number(known)).any(|switch| {
        switch.of(&before) != switch.of(&candidate.tunables)
    }));
});
