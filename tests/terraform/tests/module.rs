//! The module and its examples: formatted, valid, wired as `*.tftest.hcl` say, and writing a configuration that the
//! functions can read.

use std::path::{Path, PathBuf};

use flexus_autoscaler::config::Config;
use serde_json::Value as Json;
use terraform_checks::terraform::{Terraform, TerraformError};

fn infra() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra").canonicalize().expect("the module")
}

/// The module, then each example.
fn folders() -> Vec<PathBuf> {
    let mut examples: Vec<PathBuf> = std::fs::read_dir(infra().join("examples"))
        .expect("examples")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("main.tf").exists())
        .collect();
    examples.sort();
    assert!(examples.len() >= 3, "minimal, inference-spot and existing-group");
    examples.insert(0, infra());
    examples
}

/// Every `.tf` file of the module and the examples, with its text.
fn files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for folder in folders() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "tf") {
                let text = std::fs::read_to_string(&path).expect("text");
                files.push((path, text));
            }
        }
    }
    files
}

/// Whether the text gives that attribute a type or a value.
fn names_attribute(text: &str, name: &str) -> bool {
    let gives =
        |line: &str| line.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='));
    text.lines().any(gives)
}

/// The text of each block that starts with `head`, up to its closing brace at the start of a line.
fn blocks<'a>(text: &'a str, head: &str) -> Vec<&'a str> {
    text.match_indices(head)
        .map(|(start, _)| {
            let end = text[start..].find("\n}").expect("formatted text closes a block at the start of a line");
            &text[start..start + end]
        })
        .collect()
}

#[test]
fn everything_is_formatted() -> Result<(), TerraformError> {
    let Some(terraform) = Terraform::alone()? else { return Ok(()) };
    let output = terraform.run(&infra(), &["fmt", "-check", "-recursive", "-diff"])?;
    assert!(output.status.success(), "terraform fmt would change:\n{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

#[test]
fn everything_is_valid_without_a_warning() -> Result<(), TerraformError> {
    let Some(terraform) = Terraform::find()? else { return Ok(()) };
    for folder in folders() {
        terraform.init(&folder)?;
        let verdict = terraform.validate(&folder)?;
        assert!(verdict.valid && verdict.diagnostics.is_empty(), "{}:\n{}", folder.display(), verdict.text());
    }
    Ok(())
}

#[test]
fn everything_applies_to_a_mock_and_the_functions_can_read_every_configuration_it_writes() -> Result<(), TerraformError>
{
    let Some(terraform) = Terraform::find()? else { return Ok(()) };
    for folder in folders() {
        terraform.init(&folder)?;
        let output = terraform.run(&folder, &["test", "-json", "-verbose", "-no-color"])?;
        let lines: Vec<Json> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let complaints: Vec<String> = lines
            .iter()
            .filter(|line| line["@level"] == "error" || line["@level"] == "warn")
            .map(|line| format!("{} {}", line["@message"], line["diagnostic"]["detail"]))
            .collect();
        assert!(
            output.status.success() && complaints.is_empty(),
            "{}:\n{}\n{}",
            folder.display(),
            complaints.join("\n"),
            String::from_utf8_lossy(&output.stderr)
        );

        let mut documents = Vec::new();
        for line in lines.iter().filter(|line| line["type"] == "test_state") {
            collect(&line["test_state"]["root_module"], &mut documents);
        }
        assert!(!documents.is_empty(), "{}: no run writes a configuration", folder.display());
        for document in documents {
            let config = Config::parse(document.as_bytes());
            assert!(config.is_ok(), "{}: {}\n{document}", folder.display(), config.expect_err("not sound"));
        }
    }
    Ok(())
}

/// The content of each object that is named `config`.
fn collect(module: &Json, documents: &mut Vec<String>) {
    for resource in module["resources"].as_array().into_iter().flatten() {
        if resource["type"] == "huaweicloud_obs_bucket_object" && resource["name"] == "config" {
            documents.push(resource["values"]["content"].as_str().expect("text").to_owned());
        }
    }
    for child in module["child_modules"].as_array().into_iter().flatten() {
        collect(child, documents);
    }
}

#[test]
fn no_provider_but_huaweicloud_is_used() {
    for (path, text) in files() {
        let sources =
            |line: &&str| line.trim_start().starts_with("source ") && line.contains('"') && !line.contains('[');
        for line in text.lines().filter(sources) {
            let sound = line.contains("\"huaweicloud/huaweicloud\"") || line.contains("\"../..\"");
            assert!(sound, "{}: {line}", path.display());
        }
        for kind in ["resource \"", "data \"", "provider \""] {
            for (start, _) in text.match_indices(&format!("\n{kind}")) {
                let rest = &text[start + 1 + kind.len()..];
                assert!(rest.starts_with("huaweicloud"), "{}: {}", path.display(), &rest[..40]);
            }
        }
    }
}

#[test]
fn nothing_is_read_from_the_cloud_while_planning() {
    for (path, text) in files() {
        assert!(!text.contains("\ndata \""), "{}: a data source makes a plan need the cloud", path.display());
    }
}

#[test]
fn what_the_service_sends_back_changed_is_ignored() {
    let mut triggers = 0;
    for (path, text) in files() {
        for block in blocks(&text, "resource \"huaweicloud_fgs_function_trigger\"") {
            triggers += 1;
            let timer = block.contains("= \"TIMER\"");
            let ignores = block.contains("ignore_changes = [event_data]");
            assert!(timer != ignores, "{}: all triggers but timers ignore event_data\n{block}", path.display());
            assert!(!block.contains("\n  status"), "{}: status is not sent on create\n{block}", path.display());
        }
        for block in blocks(&text, "resource \"huaweicloud_as_group\"") {
            let ignores = block.contains("ignore_changes = [desire_instance_number]");
            assert!(ignores, "{}: the number is ours, not Terraform's\n{block}", path.display());
        }
        for block in blocks(&text, "resource \"huaweicloud_as_configuration\"") {
            assert!(block.contains("create_before_destroy = true"), "{}: one in use can't go\n{block}", path.display());
        }
    }
    assert!(triggers >= 4, "timer, alarm and both ways of a reclaim");
}

#[test]
fn every_variable_and_output_says_what_it_is() {
    for (path, text) in files() {
        for head in ["variable \"", "output \""] {
            for block in blocks(&text, &format!("\n{head}")) {
                assert!(block.contains("\n  description = "), "{}:{block}", path.display());
            }
        }
    }
}

/// Terraform drops an attribute that a variable's type does not know, without a word.
#[test]
fn whatever_the_configuration_can_say_can_be_said_in_terraform() {
    let module: Vec<String> =
        files().into_iter().filter(|(path, _)| path.parent() == Some(&infra())).map(|(_, text)| text).collect();
    let schema = Config::schema();
    let definitions = schema["$defs"].as_object().expect("definitions");
    let mut fields = 0;
    for (definition, body) in definitions.iter().filter(|(name, _)| *name != "Endpoints") {
        for field in body["properties"].as_object().into_iter().flat_map(|properties| properties.keys()) {
            fields += 1;
            assert!(module.iter().any(|text| names_attribute(text, field)), "{definition}.{field} cannot be said");
        }
    }
    assert!(fields > 80, "{fields} fields looked for");
}
