//! The rooms of `src` depend on each other in one direction, as ARCHITECTURE.md says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Each may use those before it.
const ROOMS: [&str; 17] = [
    "model",
    "queueing",
    "config",
    "forecast",
    "engine",
    "records",
    "replay",
    "tune",
    "cost",
    "clients",
    "state",
    "fleet",
    "observe",
    "functiongraph",
    "handlers",
    "local",
    "cli",
];

/// What is compiled for tests only, and may look around.
const FOR_TESTS: [&str; 6] = ["tests", "tests.rs", "testing", "testing.rs", "races", "in_process.rs"];

fn source_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        if FOR_TESTS.contains(&name) || name.ends_with("_tests.rs") {
            continue;
        }
        if path.is_dir() {
            source_files(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The rooms that a text names, as `crate::room` or in `crate::{room, ...}`.
fn named(text: &str) -> BTreeSet<&str> {
    let mut named = BTreeSet::new();
    for (_, after) in text.match_indices("crate::").map(|(start, found)| text.split_at(start + found.len())) {
        let list = after.strip_prefix('{').and_then(|list| list.split_once('}'));
        let words =
            list.map_or_else(|| after.split(':').take(1).collect(), |(list, _)| list.split(',').collect::<Vec<_>>());
        named.extend(words.iter().filter_map(|word| word.split("::").next()).map(str::trim));
    }
    named
}

#[test]
fn a_room_uses_only_rooms_below_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&source, &mut files);
    let mut dependencies = 0;
    for file in files {
        let relative = file.strip_prefix(&source).expect("a source file");
        let room = relative.iter().next().and_then(|room| room.to_str()).expect("a room").trim_end_matches(".rs");
        let Some(height) = ROOMS.iter().position(|other| *other == room) else {
            assert!(["lib", "main"].contains(&room), "the room {room} has no place in the order");
            continue;
        };
        let text = std::fs::read_to_string(&file).expect("text");
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for other in named(text) {
            let Some(other_height) = ROOMS.iter().position(|name| *name == other) else { continue };
            assert!(other_height <= height, "{} uses {other}, which lies above", relative.display());
            dependencies += usize::from(other_height < height);
        }
    }
    assert!(dependencies > 300, "only {dependencies} uses were found");
}
