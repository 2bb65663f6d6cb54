//! A file of lines, one JSON document each, gzipped.

use std::io::{BufRead, BufReader, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::records::SCHEMA_VERSION;
use crate::state::StoreError;

/// Longest line that is read, in bytes. A decision's whole record has some thousand.
const LONGEST_LINE_BYTES: u64 = 4 * 1024 * 1024;
/// Most that is unpacked of one file, in bytes. A day of whole records has some ten million.
const LARGEST_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// What could be read of a file.
#[derive(Debug)]
pub(super) struct Lines<T> {
    /// The whole lines.
    pub(super) lines: Vec<T>,
    /// Why there are not more of them, if something is torn.
    pub(super) torn: Option<String>,
}

/// Writes lines.
#[derive(Debug)]
pub(super) struct LineWriter(GzEncoder<Vec<u8>>);

impl LineWriter {
    pub(super) fn new() -> Self {
        // Without a time of writing in its header: the same lines are the same bytes.
        Self(GzEncoder::new(Vec::new(), Compression::default()))
    }

    pub(super) fn push<T: Serialize>(&mut self, key: &str, line: &T) -> Result<(), StoreError> {
        let mut bytes = super::super::to_json(key, line)?;
        bytes.push(b'\n');
        self.0.write_all(&bytes).map_err(|error| malformed(key, &error))
    }

    pub(super) fn finish(self, key: &str) -> Result<Vec<u8>, StoreError> {
        self.0.finish().map_err(|error| malformed(key, &error))
    }
}

/// Reads whatever whole lines there are. What is torn is left out and said; what is newer is an error.
pub(super) fn read_lines<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<Lines<T>, StoreError> {
    let mut reader = BufReader::new(MultiGzDecoder::new(bytes).take(LARGEST_FILE_BYTES));
    let (mut lines, mut torn) = (Vec::new(), None);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LONGEST_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                torn = Some(format!("torn after {} lines: {error}", lines.len()));
                break;
            }
        }
        match parse_line(key, &line) {
            Ok(parsed) => lines.push(parsed),
            Err(error) if error.must_not_overwrite() => return Err(error),
            Err(error) => torn = Some(error.to_string()),
        }
    }
    Ok(Lines { lines, torn })
}

fn parse_line<T: DeserializeOwned>(key: &str, line: &[u8]) -> Result<T, StoreError> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    let Versioned { schema } = serde_json::from_slice(line).map_err(|error| malformed(key, &error))?;
    if schema > SCHEMA_VERSION {
        return Err(StoreError::Newer { key: key.to_owned(), found: schema, known: SCHEMA_VERSION });
    }
    serde_json::from_slice(line).map_err(|error| malformed(key, &error))
}

fn malformed(key: &str, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Malformed { key: key.to_owned(), reason: error.to_string() }
}
