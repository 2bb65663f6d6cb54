//! The stub against the real provider's verdicts: `oracle/base.tf` and one-place changes of it.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use terraform_checks::terraform::{SCHEMA_VARIABLE, Terraform, TerraformError};

#[derive(Deserialize)]
struct Oracle {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    why: String,
    find: String,
    replace: String,
    real: Verdict,
    should: Verdict,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Accept,
    Reject,
}

/// Lists that only the cloud fills come out of a mock empty; `base.tf` takes their first elements.
const MOCK: &str = r#"
mock_provider "huaweicloud" {
  mock_data "huaweicloud_availability_zones" {
    defaults = { names = ["zone-a"] }
  }
  mock_data "huaweicloud_compute_flavors" {
    defaults = { ids = ["s6.large.2", "s7.large.2"] }
  }
  mock_data "huaweicloud_images_images" {
    defaults = { images = [{ id = "image" }] }
  }
  mock_data "huaweicloud_eg_event_channels" {
    defaults = { channels = [{ id = "channel" }] }
  }
}

run "apply" {}
"#;

fn apply_to_mock(terraform: &Terraform, folder: &Path) -> Result<(Verdict, String), TerraformError> {
    std::fs::write(folder.join("mock.tftest.hcl"), MOCK)?;
    terraform.init(folder)?;
    let output = terraform.run(folder, &["test", "-no-color"])?;
    let verdict = if output.status.success() { Verdict::Accept } else { Verdict::Reject };
    Ok((verdict, String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn every_change_that_the_real_provider_rejects_is_rejected_and_every_sound_one_is_accepted()
-> Result<(), TerraformError> {
    let Some(terraform) = Terraform::find()?.filter(Terraform::is_stub) else {
        eprintln!("skipped: needs {SCHEMA_VARIABLE}");
        return Ok(());
    };
    let folder = PathBuf::from(std::env::var_os(SCHEMA_VARIABLE).expect("the stub was started from it")).join("oracle");
    let base = std::fs::read_to_string(folder.join("base.tf"))?;
    let oracle: Oracle = serde_json::from_slice(&std::fs::read(folder.join("cases.json"))?).expect("cases.json");
    assert!(oracle.cases.len() > 40, "the oracle has lost cases");

    let mut wrong = Vec::new();
    for case in &oracle.cases {
        let changed = base.replacen(&case.find, &case.replace, 1);
        assert!(case.find.is_empty() || changed != base, "{}: its text is not in base.tf", case.name);
        let scratch = tempfile::tempdir()?;
        std::fs::write(scratch.path().join("main.tf"), changed)?;
        let verdict = terraform.validate(scratch.path())?;
        let given = if verdict.valid { Verdict::Accept } else { Verdict::Reject };
        // Where the documents or the API are stricter than the real provider, so are we.
        let must_reject = case.real == Verdict::Reject || case.should == Verdict::Reject;
        let wanted = if must_reject { Verdict::Reject } else { Verdict::Accept };
        // What depends on a value that is known only after an apply is seen by applying to a mock.
        if given == Verdict::Accept && (must_reject || case.find.is_empty()) {
            let (applied, output) = apply_to_mock(&terraform, scratch.path())?;
            if applied != wanted {
                wrong.push(format!("{} ({}): {applied:?} on apply\n{output}", case.name, case.why));
            }
        } else if given != wanted {
            wrong.push(format!("{} ({}): {given:?}\n{}", case.name, case.why, verdict.text()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases are wrong:\n{}", wrong.len(), oracle.cases.len(), wrong.join("\n"));
    Ok(())
}
