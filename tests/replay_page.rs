//! The page of a replay in a real browser: its charts hold data, in light and dark, and nothing is fetched.

mod browser;

use std::process::Command;

#[test]
fn the_charts_hold_data_in_light_and_dark_and_nothing_is_fetched() {
    let folder = tempfile::tempdir().expect("a directory");
    let page = folder.path().join("replay.html");
    let Some(mut script) = browser::drive("replay_page.mjs", &[page.as_os_str()]) else { return };
    let replayed = Command::new(env!("CARGO_BIN_EXE_flexus-autoscaler"))
        .args(["replay", "--policy", "predictive@20,hpa,target_tracking@60,static_peak", "--format", "html", "--out"])
        .arg(&page)
        .output()
        .expect("the command starts");
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    let output = script.output().expect("Node starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
