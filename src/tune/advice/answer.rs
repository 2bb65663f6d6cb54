use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::model::{ExpectedLoad, Group, Heard, LoadPattern, ProposedChange, Tunables};
use crate::tune::space::{Parameter, parameters};

/// Longest answer that is read, in bytes.
pub const LONGEST_ANSWER: usize = 64 * 1024;
/// Most that a parameter is moved by one answer, as a share of what it is.
pub const MOST_STEP: f64 = 0.2;
/// What is asked for beyond this share is no slip but a mistake.
const ABSURD_STEP: f64 = 0.5;
const MOST_CHANGES: usize = 12;
const MOST_FORECASTS: usize = 48;
const MOST_RISKS: usize = 10;
/// Longest text that is kept, in characters.
const LONGEST_TEXT: usize = 300;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    load_pattern: LoadPattern,
    forecast: Vec<Forecast>,
    risks: Vec<String>,
    changes: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forecast {
    time: DateTime<Utc>,
    load_per_second: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    parameter: String,
    value: f64,
    reason: String,
}

/// Reads an answer.
///
/// # Errors
/// Says why nothing can be taken from it. One absurd change makes all of it suspect.
pub fn hear(text: &str, before: &Tunables, group: &Group) -> Result<Heard, String> {
    if text.len() > LONGEST_ANSWER {
        return Err(format!("it has {} bytes, more than {LONGEST_ANSWER}", text.len()));
    }
    let mut heard = Heard::default();
    let (document, was_fenced) = unfenced(text.trim());
    if was_fenced {
        heard.notes.push("the fence around it was taken off".to_owned());
    }
    if !document.starts_with('{') {
        return Err("it is no JSON object".to_owned());
    }
    let answer: Answer =
        serde_json::from_str(document).map_err(|error| plain(&format!("it is not as asked for: {error}")))?;
    heard.load_pattern = Some(answer.load_pattern);
    if answer.changes.len() > MOST_CHANGES {
        return Err(format!("it changes {} parameters, more than {MOST_CHANGES}", answer.changes.len()));
    }
    let known: Vec<Parameter> = parameters(group, before.engine).into_iter().filter(Parameter::is_number).collect();
    for change in answer.changes {
        let change = taken(change, &known, before, &mut heard.notes)?;
        if heard.changes.iter().any(|other| other.parameter == change.parameter) {
            return Err(format!("it changes {} twice", change.parameter));
        }
        heard.changes.push(change);
    }
    shorten(&mut heard.notes, "forecasts", answer.forecast.len(), MOST_FORECASTS);
    for Forecast { time, load_per_second } in answer.forecast.into_iter().take(MOST_FORECASTS) {
        if !(load_per_second.is_finite() && load_per_second >= 0.0) {
            return Err("it expects a load below zero".to_owned());
        }
        heard.forecast.push(ExpectedLoad { time, load_per_second });
    }
    shorten(&mut heard.notes, "risks", answer.risks.len(), MOST_RISKS);
    heard.risks = answer.risks.iter().take(MOST_RISKS).map(|risk| plain(risk)).collect();
    Ok(heard)
}

/// A change within what may be changed.
fn taken(
    change: Change,
    known: &[Parameter],
    before: &Tunables,
    notes: &mut Vec<String>,
) -> Result<ProposedChange, String> {
    let name = plain(&change.parameter);
    let unknown = || format!("it changes `{name}`, which is no parameter");
    let parameter = known.iter().find(|known| known.name == change.parameter).ok_or_else(unknown)?;
    let value = parameter.of(before).ok_or_else(unknown)?;
    let asked = change.value;
    if !asked.is_finite() || (asked - value).abs() > ABSURD_STEP * value.abs() {
        return Err(format!("it wants {name} to be {asked} instead of {value}, more than 50 % away"));
    }
    let step = MOST_STEP * value.abs();
    let within = asked.clamp(value - step, value + step).clamp(parameter.least, parameter.most);
    if within != asked {
        notes.push(format!("{name} was to be {asked}; {within} is taken: within its bounds and at most 20 % away"));
    }
    Ok(ProposedChange { parameter: name, before: value, asked, taken: within, reason: plain(&change.reason) })
}

fn shorten(notes: &mut Vec<String>, what: &str, count: usize, most: usize) {
    if count > most {
        notes.push(format!("{} of {count} {what} were left out", count - most));
    }
}

/// A document without the fence that models like to put around one.
fn unfenced(text: &str) -> (&str, bool) {
    let inside = || text.strip_prefix("```")?.strip_suffix("```");
    match inside() {
        Some(inside) => (inside.strip_prefix("json").unwrap_or(inside).trim(), true),
        None => (text, false),
    }
}

/// A text on one line, without control characters, and not too long.
pub(super) fn plain(text: &str) -> String {
    let one_line = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    one_line.take(LONGEST_TEXT).collect::<String>().trim().to_owned()
}
