//! The console page in a real browser, on a region in which hours of the bundled day were played.

use std::path::{Path, PathBuf};
use std::process::Command;

use flexus_autoscaler::config::Config;
use flexus_autoscaler::local::play::{CONSOLE_TOKEN, Play, PlaySettings};
use flexus_autoscaler::replay::{Settings, Window, demo_trace};

/// The browser named by `FLEXUS_CHROMIUM`, or one of the usual names.
fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("FLEXUS_CHROMIUM").map(PathBuf::from);
    named.or_else(|| ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(program))
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Whether the script can run: Node is there, and what it needs is installed or can be.
fn can_drive(scripts: &Path) -> Result<(), &'static str> {
    if program("node").is_none() {
        return Err("there is no Node");
    }
    if scripts.join("node_modules/playwright-core").is_dir() {
        return Ok(());
    }
    let npm = program("npm").ok_or("there is no npm")?;
    let installed = Command::new(npm).args(["ci", "--no-audit", "--no-fund"]).current_dir(scripts).output();
    match installed {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err("`npm ci` in tests/browser failed"),
    }
}

fn settings() -> PlaySettings {
    let document = include_bytes!("../src/cli/local/demo.json");
    let config = Config::parse(document).expect("a good configuration");
    let mut trace = demo_trace(Window::default()).expect("the bundled day");
    trace.load.drain(..300);
    trace.load.truncate(200);
    PlaySettings {
        config,
        trace,
        circumstances: Settings::default(),
        directory: None,
        spot_trace: None,
        alarms: false,
        port: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_why_and_gives_orders_in_both_languages() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no Chromium found; FLEXUS_CHROMIUM may name one");
        return;
    };
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    if let Err(missing) = can_drive(&scripts) {
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        eprintln!("skipped: {missing}");
        return;
    }
    let mut play = Play::start(settings()).await.expect("a stage");
    let address = play.serve_console().await.expect("a console");
    while play.step().await.is_some() {}
    let mut script = tokio::process::Command::new("node");
    script.arg(scripts.join("console_page.mjs")).args([&address, CONSOLE_TOKEN]).arg(browser);
    // Where to leave screenshots, for people who look.
    script.args(std::env::var_os("FLEXUS_SCREENSHOTS"));
    let output = script.kill_on_drop(true).output().await.expect("Node starts");
    play.stop().await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
