//! `config preset`: signals for the usual servers, to be put into a group.
//!
//! Names of metrics are those of the servers' own documents: vLLM (usage/metrics), SGLang (references/production_metrics),
//! NVIDIA's dcgm-exporter, Huawei's npu-exporter, Cloud Eye's agent, ELB and AS.

use clap::ValueEnum;
use serde_json::{Value, json};
use url::Url;

use super::super::{CliError, print};
use super::placeholders::PLACEHOLDER;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Which one. Without it: the list.
    #[arg(value_enum)]
    preset: Option<Preset>,
    /// Base address of the server that speaks Prometheus' HTTP API.
    #[arg(long, value_name = "URL")]
    prometheus: Option<Url>,
    /// Id of the load balancer (ELB).
    #[arg(long, value_name = "ID")]
    load_balancer: Option<String>,
    /// Id of the Auto Scaling group.
    #[arg(long, value_name = "ID")]
    scaling_group: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Preset {
    /// vLLM by Prometheus: waiting requests, KV cache, tokens per second, time to first token.
    Vllm,
    /// SGLang by Prometheus: the same.
    Sglang,
    /// NVIDIA GPUs by dcgm-exporter and Prometheus, load by ELB.
    Gpu,
    /// GPUs of an Auto Scaling group by Cloud Eye's agent, every five minutes; load by ELB.
    GpuCloudEye,
    /// Ascend NPUs by npu-exporter and Prometheus, load by ELB.
    Npu,
    /// A web service: CPU by the agent, load by ELB, errors by Prometheus.
    Web,
}

impl Preset {
    fn signals(self) -> &'static str {
        match self {
            Self::Vllm => include_str!("presets/vllm.json"),
            Self::Sglang => include_str!("presets/sglang.json"),
            Self::Gpu => include_str!("presets/gpu.json"),
            Self::GpuCloudEye => include_str!("presets/gpu-cloud-eye.json"),
            Self::Npu => include_str!("presets/npu.json"),
            Self::Web => include_str!("presets/web.json"),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let Some(preset) = arguments.preset else { return print(&list()) };
    let signals = signals(preset, arguments)?;
    print(&format!("{:#}\n", json!({ "signals": signals })))
}

fn list() -> String {
    let line = |preset: &Preset| {
        let value = preset.to_possible_value()?;
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        Some(format!("{:<14} {help}\n", value.get_name()))
    };
    Preset::value_variants().iter().filter_map(line).collect()
}

/// The preset's signals, with the addresses and ids that are given.
fn signals(preset: Preset, arguments: &Arguments) -> Result<Value, CliError> {
    let mut signals: Value = serde_json::from_str(preset.signals()).map_err(CliError::failed)?;
    for signal in signals.as_array_mut().into_iter().flatten() {
        let source = &mut signal["source"];
        if let (Some(url), Some(address)) = (&arguments.prometheus, source.pointer_mut("/prometheus/url")) {
            *address = json!(url);
        }
        for (id, place) in [
            (&arguments.load_balancer, "/cloud_eye/dimensions/lbaas_instance_id"),
            (&arguments.scaling_group, "/cloud_eye/dimensions/AutoScalingGroup"),
        ] {
            if let (Some(id), Some(value)) = (id, source.pointer_mut(place).filter(|value| *value == PLACEHOLDER)) {
                *value = json!(id);
            }
        }
    }
    Ok(signals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn arguments(preset: Preset) -> Arguments {
        Arguments {
            preset: Some(preset),
            prometheus: "http://10.0.0.9:9090/".parse().ok(),
            load_balancer: Some("lb-1".to_owned()),
            scaling_group: Some("group-1".to_owned()),
        }
    }

    #[test]
    fn every_preset_is_part_of_a_good_configuration_and_leaves_nothing_to_fill_in() {
        for &preset in Preset::value_variants() {
            let signals = signals(preset, &arguments(preset)).unwrap();
            assert!(
                !signals.to_string().contains(PLACEHOLDER) && !signals.to_string().contains("example"),
                "{signals}"
            );
            for engine in ["predictive", "weighted_score"] {
                let document = json!({
                    "region": "cn-north-4", "project_id": "p",
                    "groups": [{
                        "name": "inference", "signals": signals, "policy": {"engine": engine},
                        "pools": [{"name": "base", "purchase": "on_demand", "price_per_hour": 1.0,
                                   "fleet": {"as_group": {"scaling_group_id": "a"}}}],
                    }],
                });
                if let Err(error) = Config::parse(document.to_string().as_bytes()) {
                    panic!("{preset:?}: {error}");
                }
            }
        }
    }

    #[test]
    fn the_list_names_every_preset() {
        let list = list();
        assert_eq!(list.lines().count(), Preset::value_variants().len());
        assert!(list.contains("gpu-cloud-eye"), "{list}");
    }
}
