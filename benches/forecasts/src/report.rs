//! Tables.

use crate::contest::{HORIZONS, TraceScores};

/// One trace, one line a horizon and model.
pub(crate) fn print_trace(trace: &TraceScores) {
    println!("\n{}", trace.trace);
    println!(
        "{:<8} {:<24} {:>7} {:>7} {:>7} {:>7} {:>7}",
        "horizon", "model", "WQL", "cov 90", "cov 98", "MASE", "count"
    );
    for row in &trace.rows {
        println!(
            "{:<8} {:<24} {:>7.4} {:>7.3} {:>7.3} {:>7.3} {:>7}",
            row.horizon,
            row.model,
            row.weighted_quantile_loss,
            row.coverage_90,
            row.coverage_98,
            row.scaled_error,
            row.forecasts
        );
    }
    let in_use: Vec<String> = trace.in_use.iter().map(|(model, count)| format!("{model:?} {count} times")).collect();
    println!("the day ahead is forecast by {}", in_use.join(", "));
}

/// All traces together: geometric means of loss (over the seasonal naive forecast's) and scaled error, means of coverage.
pub(crate) fn print_summary(scores: &[TraceScores]) {
    println!("\nall {} traces: geometric means over the seasonal naive forecast's, mean coverage", scores.len());
    println!("{:<8} {:<24} {:>7} {:>7} {:>7} {:>7}", "horizon", "model", "WQL", "cov 90", "cov 98", "MASE");
    let horizons = HORIZONS.iter().map(|horizon| format!("{horizon} min")).chain(["24 h".to_owned()]);
    for horizon in horizons {
        let mut models: Vec<&str> = Vec::new();
        for row in scores.iter().flat_map(|trace| &trace.rows).filter(|row| row.horizon == horizon) {
            if !models.contains(&row.model) {
                models.push(row.model);
            }
        }
        for model in models {
            let mut sums = [0.0; 5];
            for trace in scores {
                let row = |model| trace.rows.iter().find(|row| row.horizon == horizon && row.model == model);
                let (Some(row), Some(baseline)) = (row(model), row("seasonal naive")) else { continue };
                let ratio = (row.weighted_quantile_loss / baseline.weighted_quantile_loss).ln();
                let terms = [ratio, row.coverage_90, row.coverage_98, row.scaled_error.ln(), 1.0];
                for (sum, term) in sums.iter_mut().zip(terms.iter().filter(|term| term.is_finite())) {
                    *sum += term;
                }
            }
            let [loss, coverage_90, coverage_98, error, count] = sums;
            println!(
                "{horizon:<8} {model:<24} {:>7.3} {:>7.3} {:>7.3} {:>7.3}",
                (loss / count).exp(),
                coverage_90 / count,
                coverage_98 / count,
                (error / count).exp()
            );
        }
    }
}
