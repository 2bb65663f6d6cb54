use super::*;
use crate::cost::Recommendation;
use crate::cost::recommend::{Advice, Bound, Confidence};
use crate::model::{Hold, Order};
use crate::records::PastEvent;
use crate::replay::history::testing::{group, lived};

fn report() -> WeeklyReport {
    let (mut minutes, _, _) = lived("hpa@60");
    let before = minutes.clone();
    let what = crate::records::Happening::Hold(Hold {
        order: Order::Floor(4),
        who: "<b>ada|</b>".to_owned(),
        why: "sale".to_owned(),
        until: minutes[700].minute.start(),
    });
    let time = minutes[600].minute.start();
    minutes[600].events.push(PastEvent { record: "h".to_owned(), time, what });
    minutes.drain(900..930);
    WeeklyReport::of(&group(), &minutes, &before, &Terms::default()).unwrap()
}

#[test]
fn the_days_add_up_to_the_whole() {
    let report = report();
    let spent: f64 = report.days.iter().map(|day| day.spent).sum();
    assert!((spent - report.cost.spent).abs() < 1e-6);
    assert_eq!(report.decisions.evaluations, 1410);
    assert_eq!(report.curve.len(), 48);
    assert!(report.before.is_some());
}

#[test]
fn orders_silences_and_slow_spells_are_told() {
    let kinds: Vec<NotableKind> = report().notable.into_iter().map(|notable| notable.what).collect();
    assert!(kinds.contains(&NotableKind::Silence { minutes: 30 }));
    assert!(kinds.iter().any(|kind| matches!(kind, NotableKind::Order { order: Order::Floor(4), .. })));
}

#[test]
fn both_languages_say_the_same_things_in_the_same_order() {
    let report = report();
    let (english, chinese) = (report.document(Language::En), report.document(Language::Zh));
    let shape = |document: &Document| -> Vec<Vec<usize>> {
        let size = |block: &Block| match block {
            Block::Text(_) => 1,
            Block::List(items) => items.len(),
            Block::Table(header, rows) => header.len() * (rows.len() + 1),
        };
        document.sections.iter().map(|section| section.blocks.iter().map(size).collect()).collect()
    };
    assert_eq!(shape(&english), shape(&chinese));
    let han = |text: &str| text.chars().any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character));
    for (one, other) in english.sections.iter().zip(&chinese.sections) {
        assert!(!han(&one.heading) && han(&other.heading), "{} {}", one.heading, other.heading);
    }
    assert!(!han(&report.markdown(Language::En)) && han(&report.markdown(Language::Zh)));
}

#[test]
fn every_kind_of_advice_has_a_sentence_in_both_languages() {
    let all = [
        Advice::Policy {
            policy: "predictive@20".to_owned(),
            instance_hours: 100.0,
            actual_hours: 140.0,
            in_slo: 0.999,
            actual_in_slo: 0.998,
        },
        Advice::LowerMinimum { from: 4, to: 2, share: 0.5 },
        Advice::Flavor { bound: Bound::Cpu, cpu: 80.0, memory: 20.0 },
        Advice::Flavor { bound: Bound::Memory, cpu: 20.0, memory: 80.0 },
        Advice::RightSize {
            pool: "base".to_owned(),
            from: "x1.4u.16g".to_owned(),
            to: "x1.4u.8g".to_owned(),
            memory: 40.0,
            cpu: 60.0,
        },
        Advice::SpotShare { from: 0.2, to: 0.8, lost_per_thousand_hours: 3.0 },
        Advice::Reserved { instances: 3, used: 0.98, break_even: 0.98 },
        Advice::Schedule { from_hour: 9, until_hour: 11, instances: 12, otherwise: 3, days: 7 },
    ];
    for advice in all {
        let recommendation = Recommendation { advice, saving_per_month: Some(12.5), confidence: Confidence::Medium };
        let (english, chinese) = (sentence(&recommendation, Language::En), sentence(&recommendation, Language::Zh));
        assert!(english.contains("12.50") && english.contains("medium"), "{english}");
        assert!(chinese.contains("12.50") && chinese.contains("可信度中"), "{chinese}");
    }
}

#[test]
fn a_page_needs_nothing_else_and_takes_no_name_for_markup() {
    let report = report();
    let page = report.html(Language::Zh);
    assert!(page.contains("lang=\"zh-CN\"") && page.contains("<polyline"));
    assert!(!page.contains("src=") && !page.contains("href=") && !page.contains("url("), "nothing is fetched");
    assert!(!page.contains("<b>ada") && page.contains("&lt;b&gt;ada|&lt;/b&gt;"));
    let markdown = report.markdown(Language::En);
    assert!(markdown.contains("&lt;b>ada\\|&lt;/b>"), "{markdown}");
}

#[test]
fn a_message_is_no_longer_than_it_may_be_and_begins_with_what_matters() {
    let report = report();
    let (subject, text) = weekly_report_text(&report, Language::Zh);
    assert!(subject.len() <= 512 && text.len() <= LONGEST_MESSAGE_BYTES);
    let document = report.document(Language::Zh);
    let whole = document.plain(LONGEST_MESSAGE_BYTES);
    for most in [0, 40, 200, 1000, whole.len() - 1] {
        let cut = document.plain(most);
        assert!(cut.len() <= most, "{} of {most}", cut.len());
        assert!(whole.starts_with(cut.trim_end_matches("\n[…]\n")) || cut.is_empty());
    }
}
