//! Python environments of tests: made once in the target directory, from a list of packages.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::{env, fs};

/// One installs, and the others wait.
static TURN: Mutex<()> = Mutex::new(());

/// The interpreter of an environment of that name that has the packages of a list; `None`, with a word why, where there is
/// no Python.
pub(crate) fn environment(name: &str, requirements: &Path) -> Option<PathBuf> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let system = ["python3", "python"].into_iter().find(|name| {
        Command::new(name).args(["-c", "import venv"]).output().is_ok_and(|output| output.status.success())
    });
    let Some(system) = system else {
        assert!(env::var_os("CI").is_none(), "there is no Python 3 with venv");
        eprintln!("skipped: there is no Python 3 with venv");
        return None;
    };
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let interpreter = home.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let wanted = fs::read_to_string(requirements).expect("the list of packages");
    let installed = home.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Some(interpreter);
    }
    run(Command::new(system).args(["-m", "venv", "--clear"]).arg(&home));
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(&interpreter).args(pip).arg(requirements));
    fs::write(installed, wanted).expect("the target directory can be written");
    Some(interpreter)
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
