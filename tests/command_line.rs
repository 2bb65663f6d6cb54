//! The command line as a newcomer meets it: mistakes are told in a line that says how to mend them, and end with 2.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flexus-autoscaler"))
        .args(arguments)
        .env_remove("AUTOSCALER_STORE")
        .env_remove("HUAWEICLOUD_SDK_AK")
        .output()
        .expect("the command starts")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn mistakes_are_told_with_their_mend_and_end_with_two() {
    let folder = tempfile::tempdir().unwrap();
    let nonsense = folder.path().join("nonsense.json");
    std::fs::write(&nonsense, "nonsense").unwrap();
    let nonsense = nonsense.to_str().unwrap();
    let empty = folder.path().join("empty.json");
    std::fs::write(&empty, "{}").unwrap();
    let newer = folder.path().join("newer.json");
    std::fs::write(&newer, "{\"schema\": 99}").unwrap();
    let timer = concat!(env!("CARGO_MANIFEST_DIR"), "/events/timer.json");
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/events/manual-evaluate.json");
    for (arguments, mend) in [
        (&["replya"][..], "replay"),
        (&["explain", nonsense], "records lie under groups/<group>/records/"),
        (&["explain", "nowhere.json"], "nowhere.json"),
        (&["config", "check", nonsense], "is not JSON"),
        (&["config", "check", empty.to_str().unwrap()], "region"),
        (&["config", "preset", "mainframe"], "vllm"),
        (&["local", "--column", "load"], "--trace"),
        (&["local", "--port", "9000"], "--serve"),
        (&["local", "--trace", "nowhere.csv"], "nowhere.csv"),
        (&["replay", "--policy", "magic"], "predictive"),
        (&["replay", "--policy", "hpa@hot"], "no number above 0"),
        (&["replay", "--format", "xml"], "html"),
        (&["replay", "--policy", "hpa@500"], "above 0, at most 100"),
        (&["replay", "--lead", "-5"], "-5 is not in 0..=86400"),
        (&["replay", "--days", "-5"], "a whole number of 0 or more is needed"),
        (&["replay", "--mean-instances", "-5"], "a number above 0 is needed"),
        (&["replay", "--jobs", "10000"], "10000 is not in 0..=512"),
        (&["local", "--lead", "999999"], "999999 is not in 0..=86400"),
        (&["explain"], "--store"),
        (&["explain", newer.to_str().unwrap()], "schema 99 is newer than 1"),
        (&["invoke", "nothing", nonsense], "evaluate"),
        (&["invoke", "evaluate", nonsense], "flexus-autoscaler: the event is not JSON"),
        (&["invoke", "alarm", timer], "flexus-autoscaler: alarm is woken by an SMN notification"),
        (&["invoke", "tune", manual], "{\"action\": \"tune\"}"),
        (&["invoke", "evaluate", timer, "--timeout", "0"], "0 is not in 1..=86400"),
        (&["invoke", "evaluate", timer, "--config", nonsense], "is not JSON"),
        (&["invoke", "evaluate", timer], "HUAWEICLOUD_SDK_AK"),
        (&["doctor", "--config", nonsense], "is not JSON"),
        (&["doctor"], "HUAWEICLOUD_SDK_AK"),
        (&["history", "compact", "--keep-days", "13"], "13 is not in 14..=400"),
        (&["completions", "tcl"], "bash"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", told(&output));
        assert!(told(&output).contains(mend), "{arguments:?}: {}", told(&output));
        assert!(output.stdout.is_empty() && !told(&output).contains("panicked"), "{arguments:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_named_with_the_option_that_chooses_another() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&["local", "--hours", "1", "--serve", "--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains(&format!("port {port}")) && told(&output).contains("--port"), "{}", told(&output));
}

#[test]
fn the_exports_that_a_served_region_prints_let_our_own_commands_find_it() {
    let free = |port: &u16| (0..3).all(|more| TcpListener::bind(("127.0.0.1", port + more)).is_ok());
    let port = (20_000..60_000).step_by(7).skip(std::process::id() as usize % 5_000).find(free).unwrap();
    let mut serving = Command::new(env!("CARGO_BIN_EXE_flexus-autoscaler"))
        .args(["local", "--hours", "1", "--serve", "--port", &port.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let lines = BufReader::new(serving.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut variables = Vec::new();
    for line in lines {
        let export = line.strip_prefix("export ").and_then(|export| export.split_once('='));
        variables.extend(export.map(|(name, value)| (name.to_owned(), value.to_owned())));
        if line.starts_with("export HUAWEICLOUD_SDK_SK") {
            break;
        }
    }
    let explained = Command::new(env!("CARGO_BIN_EXE_flexus-autoscaler"))
        .arg("explain")
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("the command starts");
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert_eq!(variables.len(), 5, "{variables:?}");
    assert!(explained.status.success(), "{}", told(&explained));
    assert!(printed(&explained).starts_with("inference at "), "{}", printed(&explained));
}

#[test]
fn what_is_wrong_with_a_configuration_is_told_to_programs_as_one_document() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let mut config: Value = serde_json::from_str(include_str!("../src/cli/local/demo.json")).unwrap();
    let check = |config: &Value| {
        std::fs::write(&file, config.to_string()).unwrap();
        let output = run(&["config", "check", file.to_str().unwrap(), "--format", "json"]);
        (output.status.code(), serde_json::from_slice::<Value>(&output.stdout).expect("one document"))
    };
    let (code, told) = check(&config);
    assert_eq!((code, &told["problems"]), (Some(0), &serde_json::json!([])));
    assert_eq!(told["warnings"], serde_json::json!([]));
    config["groups"][0]["scaling"]["max_instances"] = 0.into();
    let (code, told) = check(&config);
    assert_eq!(code, Some(2));
    assert_eq!(told["problems"][0]["path"], "groups[0].scaling.min_instances");
}

#[test]
fn completions_and_the_manual_know_every_command_and_the_help_names_the_exit_codes() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = run(&["completions", shell]);
        assert!(output.status.success() && printed(&output).contains("replay"), "{shell}");
    }
    let manual = printed(&run(&["man"]));
    assert!(manual.contains(".TH"), "{manual}");
    for command in ["LOCAL", "REPLAY", "DOCTOR", "EXPLAIN", "CONFIG", "CONFIG CHECK", "TUNE APPROVE"] {
        assert!(manual.contains(&format!("COMMAND {command}")), "{command}");
    }
    assert!(printed(&run(&["--help"])).contains("Exit codes: 0 done"));
}

#[test]
fn a_group_that_observes_and_an_out_that_is_a_file_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("group.json");
    let demo = include_str!("../src/cli/local/demo.json").replace("\"mode\": \"act\"", "\"mode\": \"observe\"");
    std::fs::write(&file, demo).unwrap();
    let file = file.to_str().unwrap();
    let output = run(&["local", "--hours", "1", "--config", file]);
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(told(&output).matches("observes: its fleet is not changed").count(), 1, "{}", told(&output));
    let output = run(&["local", "--hours", "1", "--out", file]);
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains(file), "{}", told(&output));
}

#[test]
fn a_run_does_not_go_on_from_what_another_has_left() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let arguments = ["local", "--hours", "1", "--quiet", "--out", out];
    assert!(run(&arguments).status.success());
    let again = run(&arguments);
    assert_eq!(again.status.code(), Some(2), "{}", told(&again));
    assert!(told(&again).contains("an earlier run has left its state"), "{}", told(&again));
}

#[test]
fn quiet_leaves_the_result_and_nothing_else() {
    let output = run(&["local", "--hours", "1", "--quiet"]);
    let text = printed(&output);
    assert!(output.status.success(), "{}", told(&output));
    assert!(text.contains("in SLO %") && !text.contains("Playing"), "{text}");
    assert!(output.stderr.is_empty(), "{}", told(&output));
}
