//! How far this machine's clock is from the cloud's: a signature holds for minutes only.

use std::time::Duration;

use chrono::{DateTime, Utc};
use url::Url;

use super::report::Report;

const AREA: &str = "clock";
const CHECK: &str = "this machine and the cloud";
/// A signature is refused 15 minutes off; metrics are misread long before.
const MOST_SECONDS: i64 = 30;

pub(super) async fn examine(report: &mut Report, client: &reqwest::Client, address: Url) {
    let before = Utc::now();
    let answer = client.get(address.clone()).timeout(Duration::from_secs(8)).send().await;
    let after = Utc::now();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let mend = "no way to the API: look at the network, a proxy, and endpoints in the configuration";
            report.red(AREA, CHECK, format!("{address}: {}", error.without_url()), mend);
            return;
        }
    };
    let date = answer.headers().get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
    match date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()) {
        Some(date) => {
            let here = before + (after - before) / 2;
            let seconds = (here - date.with_timezone(&Utc)).num_seconds();
            let seen = format!("{seconds} s apart");
            report.must(AREA, CHECK, seconds.abs() <= MOST_SECONDS, seen, "let this machine keep time by NTP");
        }
        None => report.skipped(AREA, CHECK, format!("{address} does not tell the time")),
    }
}
