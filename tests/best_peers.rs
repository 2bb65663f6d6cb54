//! The peers' J on the headline traces against figures of an independent implementation of the same model.
//!
//! The traces are not part of the project. `FLEXUS_TRACES` names the folder that holds them; without it the check is
//! skipped and says so.

use std::path::{Path, PathBuf};

use flexus_autoscaler::cli::trace::read_trace;
use flexus_autoscaler::replay::{Arena, Contestant, Row, Settings, Window};

/// Largest deviation allowed, as a share.
const TOLERANCE: f64 = 0.001;

struct Headline {
    trace: &'static str,
    window: Window,
    /// Best J of any peer with any knob at k = 5, 20, 100, and who has it; by lead.
    best: [(u32, [(f64, &'static str); 3]); 2],
}

const fn days(from_day: usize, days: Option<usize>) -> Window {
    Window { from_day, days }
}

const HEADLINES: [Headline; 8] = [
    Headline {
        trace: "llm_azure_code_2024.csv",
        window: days(0, None),
        best: [
            (120, [(1.179, "hpa@80"), (1.286, "hpa@75"), (1.419, "hpa@70")]),
            (300, [(1.200, "hpa@80"), (1.308, "hpa@75"), (1.469, "hpa@70")]),
        ],
    },
    Headline {
        trace: "llm_burstgpt_days_1_4.csv",
        window: days(0, None),
        best: [
            (120, [(3.322, "alarm_policy"), (5.941, "target_tracking@50"), (10.791, "static_peak")]),
            (300, [(3.317, "alarm_policy"), (6.196, "target_tracking@40"), (10.822, "static_peak")]),
        ],
    },
    Headline {
        trace: "web_worldcup98_first_part.csv.gz",
        window: days(36, Some(10)),
        best: [
            (120, [(1.120, "hpa@80"), (1.201, "hpa@75"), (1.352, "hpa@70")]),
            (300, [(1.147, "hpa@80"), (1.266, "hpa@75"), (1.383, "hpa@70")]),
        ],
    },
    Headline {
        trace: "web_nasa_1995.csv.gz",
        window: days(0, Some(14)),
        best: [
            (120, [(1.918, "hpa@70"), (2.066, "alarm_policy"), (2.826, "alarm_policy")]),
            (300, [(1.922, "target_tracking@70"), (2.095, "alarm_policy"), (2.897, "alarm_policy")]),
        ],
    },
    Headline {
        trace: "app_load_daily_spikes.csv",
        window: days(0, None),
        best: [
            (120, [(2.026, "hpa@70"), (3.473, "hpa@50"), (7.299, "hpa@30")]),
            (300, [(2.486, "target_tracking@70"), (4.423, "target_tracking@50"), (9.362, "hpa@20")]),
        ],
    },
    Headline {
        trace: "app_load_holiday.csv",
        window: days(0, None),
        best: [
            (120, [(1.093, "hpa@85"), (1.212, "hpa@75"), (1.451, "static_peak")]),
            (300, [(1.137, "hpa@80"), (1.302, "hpa@75"), (1.451, "static_peak")]),
        ],
    },
    Headline {
        trace: "llm_tenant_daily.csv",
        window: days(0, None),
        best: [
            (120, [(1.179, "hpa@85"), (1.309, "hpa@75"), (1.553, "hpa@65")]),
            (300, [(1.225, "hpa@80"), (1.364, "hpa@75"), (1.625, "hpa@65")]),
        ],
    },
    Headline {
        trace: "vm_asg_cluster.csv",
        window: days(0, Some(14)),
        best: [
            (120, [(1.798, "hpa@65"), (2.134, "hpa@60"), (2.402, "hpa@50")]),
            (300, [(2.156, "hpa@65"), (2.450, "alarm_policy"), (3.121, "static_peak")]),
        ],
    },
];

/// The peers that the figures were made with.
const PEERS: &str = "static_one,static_peak,article,alarm_policy,hpa,target_tracking";

#[test]
fn the_best_peers_agree_with_an_independent_implementation() {
    let Some(folder) = std::env::var_os("FLEXUS_TRACES").map(PathBuf::from) else {
        eprintln!("skipped: FLEXUS_TRACES does not name a folder with traces");
        return;
    };
    let mut wrong = Vec::new();
    for headline in &HEADLINES {
        check(&folder, headline, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(folder: &Path, headline: &Headline, wrong: &mut Vec<String>) {
    let trace = read_trace(&folder.join(headline.trace), None, headline.window).unwrap();
    for (lead_seconds, expected) in &headline.best {
        let settings = Settings { lead_seconds: *lead_seconds, ..Settings::default() };
        let arena = Arena::new(&trace, &settings);
        let peers = Contestant::parse_list(PEERS, &settings.prices).unwrap();
        let rows: Vec<Row> = peers.iter().map(|peer| peer.play(&arena)).collect();
        for (price, (best, who)) in settings.prices.iter().zip(expected) {
            let j = |row: &Row| row.j.at(*price).unwrap();
            let found = rows.iter().min_by(|a, b| j(a).total_cmp(&j(b))).unwrap();
            let theirs = rows.iter().find(|row| row.name == *who).unwrap();
            let line = format!(
                "{} {lead_seconds} s k={price}: expected {best} {who}, found {:.4} {}, {who} has {:.4} ({:+.2} %)",
                headline.trace,
                j(found),
                found.name,
                j(theirs),
                (j(theirs) / best - 1.0) * 100.0
            );
            eprintln!("{line}");
            if (j(found) / best - 1.0).abs() > TOLERANCE {
                wrong.push(line);
            }
        }
    }
}
