//! Pages in a real browser, driven by the scripts beside this file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The command that runs a script with these arguments, the browser's path and, if `FLEXUS_SCREENSHOTS` names one, a
/// directory to leave screenshots in. `None`, with a word why, where there is no browser, Node or npm.
pub(crate) fn drive(script: &str, arguments: &[&OsStr]) -> Option<Command> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let ready = browser().ok_or("there is no Chromium; FLEXUS_CHROMIUM may name one");
    let ready = ready.and_then(|browser| can_drive(&scripts).map(|()| browser));
    let browser = match ready {
        Ok(browser) => browser,
        Err(missing) => {
            assert!(std::env::var_os("CI").is_none(), "{missing}");
            eprintln!("skipped: {missing}");
            return None;
        }
    };
    let mut command = Command::new("node");
    command.arg(scripts.join(script)).args(arguments).arg(browser).args(std::env::var_os("FLEXUS_SCREENSHOTS"));
    Some(command)
}

/// The browser named by `FLEXUS_CHROMIUM`, or one of the usual names.
fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("FLEXUS_CHROMIUM").map(PathBuf::from);
    named.or_else(|| ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(program))
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Whether scripts can run: Node is there, and what they need is installed or can be.
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
