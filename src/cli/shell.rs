//! `completions SHELL`, `man`.

use clap::CommandFactory as _;

use super::{Arguments, CliError, print};

#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// Which shell.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(super) fn completions(arguments: &Completions) -> Result<(), CliError> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "flexus-autoscaler", &mut text);
    print(&String::from_utf8_lossy(&text))
}

/// The sections of every command below one, each followed by those of the commands below it.
fn sections(command: &clap::Command, path: &str, text: &mut Vec<u8>) -> std::io::Result<()> {
    for one in command.get_subcommands().filter(|one| one.get_name() != "help") {
        let path = format!("{path} {}", one.get_name().to_uppercase());
        let page = clap_mangen::Man::new(one.clone());
        text.extend_from_slice(format!(".SH \"{path}\"\n").as_bytes());
        page.render_description_section(text)?;
        page.render_synopsis_section(text)?;
        page.render_options_section(text)?;
        sections(one, &path, text)?;
    }
    Ok(())
}

/// One page for all: the program first, then each of its commands.
pub(super) fn manual() -> Result<(), CliError> {
    let mut command = Arguments::command();
    command.build();
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text).map_err(CliError::failed)?;
    sections(&command, "COMMAND", &mut text).map_err(CliError::failed)?;
    print(&String::from_utf8_lossy(&text))
}
