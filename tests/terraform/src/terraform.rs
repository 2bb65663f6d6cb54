//! Runs `terraform` against the stub provider.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde::Deserialize;

use crate::provider::{Provider, ProviderError};

/// Names the folder with the schema.
pub const SCHEMA_VARIABLE: &str = "FLEXUS_TERRAFORM_SCHEMA";

/// The checks cannot be run, or not be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TerraformError {
    /// The stub.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The program.
    #[error("terraform: {0}")]
    Program(#[from] io::Error),
    /// The program's answer.
    #[error("terraform {command} in {folder}: {reason}")]
    Answer {
        /// Which command.
        command: String,
        /// Where.
        folder: String,
        /// What it said.
        reason: String,
    },
}

/// `terraform` with a provider to talk to.
#[derive(Debug)]
pub struct Terraform {
    /// `None`: the real provider, by the ordinary way of the registry.
    stub: Option<Provider>,
    data: tempfile::TempDir,
}

/// What `terraform validate -json` says.
#[derive(Debug, Deserialize)]
pub struct Verdict {
    /// Whether there is no error.
    pub valid: bool,
    /// Errors and warnings.
    pub diagnostics: Vec<Message>,
}

/// One error or warning.
#[derive(Debug, Deserialize)]
pub struct Message {
    /// `error` or `warning`.
    pub severity: String,
    /// One line.
    pub summary: String,
    /// The rest.
    #[serde(default)]
    pub detail: String,
}

impl Verdict {
    /// Errors and warnings, one a line.
    pub fn text(&self) -> String {
        let line = |message: &Message| format!("{}: {} {}", message.severity, message.summary, message.detail);
        self.diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Terraform {
    /// `terraform` with what can be had: the stub where [`SCHEMA_VARIABLE`] names a schema, else the real provider
    /// where it can be downloaded, else `None` after saying so.
    ///
    /// # Errors
    /// When a schema was named and the checks still cannot be run.
    pub fn find() -> Result<Option<Self>, TerraformError> {
        let Some(program) = Self::alone()? else { return Ok(None) };
        if let Some(folder) = std::env::var_os(SCHEMA_VARIABLE) {
            return Ok(Some(Self { stub: Some(Provider::start(Path::new(&folder))?), ..program }));
        }
        let probe = tempfile::tempdir()?;
        std::fs::write(
            probe.path().join("versions.tf"),
            "terraform {\n  required_providers {\n    huaweicloud = {\n      source = \"huaweicloud/huaweicloud\"\n    }\n  }\n}\n",
        )?;
        if program.run(probe.path(), &["init", "-backend=false", "-input=false"])?.status.success() {
            return Ok(Some(program));
        }
        eprintln!("skipped: {SCHEMA_VARIABLE} is not set, and terraform cannot download the provider");
        Ok(None)
    }

    /// `terraform` without a provider, which is all that `fmt` needs; `None` after saying so where it cannot be run.
    ///
    /// # Errors
    /// When it cannot be run although a schema was named and `CI` is set.
    pub fn alone() -> Result<Option<Self>, TerraformError> {
        match Command::new("terraform").arg("version").output() {
            Ok(_) => Ok(Some(Self { stub: None, data: tempfile::tempdir()? })),
            Err(error) if std::env::var_os(SCHEMA_VARIABLE).is_some() && std::env::var_os("CI").is_some() => {
                Err(error.into())
            }
            Err(error) => {
                eprintln!("skipped: terraform cannot be run: {error}");
                Ok(None)
            }
        }
    }

    /// Whether the stub judges. The real provider is less strict.
    pub fn is_stub(&self) -> bool {
        self.stub.is_some()
    }

    /// Runs a command in a folder.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> Result<Output, TerraformError> {
        let mut command = Command::new("terraform");
        command
            .current_dir(folder)
            .args(arguments)
            .env("TF_CLI_CONFIG_FILE", if cfg!(windows) { "NUL" } else { "/dev/null" })
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_DATA_DIR", self.data_folder(folder));
        if let Some(stub) = &self.stub {
            command.env("TF_REATTACH_PROVIDERS", stub.reattach());
        }
        Ok(command.output()?)
    }

    /// Each folder has a data folder of its own, so that module lists don't mix.
    fn data_folder(&self, folder: &Path) -> PathBuf {
        let name: String = folder
            .to_string_lossy()
            .chars()
            .map(|letter| if letter.is_alphanumeric() { letter } else { '_' })
            .collect();
        self.data.path().join(name)
    }

    /// `terraform init`, without a backend.
    ///
    /// # Errors
    /// When it fails.
    pub fn init(&self, folder: &Path) -> Result<(), TerraformError> {
        let output = self.run(folder, &["init", "-backend=false", "-input=false", "-no-color"])?;
        if output.status.success() {
            return Ok(());
        }
        Err(TerraformError::Answer {
            command: "init".to_owned(),
            folder: folder.display().to_string(),
            reason: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// `terraform validate -json`.
    ///
    /// # Errors
    /// When it cannot be run or doesn't answer in JSON.
    pub fn validate(&self, folder: &Path) -> Result<Verdict, TerraformError> {
        let output = self.run(folder, &["validate", "-json"])?;
        serde_json::from_slice(&output.stdout).map_err(|error| TerraformError::Answer {
            command: "validate".to_owned(),
            folder: folder.display().to_string(),
            reason: format!("{error}: {}", String::from_utf8_lossy(&output.stderr)),
        })
    }
}
