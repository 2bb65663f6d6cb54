//! Which column of a file is the load.

use std::path::Path;

use crate::cli::terminal;

/// How a file of `history export --format csv` begins, and what follows the group's signals in it.
const EXPORT: [&[&str]; 2] = [&["time", "serving", "total"], &["current", "proposed", "target", "policy"]];
/// What a signal that is the load is usually called.
const LOADS: [&str; 2] = ["requests", "load"];

/// The column that was taken as the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadColumn {
    /// Its name.
    pub name: String,
    /// The names of the others, the time left out.
    pub others: Vec<String>,
    /// Where it stands, the time being 0.
    pub(super) index: usize,
    was_asked_for: bool,
}

impl LoadColumn {
    /// The column asked for. Without one: the load of our own export, and of any other file the one after the time.
    pub(super) fn choose(header: &csv::StringRecord, asked: Option<&str>) -> Result<Self, String> {
        let names: Vec<&str> = header.iter().skip(1).collect();
        let index = match asked {
            None if names.is_empty() => return Err("has one column; a time and a load are needed".to_owned()),
            None => match signals_of_export(header) {
                Some(signals) => load_among(signals)?,
                None => 1,
            },
            Some(asked) => names
                .iter()
                .position(|name| *name == asked)
                .map(|index| index + 1)
                .ok_or_else(|| format!("has no column `{asked}`; it has {}", names.join(", ")))?,
        };
        let others = names.iter().enumerate().filter(|(other, _)| other + 1 != index);
        Ok(Self {
            name: names[index - 1].to_owned(),
            others: others.map(|(_, name)| (*name).to_owned()).collect(),
            index,
            was_asked_for: asked.is_some(),
        })
    }

    /// Its name, where the file has others that could have been meant.
    pub(in crate::cli) fn name_among_others(&self) -> Option<String> {
        (!self.others.is_empty()).then(|| self.name.clone())
    }

    /// Says on standard error which column was taken, where that was a choice and nobody made it.
    pub(in crate::cli) fn tell(&self, path: &Path) {
        if !self.was_asked_for && !self.others.is_empty() && !terminal::is_quiet() {
            eprintln!(
                "flexus-autoscaler: {}: the load is column `{}`; --column takes another: {}",
                path.display(),
                self.name,
                self.others.join(", ")
            );
        }
    }
}

/// The group's signals with their places, if this is the header of our own export.
fn signals_of_export(header: &csv::StringRecord) -> Option<Vec<(usize, &str)>> {
    let names: Vec<&str> = header.iter().collect();
    let [first, after] = EXPORT;
    let end = names.windows(after.len()).position(|window| window == after)?;
    let signals = names.iter().copied().enumerate().take(end).skip(first.len()).collect();
    (names.starts_with(first) && end >= first.len()).then_some(signals)
}

/// Which signal is the load: the one that is called so, or the only one. The export does not tell kinds, so nothing else is
/// guessed.
fn load_among(signals: Vec<(usize, &str)>) -> Result<usize, String> {
    let called_so = LOADS.iter().find_map(|load| signals.iter().find(|(_, name)| name == load));
    match (called_so, &signals[..]) {
        (Some((index, _)), _) | (None, [(index, _)]) => Ok(*index),
        (None, signals) => {
            let names: Vec<&str> = signals.iter().map(|(_, name)| *name).collect();
            let which = if names.is_empty() { "it holds no signal".to_owned() } else { names.join(", ") };
            Err(format!("is an export of a group's past; say by --column which signal is the load: {which}"))
        }
    }
}
