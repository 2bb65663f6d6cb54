use super::*;
use crate::model::Minute;
use crate::replay::{Settings, Trace};

fn steady(minutes: usize) -> Trace {
    Trace { name: "steady".to_owned(), start: Minute(0), load: vec![60.0; minutes], interpolated: 0 }
}

fn settings() -> Settings {
    Settings { capacity: Some(10.0), ..Settings::default() }
}

fn play(purchasing: Purchasing, market: Vec<Vec<u32>>, notice_seconds: u32) -> Row {
    let trace = steady(600);
    let settings = settings();
    let terms = SpotTerms { market: SpotMarket::new(market).unwrap(), price: 0.35, notice_seconds };
    let sizing = Contestant::Hpa(60.0);
    Buyer { sizing, purchasing }.play(&Arena::new(&trace, &settings), &terms)
}

/// Ten instances in two zones; every fifty minutes one of them loses all.
fn restless() -> Vec<Vec<u32>> {
    (0..600)
        .map(|minute| match minute / 25 % 4 {
            1 => vec![0, 12],
            3 => vec![12, 0],
            _ => vec![12, 12],
        })
        .collect()
}

#[test]
fn on_demand_only_is_what_the_plain_replay_plays() {
    let trace = steady(600);
    let settings = settings();
    let plain = Contestant::Hpa(60.0).play(&Arena::new(&trace, &settings));
    let row = play(Purchasing::OnDemandOnly, restless(), 0);
    assert_eq!(Row { name: plain.name.clone(), engine: plain.engine.clone(), knob: plain.knob, ..row }, plain);
}

#[test]
fn spot_that_never_fails_costs_its_price() {
    let market = vec![vec![50]];
    let share = play(Purchasing::FixedShare(100.0), market.clone(), 0);
    let hedge = play(Purchasing::SpotHedge, market.clone(), 0);
    let on_demand = play(Purchasing::OnDemandOnly, market, 0);
    assert!((hedge.cost_hours / on_demand.cost_hours - 0.35).abs() < 0.01, "{}", hedge.cost_hours);
    assert!(share.cost_hours <= hedge.cost_hours, "the share gives its on-demand instances up before spot serves");
    assert_eq!(hedge.in_slo, on_demand.in_slo);
    assert!(share.in_slo < hedge.in_slo);
}

#[test]
fn a_market_without_room_leaves_only_those_served_who_buy_on_demand() {
    let market = vec![vec![0, 0]];
    let on_demand = play(Purchasing::OnDemandOnly, market.clone(), 0);
    assert!(play(Purchasing::FixedShare(50.0), market.clone(), 0).in_slo < 0.5);
    for purchasing in [Purchasing::Fallback(100.0), Purchasing::SpotHedge] {
        let row = play(purchasing, market.clone(), 0);
        assert_eq!((row.cost_hours, row.in_slo), (on_demand.cost_hours, on_demand.in_slo));
    }
}

#[test]
fn a_notice_longer_than_the_lead_time_saves_the_service_level() {
    let none = play(Purchasing::SpotHedge, restless(), 0);
    let short = play(Purchasing::SpotHedge, restless(), 120);
    assert!(none.in_slo < short.in_slo, "{} {}", none.in_slo, short.in_slo);
    assert_eq!(short.in_slo, play(Purchasing::OnDemandOnly, restless(), 0).in_slo);
    assert!(short.cost_hours < 0.5 * play(Purchasing::OnDemandOnly, restless(), 0).cost_hours);
}

#[test]
fn a_market_wants_zones_and_minutes() {
    assert_eq!(SpotMarket::new(vec![]), None);
    assert_eq!(SpotMarket::new(vec![vec![1, 2], vec![1]]), None);
    let market = SpotMarket::new(vec![vec![0, 0], vec![0, 3]]).unwrap();
    assert_eq!((market.availability(), market.at(3)), (0.5, &[0, 3][..]));
}
