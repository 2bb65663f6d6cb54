//! Recommendations and events in one sentence each.

use super::events::NotableKind;
use super::language::Language;
use crate::cost::recommend::{Advice, Bound, Confidence, Recommendation};
use crate::model::Order;

/// A recommendation in one or two sentences.
pub fn sentence(recommendation: &Recommendation, language: Language) -> String {
    let advice = advice(&recommendation.advice, language);
    let sure = match recommendation.confidence {
        Confidence::Low => language.pick("low confidence", "可信度低"),
        Confidence::Medium => language.pick("medium confidence", "可信度中"),
        Confidence::High => language.pick("high confidence", "可信度高"),
    };
    match recommendation.saving_per_month {
        Some(saving) => language.pick(
            format!("{advice} Saves about {saving:.2} a month ({sure})."),
            format!("{advice}每月约可节省 {saving:.2}（{sure}）。"),
        ),
        None => language.pick(format!("{advice} ({sure}.)"), format!("{advice}({sure}。)")),
    }
}

fn advice(advice: &Advice, language: Language) -> String {
    match advice {
        Advice::Policy { policy, instance_hours, actual_hours, in_slo, actual_in_slo } => language.pick(
            format!(
                "Decide by {policy}: played over the same load it pays {instance_hours:.1} instance-hours instead of {actual_hours:.1}, with {} of the work in its service level instead of {}.",
                fine_percent(*in_slo),
                fine_percent(*actual_in_slo),
            ),
            format!(
                "改用策略 {policy}：用同样的负载回放，实例小时为 {instance_hours:.1}，实际为 {actual_hours:.1}；达到服务目标的比例为 {}，实际为 {}。",
                fine_percent(*in_slo),
                fine_percent(*actual_in_slo),
            ),
        ),
        Advice::LowerMinimum { from, to, share } => language.pick(
            format!("Lower min_instances from {from} to {to}: it binds {} of the time, when the load needs less.", percent(*share)),
            format!("将 min_instances 从 {from} 降到 {to}：{} 的时间里它高于负载所需。", percent(*share)),
        ),
        Advice::Flavor { bound: Bound::Cpu, cpu, memory } => language.pick(
            format!("The group is CPU-heavy (CPU {cpu:.0} %, memory {memory:.0} % at the 95th percentile): a flavor with less memory for each vCPU does the same work."),
            format!("该组偏 CPU 密集（第 95 百分位 CPU {cpu:.0}%，内存 {memory:.0}%）：可改用每 vCPU 内存更少的规格。"),
        ),
        Advice::Flavor { bound: Bound::Memory, cpu, memory } => language.pick(
            format!("The group is memory-heavy (memory {memory:.0} %, CPU {cpu:.0} % at the 95th percentile): a flavor with more memory for each vCPU needs fewer instances."),
            format!("该组偏内存密集（第 95 百分位内存 {memory:.0}%，CPU {cpu:.0}%）：可改用每 vCPU 内存更多的规格，实例数更少。"),
        ),
        Advice::RightSize { pool, from, to, memory, cpu } => language.pick(
            format!("Pool {pool}: {to} instead of {from} fits what was measured (memory at most {memory:.0} %, CPU {cpu:.0} %)."),
            format!("资源池 {pool}：按实测使用（内存最高 {memory:.0}%，CPU {cpu:.0}%），{to} 比 {from} 更合适。"),
        ),
        Advice::SpotShare { from, to, lost_per_thousand_hours } => language.pick(
            format!("Put {} of the instance-hours on spot instead of {}; {lost_per_thousand_hours:.1} instances were lost for each thousand hours.", percent(*to), percent(*from)),
            format!("将竞价实例小时占比从 {} 提高到 {}；每千小时被回收 {lost_per_thousand_hours:.1} 台。", percent(*from), percent(*to)),
        ),
        Advice::Reserved { instances, used, break_even } => language.pick(
            format!("{instances} instances run nearly always (the last of them {} of the time): paid by the month or the year they are cheaper if that costs less than {} of the price on demand.", percent(*used), percent(*break_even)),
            format!("有 {instances} 台几乎一直在运行（最后一台占 {} 的时间）：若包月/包年价低于按需价的 {}，则更便宜。", percent(*used), percent(*break_even)),
        ),
        Advice::Schedule { from_hour, until_hour, instances, otherwise, days } => language.pick(
            format!("From {from_hour:02}:00 to {until_hour:02}:00 UTC nine of the {days} days in ten need up to {instances} instances, {otherwise} are usual at other times: a schedule has them ready in time."),
            format!("每天 UTC {from_hour:02}:00 至 {until_hour:02}:00，观察的 {days} 天中九成需要多达 {instances} 台，其余时间通常 {otherwise} 台：可设置定时计划提前就绪。"),
        ),
    }
}

/// Something worth knowing in one sentence.
pub(super) fn event(what: &NotableKind, language: Language) -> String {
    match what {
        NotableKind::Slow { minutes, worst_ms } => language.pick(
            format!("Response times were over the objective for {minutes} minutes, {worst_ms:.0} ms at worst."),
            format!("响应时间连续 {minutes} 分钟超出目标，最高 {worst_ms:.0} 毫秒。"),
        ),
        NotableKind::SpotLoss { instances } => language
            .pick(format!("{instances} spot instances were taken away."), format!("{instances} 台竞价实例被回收。")),
        NotableKind::Order { order, who } => {
            let what = order_text(*order, language);
            language.pick(format!("{who} ordered: {what}."), format!("{who} 下达指令：{what}。"))
        }
        NotableKind::Call { source, target } => language.pick(
            format!("A call for at least {target} instances came from {source}."),
            format!("{source} 要求至少 {target} 台实例。"),
        ),
        NotableKind::Silence { minutes } => language.pick(
            format!("Nothing is known of {minutes} minutes: there was no evaluation, or its records are gone."),
            format!("有 {minutes} 分钟没有任何记录：没有评估，或记录已丢失。"),
        ),
        NotableKind::Policy { from, to } => {
            language.pick(format!("Policy {to} took over from {from}."), format!("策略由 {from} 换为 {to}。"))
        }
    }
}

fn order_text(order: Order, language: Language) -> String {
    match order {
        Order::PauseAll => language.pick("change nothing", "不做任何改变").to_owned(),
        Order::PauseIn => language.pick("do not shrink", "不缩容").to_owned(),
        Order::PauseOut => language.pick("do not grow", "不扩容").to_owned(),
        Order::Pin(count) => language.pick(format!("exactly {count} instances"), format!("固定为 {count} 台")),
        Order::Floor(count) => language.pick(format!("at least {count} instances"), format!("至少 {count} 台")),
    }
}

/// A share in per cent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A share near one, in per cent.
pub(super) fn fine_percent(share: f64) -> String {
    format!("{:.3} %", share * 100.0)
}
