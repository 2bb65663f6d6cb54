//! What a person at a terminal sees beside the result: on standard error, only where somebody looks, and not with `--quiet`.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on nothing but results and errors is printed.
pub(super) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether nothing but results and errors is printed.
pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

fn is_watched() -> bool {
    !is_quiet() && std::io::stderr().is_terminal()
}

/// A bar over so many steps, each called `step`.
pub(super) fn bar(length: usize, step: &str) -> ProgressBar {
    if !is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64);
    if let Ok(style) = ProgressStyle::with_template(&format!("{{bar:40}} {step} {{pos}} of {{len}}, {{eta}} left")) {
        bar.set_style(style);
    }
    bar
}

/// Something that turns while work of unknown length goes on.
pub(super) fn spinner(doing: &'static str) -> ProgressBar {
    if !is_watched() {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_message(doing);
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}
