//! How many spot servers there is room for, as a recorded trace has it.

use std::collections::BTreeSet;
use std::io::BufRead;

use chrono::{DateTime, Utc};

use crate::model::Minute;

/// How many spot servers each zone has room for, minute by minute from the start of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpotTrace {
    /// Changes: minute since the start, zone, capacity; in order.
    changes: Vec<(i64, String, u32)>,
}

impl SpotTrace {
    /// Reads lines of `timestamp,zone,available_capacity` after a headline. Minutes are counted from the first row's time.
    ///
    /// # Errors
    /// Names the line that cannot be read.
    pub fn read(lines: impl BufRead) -> Result<Self, SpotTraceError> {
        let mut first: Option<Minute> = None;
        let mut changes = Vec::new();
        for (number, line) in lines.lines().enumerate().skip(1) {
            let error = |problem: String| SpotTraceError { line: number + 1, problem };
            let line = line.map_err(|problem| error(problem.to_string()))?;
            if line.trim().is_empty() {
                continue;
            }
            let mut cells = line.trim().split(',');
            let (Some(time), Some(zone), Some(capacity)) = (cells.next(), cells.next(), cells.next()) else {
                return Err(error("three cells are needed: timestamp,zone,available_capacity".to_owned()));
            };
            let time: DateTime<Utc> = time.parse().map_err(|_| error(format!("not an ISO time: {time}")))?;
            let capacity = capacity.parse().map_err(|_| error(format!("not a number of servers: {capacity}")))?;
            let minute = Minute::containing(time);
            let start = *first.get_or_insert(minute);
            changes.push((minute - start, zone.to_owned(), capacity));
        }
        Ok(Self::new(changes))
    }

    /// A trace of these changes: minute since the start, zone, capacity.
    pub fn new(mut changes: Vec<(i64, String, u32)>) -> Self {
        changes.sort();
        Self { changes }
    }

    /// Zones, sorted.
    pub fn zones(&self) -> Vec<String> {
        let zones: BTreeSet<&String> = self.changes.iter().map(|(_, zone, _)| zone).collect();
        zones.into_iter().cloned().collect()
    }

    /// Minutes from the start to the last change, that one included.
    pub fn minutes(&self) -> i64 {
        self.changes.last().map_or(0, |(minute, _, _)| minute + 1)
    }

    /// What changes at that many minutes after the start.
    pub fn at(&self, minute: i64) -> impl Iterator<Item = (&str, u32)> {
        let first = self.changes.partition_point(|(at, _, _)| *at < minute);
        self.changes[first..]
            .iter()
            .take_while(move |(at, _, _)| *at == minute)
            .map(|(_, zone, capacity)| (zone.as_str(), *capacity))
    }
}

/// A line of a spot trace that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct SpotTraceError {
    /// Its number, the headline being 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_by_minutes_since_its_start() {
        let text = "timestamp,zone,available_capacity\n2023-08-03T00:00:00Z,b,0\n2023-08-03T00:00:00Z,a,4\n2023-08-03T00:02:00Z,a,1\n";
        let trace = SpotTrace::read(text.as_bytes()).unwrap();
        assert_eq!(trace.zones(), ["a", "b"]);
        assert_eq!(trace.at(0).collect::<Vec<_>>(), [("a", 4), ("b", 0)]);
        assert_eq!(trace.at(1).count(), 0);
        assert_eq!(trace.at(2).collect::<Vec<_>>(), [("a", 1)]);
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = SpotTrace::read("timestamp,zone,available_capacity\nyesterday,a,1\n".as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "line 2: not an ISO time: yesterday");
        let error =
            SpotTrace::read("timestamp,zone,available_capacity\n2023-08-03T00:00:00Z,a\n".as_bytes()).unwrap_err();
        assert_eq!(error.line, 2);
    }
}
