//! Runs the stub provider until Enter is pressed, for `terraform validate` and `terraform test` by hand.

use std::{io, path::PathBuf};

use terraform_checks::{provider::Provider, terraform::SCHEMA_VARIABLE};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::var_os(SCHEMA_VARIABLE).ok_or("set FLEXUS_TERRAFORM_SCHEMA to the schema folder")?;
    let provider = Provider::start(&PathBuf::from(folder))?;
    println!("export TF_REATTACH_PROVIDERS='{}'", provider.reattach());
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}
