//! A group's configuration as people may see it.

use url::Url;

use crate::model::{FleetSource, Group, SignalSource};

const HIDDEN: &str = "redacted";

/// The group without what may hold a secret: logins in addresses, and start-up scripts.
pub(super) fn without_secrets(group: &Group) -> Group {
    let mut group = group.clone();
    for signal in &mut group.signals {
        match &mut signal.source {
            SignalSource::CloudEye(_) => {}
            SignalSource::Prometheus(source) => hide_login(&mut source.url),
            SignalSource::Redis(source) => hide_login(&mut source.url),
            SignalSource::HttpJson(source) => hide_login(&mut source.url),
        }
    }
    for pool in &mut group.pools {
        if let FleetSource::Ecs(source) = &mut pool.fleet
            && let Some(script) = &mut source.instance_template.user_data
        {
            HIDDEN.clone_into(script);
        }
    }
    group
}

fn hide_login(url: &mut Url) {
    // Fails only for addresses that cannot hold a login in the first place.
    if !url.username().is_empty() {
        let _ = url.set_username(HIDDEN);
    }
    if url.password().is_some() {
        let _ = url.set_password(Some(HIDDEN));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn logins_in_addresses_and_start_up_scripts_are_hidden() {
        let template = json!({
            "flavors": ["f"], "image_id": "i", "vpc_id": "v", "subnet_id": "s", "user_data": "export KEY=planted",
        });
        let ecs = json!({"tag": {"key": "k", "value": "v"}, "instance_template": template});
        let redis =
            |url: &str| json!({"name": "q", "kind": "queue_length", "source": {"redis": {"url": url, "list": "q"}}});
        let group: Group = serde_json::from_value(json!({
            "name": "a",
            "pools": [{"name": "p", "purchase": "spot", "price_per_hour": 1.0, "fleet": {"ecs": ecs}}],
            "signals": [redis("redis://me:planted@h:1/2"), redis("redis://h:1/2")],
        }))
        .unwrap();
        let shown = serde_json::to_string(&without_secrets(&group)).unwrap();
        assert!(!shown.contains("planted"), "{shown}");
        assert!(shown.contains("redis://redacted:redacted@h:1/2") && shown.contains("redis://h:1/2"), "{shown}");
    }
}
