//! `infra/permissions.json` against the source of the clients and against `docs/permissions.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::{Path, PathBuf},
};

use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    permissions: Vec<Permission>,
}

#[derive(Deserialize)]
struct Permission {
    client: String,
    operations: Vec<String>,
    api: String,
    actions: Vec<String>,
    roles: Vec<String>,
    when: Vec<String>,
    #[serde(default = "documented")]
    sure: bool,
    why: String,
}

fn documented() -> bool {
    true
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn table() -> Vec<Permission> {
    let text = std::fs::read(repository().join("infra/permissions.json")).expect("the table");
    serde_json::from_slice::<Table>(&text).expect("the table's form").permissions
}

/// What the clients request: file name -> operations named in `Request::get("…", …)` and its like. Operations that are
/// chosen at run time have no literal there; those files are returned too.
fn requested() -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let (mut literal, mut chosen) = (BTreeMap::<String, BTreeSet<String>>::new(), BTreeSet::new());
    for (file, text) in client_files() {
        for constant in
            text.match_indices("const OPERATION: &str = \"").map(|(start, head)| &text[start + head.len()..])
        {
            let operation = constant.split('"').next().unwrap_or_default();
            literal.entry(file.clone()).or_default().insert(operation.to_owned());
        }
        for method in ["new", "get", "post", "put", "delete"] {
            let call = format!("Request::{method}(");
            for (start, _) in text.match_indices(&call) {
                let rest = text[start + call.len()..].trim_start();
                match rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                    Some(operation) => {
                        literal.entry(file.clone()).or_default().insert(operation.to_owned());
                    }
                    None if rest.starts_with("OPERATION") => {}
                    None => {
                        chosen.insert(file.clone());
                    }
                }
            }
        }
    }
    (literal, chosen)
}

/// The clients of the cloud's APIs, by name, without their tests. Clients of users' own systems need no right of the cloud.
fn client_files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(repository().join("src/clients")).expect("the clients") {
        let path = entry.expect("an entry").path();
        let (Some(stem), true) = (path.file_stem(), path.is_file()) else { continue };
        let text = std::fs::read_to_string(&path).expect("text");
        let source = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        if source.contains("use super::api::{") {
            files.insert(stem.to_string_lossy().into_owned(), source.to_owned());
        }
    }
    files
}

#[test]
fn every_request_of_a_client_stands_in_the_table() {
    let table = table();
    let (literal, chosen) = requested();
    let known = |file: &str, operation: &str| {
        table.iter().any(|entry| entry.client == file && entry.operations.iter().any(|known| known == operation))
    };
    let missing: Vec<String> = literal
        .iter()
        .flat_map(|(file, operations)| operations.iter().map(move |operation| (file, operation)))
        .filter(|(file, operation)| !known(file, operation))
        .map(|(file, operation)| format!("{file}: {operation}"))
        .collect();
    assert!(missing.is_empty(), "infra/permissions.json lacks\n{}", missing.join("\n"));
    for file in chosen {
        let spelt = literal.get(&file).cloned().unwrap_or_default();
        let more = table
            .iter()
            .filter(|entry| entry.client == file)
            .flat_map(|entry| &entry.operations)
            .any(|operation| !spelt.contains(operation));
        assert!(more, "{file} chooses an operation at run time; infra/permissions.json has none of them");
    }
}

#[test]
fn nothing_stands_in_the_table_that_no_client_requests() {
    let files = client_files();
    for entry in table() {
        for operation in &entry.operations {
            let source = files.get(&entry.client).map(String::as_str).unwrap_or_default();
            assert!(source.contains(&format!("\"{operation}\"")), "src/clients/{}.rs: {operation}", entry.client);
        }
    }
}

#[test]
fn the_object_store_needs_exactly_what_the_state_asks_of_it() {
    let mut source = String::new();
    for entry in std::fs::read_dir(repository().join("src/state")).expect("the state") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            source += &std::fs::read_to_string(path).expect("text");
        }
    }
    let granted: BTreeSet<String> = table().into_iter().flat_map(|entry| entry.actions).collect();
    for (call, action) in [
        (".delete(", "obs:object:DeleteObject"),
        (".get(", "obs:object:GetObject"),
        (".list", "obs:bucket:ListBucket"),
        (".put", "obs:object:PutObject"),
    ] {
        assert_eq!(source.contains(call), granted.contains(action), "{call} and {action}");
    }
    for (call, reason) in [(".copy(", "needs a source's rights too"), (".put_multipart", "needs more rights")] {
        assert!(!source.contains(call), "{call} {reason}; add it to infra/permissions.json");
    }
}

#[test]
fn every_entry_is_complete_and_names_single_actions() {
    for entry in table() {
        let sound = |action: &String| action.split(':').count() == 3 && !action.contains('*');
        assert!(!entry.actions.is_empty() && entry.actions.iter().all(sound), "{}", entry.api);
        assert!(!entry.roles.is_empty() && !entry.why.is_empty(), "{}", entry.api);
    }
}

const START: &str = "<!-- made from infra/permissions.json: start -->\n";
const END: &str = "<!-- made from infra/permissions.json: end -->";

#[test]
fn the_document_shows_the_table() {
    let path = repository().join("docs/permissions.md");
    let text = std::fs::read_to_string(&path).expect("docs/permissions.md");
    let (before, rest) = text.split_once(START).expect("the start mark");
    let (_, after) = rest.split_once(END).expect("the end mark");
    let wanted = format!("{before}{START}{}{END}{after}", document());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).expect("docs/permissions.md");
    } else {
        assert!(text == wanted, "docs/permissions.md is behind infra/permissions.json: run with UPDATE_DOCS=1");
    }
}

fn document() -> String {
    let mut text = "\n| request | actions | who | only with | named by a document | why |\n| --- | --- | --- | --- | --- | --- |\n".to_owned();
    for entry in table() {
        let code = |items: &[String]| items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ");
        let (api, actions, roles, when) =
            (entry.api, code(&entry.actions), entry.roles.join(", "), entry.when.join(", "));
        let sure = if entry.sure { "yes" } else { "no, UNVERIFIED" };
        writeln!(text, "| {api} | {actions} | {roles} | {when} | {sure} | {} |", entry.why).expect("memory");
    }
    text.push('\n');
    text
}
