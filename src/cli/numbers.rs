//! Numbers as arguments, refused in words that a person understands.

/// A number above 0.
pub(super) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("a number above 0 is needed".to_owned()),
    }
}

/// A whole number of 0 or more.
pub(super) fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "a whole number of 0 or more is needed".to_owned())
}

/// Every option of every command takes a negative number as its value, so that its own parser says what is needed. Without
/// this, `--lead -5` reads as an unknown option `-5`.
pub(super) fn allow_negative(command: clap::Command) -> clap::Command {
    let takes_value = |arg: &clap::Arg| !arg.is_positional() && arg.get_action().takes_values();
    let names: Vec<String> = command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    let command = command.mut_args(|arg| if takes_value(&arg) { arg.allow_negative_numbers(true) } else { arg });
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, allow_negative))
}
