use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn schedule(fields: Value) -> Schedule {
    let mut document = json!({"name": "sale", "duration_minutes": 120});
    document.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    serde_json::from_value(document).expect("a schedule")
}

fn cron(pattern: &str, zone: &str) -> Schedule {
    schedule(json!({"cron": pattern, "time_zone": zone}))
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// Starts after `from`, in the clock time of the zone.
fn starts(schedule: &Schedule, from: &str, count: usize) -> Vec<String> {
    let mut at = time(from);
    let mut starts = Vec::new();
    for _ in 0..count {
        let Some(next) = schedule.next(at) else { break };
        starts.push(next.start.to_rfc3339());
        at = next.start.to_utc();
    }
    starts
}

#[test]
fn a_sale_on_the_eighteenth_at_eight_in_the_evening_is_that_of_its_zone() {
    let sale = cron("0 20 18 * *", "Asia/Shanghai");
    assert_eq!(starts(&sale, "2026-11-24T00:00:00Z", 2), ["2026-12-18T20:00:00+08:00", "2027-01-18T20:00:00+08:00"]);
    let last = sale.last(time("2026-12-18T12:00:00Z")).expect("it has begun");
    assert_eq!(
        (last.start.to_rfc3339(), last.end.to_rfc3339()),
        ("2026-12-18T20:00:00+08:00".into(), "2026-12-18T22:00:00+08:00".into())
    );
}

#[test]
fn the_last_day_of_a_month_is_found_in_every_month() {
    assert_eq!(
        starts(&cron("0 9 L * *", "UTC"), "2028-01-01T00:00:00Z", 4),
        [
            "2028-01-31T09:00:00+00:00",
            "2028-02-29T09:00:00+00:00",
            "2028-03-31T09:00:00+00:00",
            "2028-04-30T09:00:00+00:00"
        ]
    );
    assert_eq!(
        starts(&cron("0 9 31 * *", "UTC"), "2028-01-01T00:00:00Z", 3),
        ["2028-01-31T09:00:00+00:00", "2028-03-31T09:00:00+00:00", "2028-05-31T09:00:00+00:00"],
        "months without a 31st are passed over"
    );
}

#[test]
fn office_hours_stay_at_eight_by_the_clock_when_clocks_change() {
    assert_eq!(
        starts(&cron("0 8 * * 1-5", "Europe/Berlin"), "2026-10-22T12:00:00Z", 3),
        ["2026-10-23T08:00:00+02:00", "2026-10-26T08:00:00+01:00", "2026-10-27T08:00:00+01:00"]
    );
}

#[test]
fn what_starts_in_an_hour_that_clocks_skip_starts_when_they_have_skipped_it() {
    assert_eq!(
        starts(&cron("30 2 * * *", "Europe/Berlin"), "2027-03-27T12:00:00Z", 2),
        ["2027-03-28T03:00:00+02:00", "2027-03-29T02:30:00+02:00"]
    );
}

#[test]
fn what_starts_in_an_hour_that_clocks_repeat_starts_once() {
    let nightly = cron("30 2 * * *", "Europe/Berlin");
    assert_eq!(starts(&nightly, "2026-10-24T12:00:00Z", 2), ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]);
    let once = schedule(json!({"at": "2026-10-25T02:30", "time_zone": "Europe/Berlin"}));
    assert_eq!(starts(&once, "2026-01-01T00:00:00Z", 5), ["2026-10-25T02:30:00+02:00"]);
}

#[test]
fn a_time_that_clocks_skip_is_no_time() {
    let skipped = schedule(json!({"at": "2027-03-28T02:30", "time_zone": "Europe/Berlin"}));
    assert_eq!(skipped.next(time("2026-01-01T00:00:00Z")), None);
}

#[test]
fn a_time_with_an_offset_is_an_instant_and_is_over_for_good() {
    let sale = schedule(json!({"at": "2026-12-18T20:00:00+08:00"}));
    let at = |from, until| sale.between(time(from), time(until));
    assert_eq!(at("2026-12-18T11:00:00Z", "2026-12-18T11:59:59Z"), None);
    assert!(at("2026-12-18T11:00:00Z", "2026-12-18T12:00:00Z").is_some());
    assert!(at("2026-12-18T13:59:59Z", "2026-12-18T14:10:00Z").is_some());
    assert_eq!(at("2026-12-18T14:00:00Z", "2026-12-18T14:10:00Z"), None);
    assert_eq!(sale.next(time("2026-12-18T12:00:00Z")), None);
}

#[test]
fn a_leap_day_is_found_years_away() {
    let leap = cron("0 0 29 2 *", "Asia/Shanghai");
    assert_eq!(starts(&leap, "2026-01-01T00:00:00Z", 1), ["2028-02-29T00:00:00+08:00"]);
    let last = leap.last(time("2027-12-31T00:00:00Z")).expect("there was one");
    assert_eq!(last.start.to_rfc3339(), "2024-02-29T00:00:00+08:00");
}

#[test]
fn what_is_no_time_no_pattern_and_no_zone_is_refused_with_a_mend() {
    let said = |field: &str, value: &str| {
        let document = json!({"name": "sale", "duration_minutes": 5, field: value});
        serde_json::from_value::<Schedule>(document).expect_err("it should be refused").to_string()
    };
    assert!(said("at", "tomorrow").contains("write 2026-12-18T20:00:00+08:00"));
    assert!(said("at", "2026-02-30T20:00").contains("is no time"));
    for pattern in ["0 20 18 *", "0 0 20 18 * *", "61 * * * *", "0 20 30 2 *", ""] {
        assert!(said("cron", pattern).contains("write minute, hour, day of the month"), "{pattern}");
    }
    assert!(said("time_zone", "Peking").contains("write Asia/Shanghai"));
}

#[test]
fn what_was_written_survives_a_round_trip() {
    for fields in [
        json!({"cron": "0 20 L * MON#1", "time_zone": "Asia/Shanghai"}),
        json!({"at": "2026-12-18T20:00:00+08:00"}),
        json!({"at": "2026-12-18T20:00", "time_zone": "Europe/Berlin"}),
    ] {
        let once = schedule(fields);
        let text = serde_json::to_string(&once).expect("it is serialisable");
        assert_eq!(serde_json::from_str::<Schedule>(&text).expect("what was written can be read"), once);
    }
}

proptest! {
    #[test]
    fn the_last_start_is_the_next_of_any_time_shortly_before_it(
        minute in 0u32..60, hour in 0u32..24, day in 1u32..29, hours in 0i64..20_000,
        zone in prop::sample::select(vec!["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    ) {
        let monthly = cron(&format!("{minute} {hour} {day} * *"), zone);
        let now = time("2026-01-01T00:00:00Z") + TimeDelta::hours(hours);
        let last = monthly.last(now).expect("every month has that day");
        prop_assert!(last.start <= now);
        prop_assert_eq!(monthly.next(last.start.to_utc() - TimeDelta::seconds(1)), Some(last));
        prop_assert!(monthly.next(now).is_some_and(|next| next.start > now));
    }
}
