// One decision with every reason, in a dialog.

import { api } from "./api.js";
import { closeDialog, element, showDialog } from "./dom.js";
import { reason, tell } from "./sentences.js";
import { instant, language, number, text } from "./texts.js";

// What the tables beneath tell as well.
const IN_TABLES = [/^\S+ was \S+ at \S+\.$/, /^Pool \S+: \d+ -> \d+ /];

const minute = (value) => new Date(value * 60_000).toISOString();
const heading = (key) => element("h3", {}, text(key));

const table = (heads, rows) => element("div", { class: "scroll" }, element("table", {},
  element("thead", {}, element("tr", {}, heads.map((key) => element("th", { scope: "col" }, text(key))))),
  element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell) => element("td", {}, cell)))))));

const signals = (seen, config) => {
  const limit = (value) => (value === null || value === undefined ? "–" : number(value));
  const rows = config.signals.map((signal) => {
    const value = seen.signals[signal.name];
    const missing = seen.missing[signal.name];
    const shown = value ? number(value.value, value.value < 100 ? 1 : 0) : text("missing");
    return [signal.name, missing ? `${shown} (${reason(missing)})` : shown, value ? instant(minute(value.minute)) : "–", `${limit(signal.scale_out)} / ${limit(signal.scale_in)}`];
  });
  return [heading("signals_title"), table(["signal", "value", "at", "thresholds"], rows)];
};

const guardrails = (decision) => [
  heading("guardrails_title"),
  decision.guardrails.length
    ? table(["rule", "change", "reason"], decision.guardrails.map((step) => [text(`rule_${step.rule}`), `${step.from} → ${step.to}`, reason(step.why)]))
    : element("p", {}, text("no_guardrail", { n: decision.proposal.target })),
];

const outcome = (action) => {
  if (action.outcome === "done") return text("done");
  return "withheld" in action.outcome ? text("withheld", { why: action.outcome.withheld }) : text("failed", { why: action.outcome.failed });
};

const actions = (decision) => [
  heading("actions_title"),
  decision.actions.length
    ? element("ul", {}, decision.actions.map((action) => element("li", {}, `${tell(`${action.pool}: ${action.request}, done.`).replace(/(, done\.|，完成。)$/, "")}: ${outcome(action)}`)))
    : element("p", {}, text("no_action")),
];

const problems = (decision) => decision.problems.length
  ? [heading("problems_title"), element("ul", { class: "bad" }, decision.problems.map((problem) => element("li", {}, problem)))]
  : [];

// What other engines would have asked for: looked up when a person looks, for it takes a few more records.
const others = (id) => {
  const place = element("div", { id: "others" }, element("p", { class: "muted" }, "…"));
  const name = (one) => element("b", {}, `${text(`engine_${one.engine}`)}: ${text("instances_n", { n: one.target })}`);
  const rows = ({ alternatives }) => alternatives.map((one) => element("li", {}, name(one), element("br"), element("span", { class: "muted" }, one.told.map(tell).join(language() === "zh" ? "" : " "))));
  api.alternatives(id).then(
    (answer) => place.replaceChildren(element("ul", {}, rows(answer)), element("p", { class: "muted" }, text("others_hint", { shown: answer.shown }))),
    (error) => place.replaceChildren(element("p", { class: "bad" }, error.message)),
  );
  return [heading("others_title"), place];
};

// `around` gives the ids of the next newer and the next older decision, where they are known.
export const showDecision = async (id, config, around) => {
  const detail = await api.decision(id);
  const decision = detail.decision;
  const [headline, ...told] = detail.told;
  const { newer, older } = around(id);
  const step = (key, to) => element("button", { type: "button", disabled: !to, on: { click: () => showDecision(to, config, around).catch(() => {}) } }, text(key));
  showDialog(
    element("header", { class: "row" },
      element("p", { class: "muted" }, `${instant(detail.time)} UTC · ${text("woken", { trigger: detail.trigger })} · ${text("took", { ms: decision.duration_ms, calls: decision.http_calls })}`),
      element("div", { class: "buttons" }, step("newer", newer), step("older", older), element("button", { type: "button", id: "dialog-close", autofocus: true, on: { click: closeDialog } }, text("close")))),
    element("h2", { id: "dialog-title" }, tell(headline)),
    element("ul", { class: "told" }, told.filter((sentence) => !IN_TABLES.some((pattern) => pattern.test(sentence))).map((sentence) => element("li", {}, tell(sentence)))),
    signals(decision.seen, config), guardrails(decision),
    heading("plan_title"), table(["pool", "change", "reason"], decision.plan.map((pool) => [pool.pool, `${pool.current} → ${pool.target}`, reason(pool.why)])),
    actions(decision), problems(decision), others(id),
    decision.shadow ? element("p", {}, text("in_shadow", { version: decision.shadow.policy, n: decision.shadow.target })) : null,
    element("p", { class: detail.contradiction ? "bad" : "good" }, detail.contradiction ? text("contradiction", { why: detail.contradiction }) : text("follows")),
    element("details", {}, element("summary", {}, text("record")), element("pre", { tabindex: "0" }, JSON.stringify(decision, null, 2))),
  );
};
