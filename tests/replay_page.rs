//! The page of a replay in a real browser: its charts hold data, in light and dark, and nothing is fetched.

use std::path::{Path, PathBuf};
use std::process::Command;

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

#[test]
fn the_charts_hold_data_in_light_and_dark_and_nothing_is_fetched() {
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
    let folder = tempfile::tempdir().expect("a directory");
    let page = folder.path().join("replay.html");
    let replayed = Command::new(env!("CARGO_BIN_EXE_flexus-autoscaler"))
        .args(["replay", "--policy", "predictive@20,hpa,target_tracking@60,static_peak", "--format", "html", "--out"])
        .arg(&page)
        .output()
        .expect("the command starts");
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    let mut script = Command::new("node");
    script.arg(scripts.join("replay_page.mjs")).arg(&page).arg(browser);
    // Where to leave screenshots, for people who look.
    script.args(std::env::var_os("FLEXUS_SCREENSHOTS"));
    let output = script.output().expect("Node starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
