//! The console's API against its own OpenAPI document: schemathesis makes requests of it, good ones and bad ones, and looks
//! whether every answer is one that the document promises.
//!
//! Needs Python 3 with `venv`; schemathesis is installed once into the target directory. Where there is no Python the test
//! says so and passes; with `CI` set it fails. `FLEXUS_API_EXAMPLES` sets how many requests an operation gets.
#![cfg(feature = "local")]

mod python;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use flexus_autoscaler::clients::{Proxies, client};
use flexus_autoscaler::config::Config;
use flexus_autoscaler::local::play::{CONSOLE_TOKEN, Play, PlaySettings};
use flexus_autoscaler::replay::{Settings, Window, demo_trace};
use serde_json::Value;

/// Requests that an operation gets beside those that its document alone asks for.
const EXAMPLES: &str = "8";
/// As many as the console lets through in the long run.
const RATE: &str = "9/s";

fn settings() -> PlaySettings {
    let document = include_bytes!("../src/cli/local/demo.json");
    let mut trace = demo_trace(Window::default()).expect("the bundled day");
    trace.load.drain(..300);
    trace.load.truncate(20);
    PlaySettings::new(Config::parse(document).expect("a good configuration"), trace, Settings::default())
}

/// What schemathesis is told: whom to ask for, and which refusals of well-formed requests are right. An order may have
/// expired (422), and what is not there cannot be ordered (404, 409).
fn config(decision: Option<&str>) -> String {
    let known = decision
        .map(|decision| format!("[parameters]\n\"path.group\" = \"inference\"\n\"path.decision\" = \"{decision}\"\n"));
    format!(
        "{}[checks.positive_data_acceptance]\nexpected-statuses = [\"2xx\", 400, 404, 409, 422]\n",
        known.unwrap_or_default()
    )
}

async fn newest_decision(console: &str) -> String {
    let url = format!("{console}/api/groups/inference/decisions");
    let request = client(Proxies::None).expect("a client").get(url).bearer_auth(CONSOLE_TOKEN);
    let body = request.send().await.expect("an answer").bytes().await.expect("an answer");
    let answer: Value = serde_json::from_slice(&body).expect("JSON");
    answer["decisions"][0]["id"].as_str().expect("a decision").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_console_is_one_that_its_document_promises() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/console_api");
    let Some(python) = python::environment("console-api-venv", &folder.join("requirements.txt")) else { return };
    // Each on a console of its own: one lets ten requests a second through.
    let (known, unknown) = tokio::join!(examine(&python, true), examine(&python, false));
    for (succeeded, output) in [known, unknown] {
        println!("{output}");
        assert!(succeeded, "{output}");
        assert!(output.contains("No issues found"), "it has asked nothing: {output}");
    }
}

/// Has the API examined: about a group and a decision that are there, or about any.
async fn examine(python: &Path, knows: bool) -> (bool, String) {
    let mut play = Play::start(settings()).await.expect("a stage");
    let console = play.serve_console().await.expect("a console");
    while play.step().await.is_some() {}
    let decision = newest_decision(&console).await;
    let scratch = tempfile::tempdir().expect("a folder");
    let file = scratch.path().join("schemathesis.toml");
    fs::write(&file, config(knows.then_some(decision.as_str()))).expect("a file");
    let said = run(python, &file, &console, scratch.path()).await;
    play.stop().await;
    said
}

async fn run(python: &Path, config: &Path, console: &str, scratch: &Path) -> (bool, String) {
    let program: PathBuf = python.with_file_name(if cfg!(windows) { "schemathesis.exe" } else { "schemathesis" });
    let examples = env::var("FLEXUS_API_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
    let output = tokio::process::Command::new(program)
        .current_dir(scratch)
        .arg("--config-file")
        .arg(config)
        .args(["run", &format!("{console}/api/openapi.json"), "--seed", "1", "--no-color", "--warnings", "off"])
        .args(["--header", &format!("Authorization: Bearer {CONSOLE_TOKEN}"), "--rate-limit", RATE])
        .args(["--phases", "coverage,fuzzing", "--max-examples", &examples, "--continue-on-failure"])
        .kill_on_drop(true)
        .output()
        .await
        .expect("schemathesis starts");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), text)
}
