use std::fmt::Write;

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, TableComponent};

use crate::replay::spot::{Purchasing, SpotTerms};
use crate::replay::{Report, Row};

/// One table a trace, the best peer of each price beside our engine, and the mean of the ratios where there are several.
pub(super) fn render(reports: &[Report], prices: &[f64]) -> String {
    let mut text = String::new();
    for report in reports {
        render_one(&mut text, report, prices);
    }
    render_mean(&mut text, reports, prices);
    text
}

/// One table a trace with the cost as money, and what each way to buy saves against on demand only.
pub(super) fn render_spot(reports: &[Report], prices: &[f64], terms: &SpotTerms) -> String {
    let mut text = format!(
        "spot in {} zones at {} of the on-demand price, notice {} s, any zone available for {:.1} % of the time; cost in hours of an on-demand instance\n\n",
        terms.market.zones(),
        terms.price,
        terms.notice_seconds,
        terms.market.availability() * 100.0
    );
    for report in reports {
        render_rows(&mut text, report, prices);
        let mut table = new_table();
        table.set_header(["bought so", "cheaper than on demand only", "in SLO, points"]);
        let mut on_demand: Option<&Row> = None;
        for row in &report.policies {
            // Each sizing policy's rows begin with on demand only.
            if row.engine == Purchasing::OnDemandOnly.name() {
                on_demand = Some(row);
                continue;
            }
            let Some(base) = on_demand else { continue };
            table.add_row([
                row.name.clone(),
                format!("{:.1} %", (1.0 - row.cost_hours / base.cost_hours) * 100.0),
                format!("{:+.3}", (row.in_slo - base.in_slo) * 100.0),
            ]);
        }
        align(&mut table);
        let _ = writeln!(text, "{table}\n");
    }
    text
}

fn render_one(text: &mut String, report: &Report, prices: &[f64]) {
    render_rows(text, report, prices);
    render_best(text, report, prices);
}

fn render_rows(text: &mut String, report: &Report, prices: &[f64]) {
    let _ = writeln!(
        text,
        "{}{}: {} minutes ({:.1} days), {} missing values interpolated\n\
         lead {} s, metrics {} min late, an instance serves {:.4} work per second ({:.1} on average at 60 %), clairvoyant {:.1} instance-hours",
        report.trace,
        report.column.as_ref().map_or_else(String::new, |column| format!(", column `{column}`")),
        report.minutes,
        report.minutes as f64 / 1440.0,
        report.interpolated,
        report.lead_s,
        report.delay_min,
        report.cap,
        report.mean_instances,
        report.clairvoyant_hours,
    );
    if let Some(price) = report.price_per_hour {
        let _ = writeln!(text, "an instance-hour costs {price:.4}; late is the work that missed its service level");
    }
    if let Some(known) = &report.known {
        let _ = writeln!(
            text,
            "the group's own past: {} of {} minutes interpolated, full in {}; lead time {}, capacity of an instance {}",
            known.interpolated,
            known.minutes,
            known.saturated,
            if known.lead_was_measured { "measured from its own starts" } else { "as reckoned with" },
            if known.capacity_is_known { "known" } else { "not known, so load is in instances' worth" },
        );
    }
    let mut table = new_table();
    let fixed =
        ["policy", "cost h", "rel", "in SLO %", "lost %", "p95 ms", "p99 ms", "actions", "flips", "starts", "used %"];
    let money: &[&str] = if report.price_per_hour.is_some() { &["money", "late"] } else { &[] };
    let names = fixed.iter().chain(money).map(|name| (*name).to_owned());
    table.set_header(names.chain(prices.iter().map(|price| format!("J({price})"))));
    for row in &report.policies {
        table.add_row(cells(row, report, prices));
    }
    align(&mut table);
    let _ = writeln!(text, "{table}\n");
}

fn cells(row: &Row, report: &Report, prices: &[f64]) -> Vec<Cell> {
    let mut cells = vec![
        Cell::new(&row.name),
        Cell::new(format!("{:.1}", row.cost_hours)),
        Cell::new(format!("{:.3}", row.rel)),
        Cell::new(format!("{:.2}", row.in_slo * 100.0)),
        Cell::new(format!("{:.2}", row.lost * 100.0)),
        Cell::new(format!("{:.0}", row.p95_ms)),
        Cell::new(format!("{:.0}", row.p99_ms)),
        Cell::new(row.actions),
        Cell::new(row.flips),
        Cell::new(row.starts),
        Cell::new(format!("{:.1}", row.utilisation)),
    ];
    cells.extend(row.money.map(|money| Cell::new(format!("{money:.2}"))));
    cells.extend(row.late_work.map(|late| Cell::new(format!("{late:.0}"))));
    for price in prices {
        let score = row.j.at(*price).map_or_else(String::new, |score| format!("{score:.3}"));
        let best = report.best_peer(*price).is_some_and(|best| best.name == row.name);
        cells.push(if best { Cell::new(score).add_attribute(Attribute::Bold) } else { Cell::new(score) });
    }
    cells
}

fn render_best(text: &mut String, report: &Report, prices: &[f64]) {
    let mut table = new_table();
    table.set_header([
        "price of a violation",
        "best peer in hindsight",
        "its J",
        "its SLO %",
        "predictive's J",
        "its SLO %",
        "ratio",
    ]);
    for price in prices {
        let Some(best) = report.best_peer(*price) else { continue };
        let score = |row: &Row| row.j.at(*price).map_or_else(String::new, |score| format!("{score:.3}"));
        let in_slo = |row: &Row| format!("{:.2}", row.in_slo * 100.0);
        let ours = report.ours(*price);
        table.add_row([
            price.to_string(),
            best.name.clone(),
            score(best),
            in_slo(best),
            ours.map_or_else(String::new, score),
            ours.map_or_else(String::new, in_slo),
            report.ratio(*price).map_or_else(String::new, |ratio| format!("{ratio:.3}")),
        ]);
    }
    if table.row_count() > 0 {
        align(&mut table);
        let _ = writeln!(text, "{table}\n");
    }
}

fn render_mean(text: &mut String, reports: &[Report], prices: &[f64]) {
    let ratios: Vec<f64> =
        reports.iter().flat_map(|report| prices.iter().filter_map(|price| report.ratio(*price))).collect();
    if reports.len() < 2 || ratios.is_empty() {
        return;
    }
    let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    let worst = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let above = ratios.iter().filter(|ratio| **ratio > 1.02).count();
    let _ = writeln!(
        text,
        "predictive over the best peer, {} cases: geometric mean {mean:.3}, worst {worst:.3}, {above} above 1.02",
        ratios.len()
    );
}

fn new_table() -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    for line in [TableComponent::HeaderLines, TableComponent::MiddleHeaderIntersections] {
        table.set_style(line, '─');
    }
    table
}

/// Numbers to the right, names to the left.
fn align(table: &mut Table) {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if index == 0 { 0 } else { 1 }, 1));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
