//! The figures of a report in words.

use super::WeeklyReport;
use super::document::{Block, Document, Section};
use super::language::Language;
use super::sentences::{event, fine_percent, percent, sentence};
use crate::cost::CostReport;
use crate::model::Purchase;

pub(super) fn document(report: &WeeklyReport, language: Language) -> Document {
    let cost = &report.cost;
    let (from, until) = (cost.from.format("%Y-%m-%d %H:%M"), cost.until.format("%Y-%m-%d %H:%M"));
    Document {
        title: language.pick(
            format!("{}: {from} to {until} UTC", cost.group),
            format!("{}：{from} 至 {until}（UTC）", cost.group),
        ),
        sections: vec![
            summary(report, language),
            recommendations(cost, language),
            money(cost, language),
            days(report, language),
            decisions(report, language),
            events(report, language),
            method(cost, language),
        ],
    }
}

fn section(heading: &str, blocks: Vec<Block>) -> Section {
    Section { heading: heading.to_owned(), blocks }
}

fn summary(report: &WeeklyReport, language: Language) -> Section {
    let cost = &report.cost;
    let service = &cost.service;
    let mut items = vec![
        language.pick(
            format!(
                "{:.2} were spent on {:.1} instance-hours{}.",
                cost.spent,
                cost.instance_hours,
                compared(report, language)
            ),
            format!("花费 {:.2}，共 {:.1} 实例小时{}。", cost.spent, cost.instance_hours, compared(report, language)),
        ),
        language.pick(
            format!(
                "{} of the work was in its service level, {} was lost; a thousand units of work cost {:.4}.",
                fine_percent(service.in_slo),
                fine_percent(service.lost),
                service.per_thousand
            ),
            format!(
                "{} 的请求达到服务目标，{} 丢失；每千单位工作花费 {:.4}。",
                fine_percent(service.in_slo),
                fine_percent(service.lost),
                service.per_thousand
            ),
        ),
        language.pick(
            format!(
                "{:.2} ({}) went into instances that the service level did not need, known in hindsight.",
                cost.waste.amount,
                percent(cost.waste.share)
            ),
            format!(
                "事后看，有 {:.2}（{}）花在服务目标并不需要的实例上。",
                cost.waste.amount,
                percent(cost.waste.share)
            ),
        ),
    ];
    if cost.spot.instance_hours > 0.0
        && let Some(saved) = cost.spot.saved
    {
        items.push(language.pick(
            format!(
                "Spot instances saved {saved:.2} against the price on demand; {} were taken away.",
                cost.spot.lost_instances
            ),
            format!("与按需价相比，竞价实例节省了 {saved:.2}；被回收 {} 台。", cost.spot.lost_instances),
        ));
    }
    section(language.pick("In short", "概要"), vec![Block::List(items)])
}

/// By how much it was more or less than the time before, for each hour.
fn compared(report: &WeeklyReport, language: Language) -> String {
    let Some(before) = report.before.as_ref().filter(|before| before.spent > 0.0 && before.hours > 0.0) else {
        return String::new();
    };
    let per_hour = |cost: &CostReport| cost.spent / cost.hours.max(f64::MIN_POSITIVE);
    let change = (per_hour(&report.cost) / per_hour(before) - 1.0) * 100.0;
    language.pick(format!(", {change:+.1} % an hour against the time before"), format!("，每小时比之前 {change:+.1}%"))
}

fn recommendations(cost: &CostReport, language: Language) -> Section {
    let items: Vec<String> = cost.recommendations.iter().map(|one| sentence(one, language)).collect();
    let block = if items.is_empty() {
        Block::Text(
            language
                .pick("Nothing was found that would be cheaper or better.", "没有发现更便宜或更好的做法。")
                .to_owned(),
        )
    } else {
        Block::List(items)
    };
    section(language.pick("What could be better", "建议"), vec![block])
}

fn money(cost: &CostReport, language: Language) -> Section {
    let header = language.pick(["Pool", "Instance-hours", "Spent"], ["资源池", "实例小时", "花费"]);
    let rows = cost.pools.iter().map(|pool| {
        let purchase = match pool.purchase {
            Purchase::OnDemand => language.pick("on demand", "按需"),
            Purchase::Spot => language.pick("spot", "竞价"),
        };
        vec![format!("{} ({purchase})", pool.pool), format!("{:.1}", pool.instance_hours), format!("{:.2}", pool.spent)]
    });
    let bill = &cost.bill;
    let mut text = language.pick(
        format!(
            "By the second, {} instances lived {:.1} hours for {:.2}.",
            bill.instances, bill.instance_hours, bill.amount
        ),
        format!("按秒计，{} 台实例共运行 {:.1} 小时，费用 {:.2}。", bill.instances, bill.instance_hours, bill.amount),
    );
    if let Some(estimate) = bill.estimate {
        text += &language.pick(
            format!(" The evaluations reckoned {estimate:.2} meanwhile."),
            format!("其间各次评估累计估算为 {estimate:.2}。"),
        );
    }
    let blocks = vec![Block::Table(header.map(str::to_owned).to_vec(), rows.collect()), Block::Text(text)];
    section(language.pick("Money", "费用"), blocks)
}

fn days(report: &WeeklyReport, language: Language) -> Section {
    let header = language.pick(
        ["Day", "Spent", "Instances", "Most", "Needed", "Slow minutes"],
        ["日期", "花费", "平均实例", "最多", "平均所需", "慢的分钟数"],
    );
    let rows = report.days.iter().map(|day| {
        vec![
            day.day.to_string(),
            format!("{:.2}", day.spent),
            format!("{:.1}", day.mean_instances),
            day.most_instances.to_string(),
            format!("{:.1}", day.mean_needed),
            day.slow_minutes.to_string(),
        ]
    });
    let table = Block::Table(header.map(str::to_owned).to_vec(), rows.collect());
    section(language.pick("Day by day", "逐日"), vec![table])
}

fn decisions(report: &WeeklyReport, language: Language) -> Section {
    let figures = &report.decisions;
    let counted = |counts: &std::collections::BTreeMap<String, usize>| {
        counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
    };
    let mut items = vec![language.pick(
        format!(
            "{} evaluations: {} wanted more instances, {} fewer.",
            figures.evaluations, figures.grew, figures.shrank
        ),
        format!("{} 次评估：{} 次要求扩容，{} 次要求缩容。", figures.evaluations, figures.grew, figures.shrank),
    )];
    if !figures.guardrails.is_empty() {
        let names = counted(&figures.guardrails);
        items.push(
            language.pick(format!("Guardrails that changed a number: {names}."), format!("起作用的护栏：{names}。")),
        );
    }
    if !figures.policies.is_empty() {
        let names = counted(&figures.policies);
        items.push(language.pick(format!("Policy versions: {names}."), format!("策略版本：{names}。")));
    }
    items.push(language.pick(
        format!(
            "In {} decisions a signal was missing or stale, in {} something else went wrong.",
            figures.with_missing_signals, figures.with_problems
        ),
        format!("{} 次决策缺少信号或信号过期，{} 次有其他问题。", figures.with_missing_signals, figures.with_problems),
    ));
    section(language.pick("Decisions", "决策"), vec![Block::List(items)])
}

fn events(report: &WeeklyReport, language: Language) -> Section {
    let told = report
        .notable
        .iter()
        .map(|notable| format!("{}: {}", notable.time.format("%m-%d %H:%M"), event(&notable.what, language)));
    let items: Vec<String> = told.collect();
    let block = if items.is_empty() {
        Block::Text(language.pick("Nothing out of the ordinary.", "没有异常。").to_owned())
    } else {
        Block::List(items)
    };
    section(language.pick("What happened", "事件"), vec![block])
}

fn method(cost: &CostReport, language: Language) -> Section {
    let known = &cost.known;
    let text = language.pick(
        format!(
            "{} minutes, of which {} had no measured load and were interpolated; in {} the group was full, so that the load was at least what is reckoned with. In {} minutes nobody knows what ran. The service level is reckoned by the simulated group from the load and the instances that ran; slow minutes are measured. Money is in the account's currency.",
            known.minutes, known.interpolated, known.saturated, cost.unknown_minutes
        ),
        format!(
            "共 {} 分钟，其中 {} 分钟没有负载数据，已插值；{} 分钟实例组已满，真实负载不低于所用数值；{} 分钟不知道运行了多少实例。服务水平由模拟实例组按负载和实际实例数计算；“慢的分钟数”为实测。金额为账户货币。",
            known.minutes, known.interpolated, known.saturated, cost.unknown_minutes
        ),
    );
    section(language.pick("How this was reckoned", "计算方法"), vec![Block::Text(text)])
}
