// A decision is told in English by the API. This tells it in Chinese: one pattern a sentence. What no pattern knows stays
// as it is; the browser test plays hours of decisions and finds none.

import { language } from "./texts.js";

const VIEWS = {
  "the online forecast (additive errors)": "在线预测（加性误差）",
  "the online forecast (multiplicative errors)": "在线预测（乘性误差）",
  "the last days at this time of day": "最近几天的同一时刻",
  "the online forecast and the last days at this time of day": "在线预测与最近几天的同一时刻",
  "the largest load of the last day": "最近一天的最大负载",
  "the largest load of the last three days": "最近三天的最大负载",
  "the largest load of the last week": "最近一周的最大负载",
  "the newest load at 60 % utilisation": "最新负载按 60% 利用率",
  "the newest load at 40 % utilisation": "最新负载按 40% 利用率",
};
const RULES = {
  "Doubtful metrics never shrink a group": "指标存疑时不缩容", "Rest after a change": "变更后冷却", "Flap safety": "防抖动", "Step limit on the way in": "缩容步长限制",
  "A call for more": "要求增加", "A known event": "已知事件", "Step limit on the way out": "扩容步长限制", "An order of a person": "人工指令", Limits: "上下限",
};
const rules = Object.keys(RULES).join("|");

const REASONS = [
  [/^a person paused all changes$/, "有人暂停了所有变更"], [/^a person paused shrinking$/, "有人暂停了缩容"], [/^a person paused growing$/, "有人暂停了扩容"],
  [/^a person pinned (\d+)$/, "有人固定为 $1 台"], [/^a person wants at least (\d+)$/, "有人要求至少 $1 台"],
  [/^(.+), besides (\d+) that the cloud is taking back$/, (m) => `${reason(m[1])}（正被云回收的 ${m[2]} 台另计）`],
  [/^none is let go now$/, "暂不释放"], [/^(\d+) stay until others serve in their place$/, "$1 台留到接替者开始服务"],
  [/^the budget pays for no more$/, "预算只够这些"],
  [/^(\d+) stay in place of what is not bought$/, "$1 台留用，代替未购买的"],
  [/^never fewer than min_instances$/, "不少于 min_instances"], [/^never more than max_instances$/, "不多于 max_instances"], [/^never more than the budget pays for$/, "不超过预算所能支付的台数"],
  [/^(\d+) s of rest are left before shrinking$/, "缩容前还需冷却 $1 秒"], [/^at most (\d+) are added at once$/, "一次最多增加 $1 台"], [/^at most (\d+) are removed at once$/, "一次最多减少 $1 台"],
  [/^schedule (\S+) asks for at least (\d+) from (\S+) on (\S+) \((\S+)\)$/, "日程 $1 要求自 $4 $3（$5）起至少 $2 台"],
  [/^schedule (\S+) expects (\S+) times the usual (\S+) instances' worth of load from (\S+) on (\S+) \((\S+)\), which takes (\d+) at (\S+) %$/, "日程 $1 预计自 $5 $4（$6）起负载为平时（相当于 $3 台）的 $2 倍，按 $8% 利用率需要 $7 台"],
  [/^with fewer than (\d+), (.+) would be over (.+) %$/, "少于 $1 台时，$2 将超过 $3%"],
  [/^(\d+) of (\d+), all on demand$/, "$2 台中的 $1 台，全部按需"], [/^base (\d+), and what is not spot of (\d+)$/, "基数 $1 台，加上 $2 台中非竞价的部分"],
  [/^base (\d+), and the gap to (\d+) ready of (\d+) spot instances$/, "基数 $1 台，并补足竞价缺口（$3 台中 $2 台就绪）"], [/^(\d+) of (\d+) wanted as spot, of (\d+) in all$/, "共 $3 台，期望竞价 $2 台，其中 $1 台"],
  [/^(\d+) of (\d+) wanted as spot, (\d+) of them spare, of (\d+) in all$/, "共 $4 台，期望竞价 $2 台（其中备用 $3 台），安排 $1 台"],
  [/^(\d+) spot instances are being taken away$/, "$1 台竞价实例正被回收"], [/^(.+), and (\d+) that are going$/, (m) => `${reason(m[1])}，另有 ${m[2]} 台正被回收`],
  [/^schedule (\S+) asks for at least (\d+) from (.+)$/, "日程 $1 要求自 $3 起至少 $2 台"],
  [/^schedule (\S+) expects (\S+) times the usual (\S+) instances' worth of load from (.+), which takes (\d+) at (\S+) %$/, "日程 $1 预计自 $4 起负载为平常（$3 台）的 $2 倍，按 $6% 利用率需 $5 台"],
  [/^the pools have room for (\d+) of (\d+) instances$/, "资源池只容得下 $2 台中的 $1 台"], [/^pool (\S+): (\d+) instances do not come: (.+)$/, "资源池 $1：$2 台迟迟不来：$3"],
  [/^(\d+) instances that were asked for up to (\d+) minutes ago do not serve yet$/, "$1 台已请求的实例尚未开始服务，最早的已过去 $2 分钟"],
  [/^the snapshot was torn and is begun anew \((.+)\)$/, "快照损坏，已重新开始（$1）"], [/^version (\S+) of the policy is rolled back: (.+)$/, "策略版本 $1 已回滚：$2"],
  [/^calls for more that came meanwhile are not known: (.+)$/, "无法得知其间到来的扩容要求：$1"], [/^it could not be recorded before it was carried out: (.+)$/, "执行前未能记录：$1"],
  [/^what came of it is not known: the evaluation did not end$/, "结果未知：评估未能结束"],
  [/^the policy in force is not known: (.+)$/, "无法得知生效的策略：$1"],
  [/^pool (.+) could not be asked$/, "无法查询资源池 $1"], [/^(.+) has no value yet$/, "$1 还没有值"], [/^has no value yet$/, "还没有值"], [/^(.+ )?is (\d+) minutes old$/, "$1已过去 $2 分钟"], [/^(.+) is over its threshold$/, "$1 超过阈值"],
];

const measuredOn = (count) => (count ? `（测自 ${count} 台）` : "");

const SENTENCES = [
  [/^Grow from (\d+) to (\d+) instances(.*)$/, (m) => `从 ${m[1]} 台扩容到 ${m[2]} 台${aside(m[3])}`],
  [/^Shrink from (\d+) to (\d+) instances(.*)$/, (m) => `从 ${m[1]} 台缩容到 ${m[2]} 台${aside(m[3])}`],
  [/^Keep (\d+) instances(.*)$/, (m) => `保持 ${m[1]} 台${aside(m[2])}`],
  [/^The newest metrics are of (\S+); a new instance serves after (\d+) min$/, "最新指标为 $1；新实例 $2 分钟后可服务"],
  [/^There are no metrics yet; a new instance serves after (\d+) min$/, "还没有指标；新实例 $1 分钟后可服务"],
  [/^(\S+) was (\S+) at (\S+)$/, "$3 时 $1 为 $2"],
  [/^(\S+) cannot be used: (.+)$/, (m) => `${m[1]} 不可用：${reason(m[2])}`],
  [/^Nothing has been seen yet, so (\d+) stay$/, "还没有任何观测，保持 $1 台"],
  [/^Too little has been seen to forecast: nothing is removed, and (\S+) instances' worth of load at (\S+) % utilisation need (\d+)$/, "观测太少，无法预测：不缩容；相当于 $1 台的负载按 $2% 利用率需要 $3 台"],
  [/^The load was (\S+) instances' worth at (\S+)\. Judged by (.+), it is expected at (\S+)-(\S+) \(80 %\) (by now|within (?:a|\d+) minutes?), and under (\S+) with 99 %$/, (m) => `${m[2]} 的负载相当于 ${m[1]} 台。根据${VIEWS[m[3]] ?? m[3]}，${soon(m[6])}预计为 ${m[4]}–${m[5]} 台（80%），99% 的情况低于 ${m[7]} 台`],
  [/^(\d+) rules that are tried in shadow want (\d+)(?: to (\d+))? instances; weighted by how little each has cost so far \(k = (\S+)\), that is (\S+)$/, (m) => `${m[1]} 条影子规则想要 ${m[3] ? `${m[2]} 至 ${m[3]}` : m[2]} 台；按各自至今的花费加权（k = ${m[4]}）为 ${m[5]} 台`],
  [/^The rule that has cost least so far goes by (.+), weighs late requests (\S+) times when it buys and (\S+) times when it keeps, and wants (\d+)$/, (m) => `至今花费最少的规则依据${VIEWS[m[1]] ?? m[1]}，买入时把超时请求计为 ${m[2]} 倍，保留时计为 ${m[3]} 倍，想要 ${m[4]} 台`],
  [/^(\S+) is (\S+), over (\S+): with (\d+) instances it would not be$/, "$1 为 $2，超过 $3：有 $4 台时就不会"],
  [/^The load was last known (\d+) minutes ago: nothing is removed on what is not seen$/, "最近一次得知负载是 $1 分钟前：看不到就不缩容"],
  [/^Requests take (\S+) ms while instances are (\S+) % busy: nothing is removed until that is understood$/, "实例忙碌率仅 $2%，请求却需 $1 ms：弄清原因之前不缩容"],
  [/^(\d+) is the most that is allowed$/, "$1 台是允许的最大值"], [/^(\d+) is the least that is allowed$/, "$1 台是允许的最小值"],
  [/^(\S+) has no fresh value, so (\d+) stay$/, "$1 没有新值，保持 $2 台"], [/^(\S+) has no fresh value, so nothing is removed$/, "$1 没有新值，不缩容"],
  [/^(\S+) is (\S+); it is held at (\S+)\. (\d+) instances serve and (\d+) are starting$/, "$1 为 $2，目标为 $3。$4 台在服务，$5 台启动中"],
  [/^It has been above that for (\d+) minutes: (.+) makes (\d+) instances$/, "已高于目标 $1 分钟：$2 得 $3 台"],
  [/^It has been under (\S+) for (\d+) minutes, at most (\S+): (.+) makes (\d+) instances$/, "低于 $1 已 $2 分钟，最高 $3：$4 得 $5 台"],
  [/^It has been neither high nor low for long enough, so (\d+) stay$/, "高或低的时间都不够长，保持 $1 台"],
  [/^(.+) has no fresh value, so nothing is removed$/, "$1 没有新值，不缩容"],
  [/^(\S+) is (\S+)( \(.+?\))?(, beyond its threshold for \d+ of \d+ minutes)?: score (\S+), weight (\S+), counts (\S+)$/, (m) => `${m[1]} 为 ${m[2]}${bounds(m[3])}${held(m[4])}：得分 ${m[5]}，权重 ${m[6]}，计 ${m[7]}`],
  [/^The trend of the CPU is (\S+), weight (\S+), counts (\S+)$/, "CPU 趋势为 $1，权重 $2，计 $3"],
  [/^(\S+) is saturated and decides alone$/, "$1 已饱和，单独决定"],
  [/^The score is (\S+); the group rests for another (\d+) s after its last change, so (\d+) stay$/, "得分 $1；上次变更后还需冷却 $2 秒，保持 $3 台"],
  [/^The score is ([^ ,]+)(?:, measured on (\d+))?, above 0\.3: (\d+) become (\d+) instances$/, (m) => `得分 ${m[1]}${measuredOn(m[2])}，高于 0.3：${m[3]} 台变为 ${m[4]} 台`],
  [/^The score is ([^ ,]+)(?:, measured on (\d+))?, below -0\.3: (\d+) become (\d+) instances$/, (m) => `得分 ${m[1]}${measuredOn(m[2])}，低于 -0.3：${m[3]} 台变为 ${m[4]} 台`],
  [/^The score is ([^ ,]+)(?:, measured on (\d+))?, between -0\.3 and 0\.3: (\d+) become (\d+) instances$/, (m) => `得分 ${m[1]}${measuredOn(m[2])}，介于 -0.3 与 0.3 之间：${m[3]} 台仍为 ${m[4]} 台`],
  [/^It does not shrink for another (\d+) s, since others have added instances$/, "其他来源增加了实例，还需 $1 秒才可缩容"],
  [/^Pool (\S+): (\d+) -> (\d+) \((.+)\)$/, (m) => `资源池 ${m[1]}：${m[2]} → ${m[3]}（${reason(m[4])}）`],
  [/^(\S+): (\d+) instead of (\d+) instances, done$/, "$1：由 $3 台改为 $2 台，完成"],
  [/^(\S+): (\d+) instead of (\d+) instances, not asked \(dry run\)$/, "$1：由 $3 台改为 $2 台，未执行（试运行）"],
  [/^(\S+): (\d+) instead of (\d+) instances, not asked \(mode is observe\)$/, "$1：由 $3 台改为 $2 台，未执行（仅观察）"],
  [/^(\S+): (\d+) instead of (\d+) instances, failed: (.+)$/, "$1：由 $3 台改为 $2 台，失败：$4"],
  [/^Problem: (.+)$/, (m) => `问题：${reason(m[1])}`],
  [new RegExp(`^(${rules}): (\\d+) became (\\d+): (.+)$`), (m) => `${RULES[m[1]]}：${m[2]} 变为 ${m[3]}：${reason(m[4])}`],
  [new RegExp(`^(${rules}): (.+)$`), (m) => `${RULES[m[1]]}：${reason(m[2])}`],
];

const bounds = (english) => (english ?? "").replace(" (", "（").replace("out above ", "扩容高于 ").replace("in below ", "缩容低于 ").replace(", ", "，").replace(")", "）");
const soon = (english) => (english === "by now" ? "目前" : `${english.match(/\d+/)?.[0] ?? 1} 分钟内`);
const held = (english) => (english ?? "").replace(/, beyond its threshold for (\d+) of (\d+) minutes/, "，越过阈值 $1 分钟（需 $2 分钟）");
const aside = (english) => (english.includes("dry run") ? "（试运行：未做变更）" : english.includes("observe") ? "（仅观察：未做变更）" : "");
const put = (patterns, english) => {
  for (const [pattern, chinese] of patterns) {
    const found = pattern.exec(english);
    if (found) return typeof chinese === "string" ? chinese.replace(/\$(\d)/g, (_, index) => found[index] ?? "") : chinese(found);
  }
  return null;
};

// Whether a sentence can be told in Chinese.
export const isKnown = (sentence) => put(SENTENCES, sentence.replace(/\.$/, "")) !== null;

export const tell = (sentence) => {
  if (language() !== "zh") return sentence;
  const known = put(SENTENCES, sentence.replace(/\.$/, ""));
  return known === null ? sentence : `${known}。`;
};

export const reason = (english) => {
  if (language() !== "zh") return english;
  return english.split("; ").map((part) => put(REASONS, part) ?? part).join("；");
};
