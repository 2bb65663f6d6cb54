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
    assert_eq!((0..4).map(|minute| market.at(minute).to_vec()).collect::<Vec<_>>(), [[2, 1], [2, 0], [2, 0], [0, 0]]);
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
    let (recording, _) = read_recording(&path, None).unwrap();
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
        (
            "t,x\n2024-05-10T00:00:00Z,1,5\n2024-05-10T00:01:00Z,2,5\n",
            "trace t.csv: row 2 has 3 cells, the header has 2; a decimal comma makes two cells of one number",
        ),
        (
            "t;x\n2024-05-10T00:00:00Z;1\n",
            "trace t.csv: separates its cells by a semicolon; the separator must be a comma",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text, None).unwrap_err(), expected);
    }
    assert_eq!(parse(GOOD, Some("z")).unwrap_err(), "trace t.csv: has no column `z`; it has load, other");
}

#[test]
fn a_file_of_another_encoding_is_told_to_be_saved_as_utf_8() {
    // \u{65f6}\u{95f4} in GBK.
    let bytes = b"\xca\xb1\xbc\xe4,x\n2024-05-10T00:00:00Z,1\n";
    let error = parse_recording("t.csv", "t".to_owned(), bytes, None).unwrap_err();
    assert_eq!(error.to_string(), "trace t.csv: is not UTF-8; save it as UTF-8");
}

#[test]
fn of_our_own_export_the_load_is_taken_and_nothing_is_guessed() {
    let choose = |header: &str| {
        let header: csv::StringRecord = header.split(',').collect::<Vec<_>>().into();
        LoadColumn::choose(&header, None).map(|column| column.name)
    };
    let rest = "current,proposed,target,policy,guardrails,demand,per_hour,base_serving,base_starting,events";
    assert_eq!(choose(&format!("time,serving,total,cpu,requests,{rest}")).unwrap(), "requests");
    assert_eq!(choose(&format!("time,serving,total,tokens,{rest}")).unwrap(), "tokens");
    let refused = choose(&format!("time,serving,total,cpu,tokens,{rest}")).unwrap_err();
    assert!(refused.ends_with("say by --column which signal is the load: cpu, tokens"), "{refused}");
    assert_eq!(choose("time,serving,total").unwrap(), "serving");
}
