// What the page says, in two languages.

const TEXTS = {
  en: {
    skip: "Skip to content", leave: "Lock", language: "中文", language_label: "Switch to Chinese", theme_dark: "Dark", theme_light: "Light",
    door_title: "Open the console", door_hint: "Type the console's token once. It is kept until you close this tab.", token: "Token", open: "Open",
    wrong_token: "This is not the console's token.", groups: "Groups", figures: "Key figures", window: "Stretch of time", no_answer: "The console does not answer.",
    retrying: "{error} What is shown is of {time}. Trying again.", instances: "instances", serving_now: "{serving} serving", starting_now: "{starting} starting", target_now: "target {target}",
    limits: "limits {min}–{max}", mode_act: "acts", mode_observe: "observes only", engine_predictive: "predictive", engine_target_tracking: "target tracking", engine_weighted_score: "weighted score",
    why_so: "Why this size", all_reasons: "All reasons", evaluate: "Evaluate now", hold: "Hold", lift: "Lift all holds", not_yet: "No decision yet.",
    held: "{order}, by {who}: {why}. Until {until} UTC.", raised: "At least {target} until {until} UTC, asked for by {source}: {why}",
    lost: "{n} spot instances of pool {pool} are being taken away, the last at {ends}; they are being replaced.", pause_all: "Change nothing", pause_in: "Do not shrink", pause_out: "Do not grow",
    pin: "Exactly", floor: "At least", pin_n: "Exactly {n} instances", floor_n: "At least {n} instances",
    per_hour: "{value} per hour", cost_so_far: "Cost so far", since_first: "since the first evaluation",
    against_peak: "Against constant peak", against_on_demand: "Against all on demand", saved_hint: "{spent} instead of {other} in {hours} h", saved_value: "−{share} %", dearer_value: "+{share} %",
    latency: "{name}", in_slo: "In service level", in_slo_hint: "of {count} points had a mean under {slo} ms", load_now: "Load", load_unit: "fully busy instances' worth", load_measured: "measured",
    chain_label: "How the number came about", expected: "Expected", expected_value: "up to {highest}", expected_hint: "99 % sure, within {minutes} min; {low}–{high} likely", wanted: "Engine wants",
    wanted_predictive: "the cheapest that keeps requests under {slo} ms; a late one counts as {k}", wanted_target_tracking: "to hold {target} %", wanted_weighted_score: "by the weighted score",
    bound_nothing: "none changed it", target_name: "Target", there: "{serving} serve", there_starting: "{serving} serve, {starting} starting (about {lead} min)",
    supply_title: "Pools", on_demand: "on demand", spot: "spot", weather_title: "Spot weather", weather_hint: "Instances taken away in the last 24 hours, and places left alone for now.",
    zone: "Zone", sky: "Now", losses: "Lost", last_loss: "Last", zone_going: "{n} are going", zone_alone: "left alone until {until}", zone_fair: "fair", zone_fair_all: "Nothing was taken away.", any_zone: "any zone", every_flavor: "every flavor",
    policies_title: "Versions of the policy", policy_now: "In force: {active}.", policy_beside: "In force: {active}. Deciding beside it, with nothing following: {shadow}.", policy_config: "the configuration's own",
    policy_saves: "J {before} → {after} on days that it was not chosen on; at least {share} % saved.", policy_changes: "What it changes", evidence: "Evidence", training: "days it was chosen on", held_out: "days it was not",
    stretch: "Stretch", j_change: "J", cost_change: "Instance-hours", slo_change: "In service level", gate_passed: "It passed the gate: at least {share} % saved, {confidence} % sure.", gate_failed: "It did not pass the gate (at least {share} % saved, {confidence} % sure).",
    objections: "Objections", not_replayed: "Signals that a replay cannot tell", story: "What happened to it", ordered: "Ordered: {order}", order_approve: "Approve", order_reject: "Reject", order_rollback: "Roll back", order_roll_back: "Roll back", order_title: "{order}: {version}",
    approved: "Approved. It takes effect with the next run of tune.", disapproved: "Recorded. It is obeyed from the next evaluation on.",
    standing_proposed: "proposed", standing_rejected: "rejected", standing_shadow: "in shadow", standing_canary: "on trial", standing_active: "in force", standing_rolled_back: "rolled back", standing_lapsed: "lapsed",
    author_person: "a person", author_search: "search", author_optimiser: "threshold optimiser", author_deepseek: "DeepSeek",
    stress_burst: "a burst", stress_metric_gap: "metrics missing", stress_spot_storm: "spot storm", stress_slow_start: "slow starts", stress_level_shift: "lasting rise",
    in_shadow: "Version {version} of the policy, which decides beside, would have asked for {n}.", others_title: "Other engines, same readings", others_hint: "From the readings of the last decisions ({shown}) and the fleet as it was; what a day under another engine costs, replay tells.", instances_n: "{n} instances",
    slo_hint: "service level {slo} ms", capacity_title: "Capacity and load", capacity_hint: "In instances. Click a point for its decision; drag to zoom, double-click to see all.", thinned: "Drawn is one of every {every} of {decisions} decisions.",
    serving: "serving", target: "target", load: "load", forecast: "forecast 80 %", signal: "Signal", scale_out: "grows above", scale_in: "shrinks below", slo: "service level",
    capacity_label: "Instances over time, {points} points, at most {most}. The decisions below tell the same in words.", signal_label: "{name} over time, at most {highest}.",
    hours: "{n} h", timeline_title: "Decisions", every: "every single one", earlier: "Earlier", kept: "Kept {n} instances", run: "{count} decisions from {from}",
    footer: "Times are UTC. Charts:", close: "Close", newer: "Newer", older: "Older", signals_title: "Signals", value: "Value", at: "At", thresholds: "Grows above / shrinks below",
    guardrails_title: "Guardrails", rule: "Rule", change: "Change", reason: "Reason", no_guardrail: "No guardrail changed what the engine proposed ({n}).",
    plan_title: "By pool", pool: "Pool", actions_title: "Asked of the cloud", no_action: "Nothing was asked of the cloud.", done: "done", withheld: "not asked: {why}", failed: "failed: {why}",
    problems_title: "Problems", record: "The whole record", follows: "Decided again from its record: the same number follows.", contradiction: "The record contradicts itself: {why}",
    woken: "woken by {trigger}", took: "{ms} ms, {calls} HTTP calls", missing: "missing",
    evaluating: "Evaluating…", no_decision: "No decision came within a minute.", would: "If evaluated now", would_keep: "It would keep {n} instances.", would_change: "It would go from {from} to {to} instances.", for_real: "Do it", cancel: "Cancel", did: "Done",
    observes: "The group only observes: nothing will change.", hold_title: "Hold {group}", order: "Order", who: "Who", because: "Why", lasts: "For", review: "Review",
    confirm_hold: "This wins over every engine until it ends.", confirm: "Confirm", back: "Back", held_now: "Held. It counts from the next evaluation on.", lift_title: "Lift all holds of {group}", lift_hint: "The engines decide again from the next evaluation on.", lifted: "Lifted.",
    minutes_30: "30 minutes", hours_1: "1 hour", hours_4: "4 hours", days_1: "1 day", days_7: "7 days", number: "Number",
    rule_doubtful_metrics: "Doubtful metrics never shrink a group", rule_cooldown: "Rest after a change", rule_flap_safety: "Flap safety", rule_step_in: "Step limit on the way in", rule_raise: "A call for more", rule_schedule: "A known event", event_on: "Known event {schedule}, until {end} UTC.", event_next: "Next known event: {schedule}, {start} to {end} UTC.", rule_schedule: "A known event", rule_step_out: "Step limit on the way out", rule_hold: "An order of a person", rule_limits: "Limits",
  },
  zh: {
    skip: "跳到内容", leave: "锁定", language: "English", language_label: "切换到英文", theme_dark: "深色", theme_light: "浅色",
    door_title: "打开控制台", door_hint: "输入一次控制台令牌，关闭此标签页前有效。", token: "令牌", open: "打开",
    wrong_token: "这不是控制台的令牌。", groups: "伸缩组", figures: "关键数字", window: "时间段", no_answer: "控制台没有应答。",
    retrying: "{error} 当前显示的是 {time} 的数据，正在重试。", instances: "台实例", serving_now: "{serving} 台在服务", starting_now: "{starting} 台启动中", target_now: "目标 {target} 台",
    limits: "范围 {min}–{max}", mode_act: "执行", mode_observe: "仅观察", engine_predictive: "预测引擎", engine_target_tracking: "目标跟踪", engine_weighted_score: "加权评分",
    why_so: "为什么是这个规模", all_reasons: "全部理由", evaluate: "立即评估", hold: "人工指令", lift: "解除所有指令", not_yet: "还没有决策。",
    held: "{order}，{who}：{why}。至 {until} UTC。", raised: "{source} 要求至少 {target} 台，至 {until} UTC：{why}",
    lost: "资源池 {pool} 的 {n} 台竞价实例正被回收，最晚于 {ends}；正在补充。", pause_all: "不做任何变更", pause_in: "不缩容", pause_out: "不扩容",
    pin: "固定为", floor: "至少", pin_n: "固定为 {n} 台", floor_n: "至少 {n} 台",
    per_hour: "每小时 {value}", cost_so_far: "累计费用", since_first: "自首次评估起",
    against_peak: "相比一直保持峰值", against_on_demand: "相比全部按需", saved_hint: "{hours} 小时花费 {spent}，而非 {other}", saved_value: "−{share}%", dearer_value: "+{share}%",
    latency: "{name}", in_slo: "达标率", in_slo_hint: "{count} 个点中均值低于 {slo} ms 的比例", load_now: "负载", load_unit: "折合满载实例数", load_measured: "实测",
    chain_label: "这个数字的由来", expected: "预计", expected_value: "至多 {highest}", expected_hint: "{minutes} 分钟内，99% 把握；多半为 {low}–{high}", wanted: "引擎期望",
    wanted_predictive: "请求不超过 {slo} ms 的最低成本；一次超时按 {k} 次计", wanted_target_tracking: "以保持 {target}%", wanted_weighted_score: "按加权评分",
    bound_nothing: "没有改动", target_name: "目标", there: "{serving} 台在服务", there_starting: "{serving} 台在服务，{starting} 台启动中（约 {lead} 分钟）",
    supply_title: "资源池", on_demand: "按需", spot: "竞价", weather_title: "竞价行情", weather_hint: "最近 24 小时被回收的实例，以及暂时避开的位置。",
    zone: "可用区", sky: "现况", losses: "回收", last_loss: "最近", zone_going: "{n} 台正被回收", zone_alone: "避开至 {until}", zone_fair: "正常", zone_fair_all: "没有实例被回收。", any_zone: "任意可用区", every_flavor: "全部规格",
    policies_title: "策略版本", policy_now: "生效：{active}。", policy_beside: "生效：{active}。并行试算（不产生变更）：{shadow}。", policy_config: "配置中的策略",
    policy_saves: "在未参与选择的日子上 J {before} → {after}；至少节省 {share}%。", policy_changes: "改动", evidence: "证据", training: "参与选择的日子", held_out: "未参与选择的日子",
    stretch: "时段", j_change: "J", cost_change: "实例小时", slo_change: "达标率", gate_passed: "通过验收：至少节省 {share}%，把握 {confidence}%。", gate_failed: "未通过验收（至少节省 {share}%，把握 {confidence}%）。",
    objections: "异议", not_replayed: "回放无法体现的指标", story: "经过", ordered: "已下令：{order}", order_approve: "批准", order_reject: "拒绝", order_rollback: "回滚", order_roll_back: "回滚", order_title: "{order}：{version}",
    approved: "已批准，下一次 tune 运行时生效。", disapproved: "已记录，从下一次评估起执行。",
    standing_proposed: "待批准", standing_rejected: "已拒绝", standing_shadow: "并行试算", standing_canary: "灰度观察", standing_active: "生效", standing_rolled_back: "已回滚", standing_lapsed: "已失效",
    author_person: "人工", author_search: "搜索", author_optimiser: "阈值优化", author_deepseek: "DeepSeek",
    stress_burst: "突发", stress_metric_gap: "指标缺失", stress_spot_storm: "竞价风暴", stress_slow_start: "启动缓慢", stress_level_shift: "持续上升",
    in_shadow: "并行试算的策略版本 {version} 会要求 {n} 台。", others_title: "其他引擎，相同读数", others_hint: "依据最近 {shown} 个决策的读数与当时的实例；换一个引擎运行一天的花费请用 replay 比较。", instances_n: "{n} 台",
    slo_hint: "服务目标 {slo} ms", capacity_title: "容量与负载", capacity_hint: "单位：台。点击任一点查看其决策；拖动放大，双击还原。", thinned: "共 {decisions} 个决策，每 {every} 个取一个。",
    serving: "在服务", target: "目标", load: "负载", forecast: "80% 预测区间", signal: "指标", scale_out: "扩容阈值", scale_in: "缩容阈值", slo: "服务目标",
    capacity_label: "实例数随时间变化，{points} 个点，最多 {most} 台。下方的决策列表以文字给出同样内容。", signal_label: "{name} 随时间变化，最大 {highest}。",
    hours: "{n} 小时", timeline_title: "决策", every: "逐条显示", earlier: "更早", kept: "保持 {n} 台", run: "自 {from} 起 {count} 个决策",
    footer: "时间均为 UTC。图表：", close: "关闭", newer: "较新", older: "较早", signals_title: "指标", value: "值", at: "时间", thresholds: "扩容 / 缩容阈值",
    guardrails_title: "护栏", rule: "规则", change: "变化", reason: "理由", no_guardrail: "没有护栏改动引擎提出的数量（{n}）。",
    plan_title: "按资源池", pool: "资源池", actions_title: "对云的请求", no_action: "没有向云发出变更请求。", done: "完成", withheld: "未执行：{why}", failed: "失败：{why}",
    problems_title: "问题", record: "完整记录", follows: "根据记录重新决策，得到相同的数量。", contradiction: "记录自相矛盾：{why}",
    woken: "由 {trigger} 触发", took: "{ms} ms，{calls} 次 HTTP 调用", missing: "缺失",
    evaluating: "正在评估…", no_decision: "一分钟内没有得到决策。", would: "若现在评估", would_keep: "将保持 {n} 台。", would_change: "将从 {from} 台变为 {to} 台。", for_real: "执行", cancel: "取消", did: "已完成",
    observes: "该组仅观察：不会有任何变更。", hold_title: "对 {group} 下达人工指令", order: "指令", who: "操作人", because: "原因", lasts: "时长", review: "核对",
    confirm_hold: "到期之前，此指令优先于任何引擎。", confirm: "确认", back: "返回", held_now: "已下达，从下一次评估起生效。", lift_title: "解除 {group} 的所有指令", lift_hint: "从下一次评估起由引擎决定。", lifted: "已解除。",
    minutes_30: "30 分钟", hours_1: "1 小时", hours_4: "4 小时", days_1: "1 天", days_7: "7 天", number: "数量",
    rule_doubtful_metrics: "指标存疑时不缩容", rule_cooldown: "变更后冷却", rule_flap_safety: "防抖动", rule_step_in: "缩容步长限制", rule_raise: "要求增加", rule_schedule: "已知事件", event_on: "已知事件 {schedule}，至 {end} UTC。", event_next: "下一个已知事件：{schedule}，{start} 至 {end} UTC。", rule_schedule: "已知事件", rule_step_out: "扩容步长限制", rule_hold: "人工指令", rule_limits: "上下限",
  },
};

const KEPT = "flexus-console-language";
let chosen = localStorage.getItem(KEPT) ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
if (!(chosen in TEXTS)) chosen = "en";

export const language = () => chosen;
export const setLanguage = (value) => {
  chosen = value;
  localStorage.setItem(KEPT, value);
};
// A key that nobody has written a text for shows itself: a page that is older than what it shows must not break.
export const text = (key, values = {}) => (TEXTS[chosen][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name]);
export const number = (value, digits = 0) => value.toLocaleString(chosen === "zh" ? "zh-CN" : "en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const money = (value) => number(value, Math.abs(value) >= 1000 ? 0 : 2);
export const clock = (time) => time.slice(11, 16);
export const instant = (time) => `${time.slice(0, 10)} ${clock(time)}`;

// Puts the texts into the document that `data-text` and `data-label` mark.
export const label = (root = document) => {
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  for (const node of root.querySelectorAll("[data-text]")) node.textContent = text(node.dataset.text);
  for (const node of root.querySelectorAll("[data-label]")) node.setAttribute("aria-label", text(node.dataset.label));
};
