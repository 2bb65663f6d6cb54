//! Reads a recorded load from a CSV file, plain or gzipped.

mod column;

use std::fs;
use std::io::Read;
use std::path::Path;

use chrono::{DateTime, NaiveDateTime, Utc};
use flate2::read::MultiGzDecoder;
use thiserror::Error;

pub use self::column::LoadColumn;
use crate::local::SpotTrace;
use crate::model::Minute;
use crate::replay::spot::SpotMarket;
use crate::replay::{Recording, Trace, TraceError, Window};

/// Longest step: a load known once a day says nothing of minutes.
const LONGEST_STEP_SECONDS: i64 = 86_400;
/// Largest load, so that sums stay finite.
const LARGEST_LOAD: f64 = 1e18;
/// Largest file, unpacked, in bytes. Ten years of minutes with a few columns are half of it.
const LARGEST_FILE: u64 = 512 * 1024 * 1024;
/// Longest spot trace, in minutes: a year.
const LONGEST_SPOT_TRACE: i64 = 366 * 1440;
/// Most zones of a spot trace.
const MOST_ZONES: usize = 64;

/// Why a trace file cannot be used. Rows are counted as a spreadsheet does: the header is row 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TraceFileError {
    /// The file cannot be read.
    #[error("cannot read trace {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file as a whole is unusable.
    #[error("trace {path}: {problem}")]
    File {
        /// The file.
        path: String,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// One cell is unusable.
    #[error("trace {path}, row {row}, column {column}: {problem}")]
    Cell {
        /// The file.
        path: String,
        /// Row, the header being row 1.
        row: usize,
        /// Name of the column.
        column: String,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// The recording cannot be replayed.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

/// Reads a trace and cuts out the days asked for.
///
/// The first column holds the time of each row (ISO 8601, UTC if no zone is given) at a regular step, `column` the load in
/// work per second; without it the second column. Empty cells are missing data.
pub fn read_trace(path: &Path, column: Option<&str>, window: Window) -> Result<Trace, TraceFileError> {
    Ok(read_trace_and_column(path, column, window)?.0)
}

/// As [`read_trace`], and tells which column was taken.
///
/// # Errors
/// As [`read_trace`].
pub fn read_trace_and_column(
    path: &Path,
    column: Option<&str>,
    window: Window,
) -> Result<(Trace, LoadColumn), TraceFileError> {
    let (recording, taken) = read_recording(path, column)?;
    Ok((Trace::prepare(&recording, window)?, taken))
}

/// Reads the whole recording as it lies in the file.
fn read_recording(path: &Path, column: Option<&str>) -> Result<(Recording, LoadColumn), TraceFileError> {
    let shown = path.display().to_string();
    let bytes = read_plain(path)?;
    let name = path.file_name().map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
    let name = name.trim_end_matches(".gz").trim_end_matches(".csv").to_owned();
    parse(&shown, name, &bytes, column)
}

/// Reads how many spot instances there was room for: rows of time, zone, number. A zone keeps its number until its next
/// row, and has no room once its rows have ended.
pub fn read_spot_market(path: &Path) -> Result<SpotMarket, TraceFileError> {
    parse_spot_market(&path.display().to_string(), &read_plain(path)?)
}

/// Reads a spot market from the bytes of a CSV file. `path` is what errors call it.
///
/// # Errors
/// As [`read_spot_market`].
pub fn parse_spot_market(path: &str, bytes: &[u8]) -> Result<SpotMarket, TraceFileError> {
    let file = |problem: String| TraceFileError::File { path: path.to_owned(), problem };
    let trace = SpotTrace::read(bytes).map_err(|error| file(error.to_string()))?;
    let zones = trace.zones();
    if zones.len() > MOST_ZONES {
        return Err(file(format!("names {} zones; at most {MOST_ZONES} are played", zones.len())));
    }
    if trace.minutes() > LONGEST_SPOT_TRACE {
        return Err(file(format!("spans {} days; at most 366 are played", trace.minutes() / 1440)));
    }
    let mut last = vec![0; zones.len()];
    let changes = |minute: i64| {
        trace.at(minute).filter_map(|(zone, room)| Some((zones.iter().position(|known| known == zone)?, room)))
    };
    for minute in 0..trace.minutes() {
        changes(minute).for_each(|(zone, _)| last[zone] = minute);
    }
    let mut room = vec![0; zones.len()];
    let row = |minute: i64| {
        changes(minute).for_each(|(zone, now)| room[zone] = now);
        room.iter().zip(&last).map(|(room, last)| if minute <= *last { *room } else { 0 }).collect()
    };
    SpotMarket::new((0..trace.minutes()).map(row).collect())
        .ok_or_else(|| file("has a header and no rows; timestamp,zone,available_capacity are needed".to_owned()))
}

/// The bytes of a file, unpacked if it is gzipped.
fn read_plain(path: &Path) -> Result<Vec<u8>, TraceFileError> {
    let read = |source| TraceFileError::Read { path: path.display().to_string(), source };
    let too_large = || TraceFileError::File {
        path: path.display().to_string(),
        problem: format!("is larger than {} MiB; cut it into pieces", LARGEST_FILE / (1024 * 1024)),
    };
    let whole = |from: &mut dyn Read| {
        let mut bytes = Vec::new();
        from.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(read)?;
        if bytes.len() as u64 > LARGEST_FILE { Err(too_large()) } else { Ok(bytes) }
    };
    let bytes = whole(&mut fs::File::open(path).map_err(read)?)?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    whole(&mut MultiGzDecoder::new(bytes.as_slice()))
}

/// Reads a recording from the bytes of a CSV file. `path` is what errors call it, `name` what reports do.
///
/// # Errors
/// As [`read_trace`].
pub fn parse_recording(
    path: &str,
    name: String,
    bytes: &[u8],
    column: Option<&str>,
) -> Result<Recording, TraceFileError> {
    Ok(parse(path, name, bytes, column)?.0)
}

fn parse(
    path: &str,
    name: String,
    bytes: &[u8],
    column: Option<&str>,
) -> Result<(Recording, LoadColumn), TraceFileError> {
    let file = |problem: String| TraceFileError::File { path: path.to_owned(), problem };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if std::str::from_utf8(bytes).is_err() {
        return Err(file("is not UTF-8; save it as UTF-8".to_owned()));
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| file(format!("is no CSV file: {error}")))?.clone();
    if header.iter().all(str::is_empty) {
        return Err(file("is empty; a header and at least two rows are needed".to_owned()));
    }
    if let [only] = header.iter().collect::<Vec<_>>()[..]
        && let Some(other) = [';', '\t'].into_iter().find(|separator| only.contains(*separator))
    {
        let name = if other == ';' { "a semicolon" } else { "a tab" };
        return Err(file(format!("separates its cells by {name}; the separator must be a comma")));
    }
    if parse_time(&header[0]).is_some() || header.iter().skip(1).any(|cell| cell.parse::<f64>().is_ok()) {
        return Err(file("row 1 holds values; a header such as `timestamp,requests_per_second` is needed".to_owned()));
    }
    let taken = LoadColumn::choose(&header, column).map_err(file)?;
    let index = taken.index;
    let cell = |row: usize, column: usize, problem: String| TraceFileError::Cell {
        path: path.to_owned(),
        row,
        column: header.get(column).unwrap_or_default().to_owned(),
        problem,
    };
    let mut times: Vec<DateTime<Utc>> = Vec::new();
    let mut values = Vec::new();
    for (row, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|error| file(format!("row {row} is no CSV: {error}")))?;
        if record.len() > header.len() {
            let (cells, known) = (record.len(), header.len());
            let problem = format!(
                "row {row} has {cells} cells, the header has {known}; a decimal comma makes two cells of one number"
            );
            return Err(file(problem));
        }
        let text = record.get(0).unwrap_or_default();
        let time = parse_time(text).ok_or_else(|| {
            cell(row, 0, format!("`{}` is no ISO 8601 time such as 2024-05-10T00:00:00Z", excerpt(text)))
        })?;
        check_step(&times, time).map_err(|problem| cell(row, 0, problem))?;
        times.push(time);
        let text = record.get(index).ok_or_else(|| cell(row, index, "the row ends before this column".to_owned()))?;
        values.push(parse_load(text).map_err(|problem| cell(row, index, problem))?);
    }
    let [first, second, ..] = times[..] else {
        return Err(file(match times.len() {
            0 => "has a header and no rows; at least two are needed".to_owned(),
            _ => "has one row; at least two are needed to know the step".to_owned(),
        }));
    };
    let recording = Recording {
        name,
        start: Minute::containing(first),
        step_seconds: u32::try_from((second - first).num_seconds())
            .map_err(|_| cell(3, 0, "the step is longer than a day".to_owned()))?,
        values,
    };
    Ok((recording, taken))
}

/// Refuses a time that does not continue the step of the first two.
fn check_step(times: &[DateTime<Utc>], time: DateTime<Utc>) -> Result<(), String> {
    let Some(last) = times.last() else { return Ok(()) };
    let step = time - *last;
    if step.num_milliseconds() <= 0 {
        return Err(format!("{} does not come after {}", time.to_rfc3339(), last.to_rfc3339()));
    }
    let expected = if times.len() > 1 { times[1] - times[0] } else { step };
    if step != expected {
        return Err(format!(
            "is {} s after the row before, where the step is {} s; leave the cell empty where data is missing",
            step.as_seconds_f64(),
            expected.as_seconds_f64()
        ));
    }
    if step.num_seconds() > LONGEST_STEP_SECONDS {
        return Err(format!("is {} s after the row before; a step of at most a day is needed", step.num_seconds()));
    }
    if step.num_milliseconds() % 1000 != 0 {
        return Err(format!("the step of {} s is not a whole number of seconds", step.as_seconds_f64()));
    }
    Ok(())
}

fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), format).ok())
        .map(|time| time.and_utc())
}

fn parse_load(text: &str) -> Result<Option<f64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Err(_) => Err(format!("`{}` is no number; leave the cell empty where data is missing", excerpt(text))),
        Ok(value) if value.is_nan() => Err("NaN is no load; leave the cell empty where data is missing".to_owned()),
        Ok(value) if value.is_infinite() => Err("the load is infinite".to_owned()),
        Ok(value) if value > LARGEST_LOAD => Err(format!("the load {value:e} is too large; at most {LARGEST_LOAD:e}")),
        Ok(value) if value < 0.0 => Err(format!("the load {value} is negative")),
        Ok(value) => Ok(Some(value)),
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
