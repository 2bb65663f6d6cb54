//! Reads a recorded load from a CSV file, plain or gzipped.

use std::fs;
use std::io::Read;
use std::path::Path;

use chrono::{DateTime, NaiveDateTime, Utc};
use flate2::read::MultiGzDecoder;
use thiserror::Error;

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
    Ok(Trace::prepare(&read_recording(path, column)?, window)?)
}

/// Reads the whole recording as it lies in the file.
pub fn read_recording(path: &Path, column: Option<&str>) -> Result<Recording, TraceFileError> {
    let shown = path.display().to_string();
    let bytes = read_plain(path)?;
    let name = path.file_name().map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
    let name = name.trim_end_matches(".gz").trim_end_matches(".csv").to_owned();
    parse_recording(&shown, name, &bytes, column)
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
/// As [`read_recording`].
pub fn parse_recording(
    path: &str,
    name: String,
    bytes: &[u8],
    column: Option<&str>,
) -> Result<Recording, TraceFileError> {
    let file = |problem: String| TraceFileError::File { path: path.to_owned(), problem };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| file(format!("is no CSV file: {error}")))?.clone();
    if header.iter().all(str::is_empty) {
        return Err(file("is empty; a header and at least two rows are needed".to_owned()));
    }
    if parse_time(&header[0]).is_some() || header.iter().skip(1).any(|cell| cell.parse::<f64>().is_ok()) {
        return Err(file("row 1 holds values; a header such as `timestamp,requests_per_second` is needed".to_owned()));
    }
    let index = load_column(&header, column).map_err(file)?;
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
    Ok(Recording {
        name,
        start: Minute::containing(first),
        step_seconds: u32::try_from((second - first).num_seconds())
            .map_err(|_| cell(3, 0, "the step is longer than a day".to_owned()))?,
        values,
    })
}

fn load_column(header: &csv::StringRecord, column: Option<&str>) -> Result<usize, String> {
    match column {
        None if header.len() < 2 => Err("has one column; a time and a load are needed".to_owned()),
        None => Ok(1),
        Some(column) => header.iter().skip(1).position(|name| name == column).map(|index| index + 1).ok_or_else(|| {
            let known: Vec<&str> = header.iter().skip(1).collect();
            format!("has no column `{column}`; it has {}", known.join(", "))
        }),
    }
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
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const GOOD: &str =
        "timestamp,load,other\n2024-05-10T00:00:00Z,1,7\n2024-05-10T00:01:00Z,,8\n2024-05-10T00:02:00Z,3,9\n";

    fn parse(text: &str, column: Option<&str>) -> Result<Recording, String> {
        parse_recording("t.csv", "t".to_owned(), text.as_bytes(), column).map_err(|error| error.to_string())
    }

    #[test]
    fn the_second_column_is_the_load_unless_another_is_named() {
        let recording = parse(GOOD, None).unwrap();
        assert_eq!((recording.step_seconds, recording.start), (60, Minute(28_588_320)));
        assert_eq!(recording.values, [Some(1.0), None, Some(3.0)]);
        assert_eq!(parse(GOOD, Some("other")).unwrap().values, [Some(7.0), Some(8.0), Some(9.0)]);
    }

    #[test]
    fn times_may_lack_a_zone_and_seconds() {
        assert_eq!(parse("t,x\n2024-05-10 00:00,1\n2024-05-10 00:05,2\n", None).unwrap().step_seconds, 300);
        assert_eq!(parse("t,x\n2024-05-10T02:00:00+02:00,1\n2024-05-10T00:00:10Z,2\n", None).unwrap().step_seconds, 10);
    }

    #[test]
    fn a_spot_market_is_filled_in_minute_by_minute_until_a_zone_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spot.csv");
        let rows = ["2023-08-03T00:00:00Z,a,2", "2023-08-03T00:00:00Z,b,1", "2023-08-03T00:03:00Z,a,0"];
        fs::write(&path, format!("timestamp,zone,available_capacity\n{}\n", rows.join("\n"))).unwrap();
        let market = read_spot_market(&path).unwrap();
        assert_eq!(
            (0..4).map(|minute| market.at(minute).to_vec()).collect::<Vec<_>>(),
            [[2, 1], [2, 0], [2, 0], [0, 0]]
        );
        fs::write(&path, "timestamp,zone,available_capacity\n").unwrap();
        assert!(read_spot_market(&path).unwrap_err().to_string().contains("no rows"));
    }

    #[test]
    fn a_gzipped_file_reads_like_a_plain_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("load.csv.gz");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(GOOD.as_bytes()).unwrap();
        fs::write(&path, encoder.finish().unwrap()).unwrap();
        let recording = read_recording(&path, None).unwrap();
        assert_eq!((recording.name.as_str(), recording.values.len()), ("load", 3));
    }

    #[test]
    fn a_bad_file_gets_one_line_that_names_row_and_column() {
        let cases = [
            ("", "trace t.csv: is empty; a header and at least two rows are needed"),
            ("t,x\n", "trace t.csv: has a header and no rows; at least two are needed"),
            ("t,x\n2024-05-10T00:00:00Z,1\n", "trace t.csv: has one row; at least two are needed to know the step"),
            ("t\n2024-05-10T00:00:00Z\n", "trace t.csv: has one column; a time and a load are needed"),
            (
                "2024-05-10T00:00:00Z,1\n2024-05-10T00:01:00Z,1\n",
                "trace t.csv: row 1 holds values; a header such as `timestamp,requests_per_second` is needed",
            ),
            (
                "t,x\n2024-05-10T00:00:00Z,1\nyesterday,1\n",
                "trace t.csv, row 3, column t: `yesterday` is no ISO 8601 time such as 2024-05-10T00:00:00Z",
            ),
            (
                "t,x\n2024-05-10T00:00:00Z,1\n2024-05-10T00:01:00Z,1\n2024-05-10T00:03:00Z,1\n",
                "trace t.csv, row 4, column t: is 120 s after the row before, where the step is 60 s; leave the cell empty where data is missing",
            ),
            (
                "t,x\n2024-05-10T00:01:00Z,1\n2024-05-10T00:01:00Z,1\n",
                "trace t.csv, row 3, column t: 2024-05-10T00:01:00+00:00 does not come after 2024-05-10T00:01:00+00:00",
            ),
            (
                "t,x\n2024-05-10T00:00:00Z,many\n",
                "trace t.csv, row 2, column x: `many` is no number; leave the cell empty where data is missing",
            ),
            (
                "t,x\n2024-05-10T00:00:00Z,NaN\n",
                "trace t.csv, row 2, column x: NaN is no load; leave the cell empty where data is missing",
            ),
            ("t,x\n2024-05-10T00:00:00Z,inf\n", "trace t.csv, row 2, column x: the load is infinite"),
            (
                "t,x\n2024-05-10T00:00:00Z,1e300\n",
                "trace t.csv, row 2, column x: the load 1e300 is too large; at most 1e18",
            ),
            (
                "t,x\n2024-05-10T00:00:00Z,1\n2024-05-12T00:00:00Z,1\n",
                "trace t.csv, row 3, column t: is 172800 s after the row before; a step of at most a day is needed",
            ),
            ("t,x\n2024-05-10T00:00:00Z,-2\n", "trace t.csv, row 2, column x: the load -2 is negative"),
            ("t,x\n2024-05-10T00:00:00Z\n", "trace t.csv, row 2, column x: the row ends before this column"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text, None).unwrap_err(), expected);
        }
        assert_eq!(parse(GOOD, Some("z")).unwrap_err(), "trace t.csv: has no column `z`; it has load, other");
    }
}
