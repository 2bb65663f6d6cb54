// How the number came about, as a chain a person can follow: what there is to do, what is expected, what the engine wants,
// what guardrails made of it, what is there.

import { element } from "./dom.js";
import { reason } from "./sentences.js";
import { number, text } from "./texts.js";

const link = (id, name, value, hint) => element("li", {}, element("span", {}, name), element("b", { id }, value), element("span", {}, hint));

// The load in instances' worth where the engine knows it, else the first utilisation.
const load = (detail, point) => {
  if (point?.demand) return [link("load", text("load_now"), number(point.demand.instances, 1), text("load_unit"))];
  const index = detail.in_force.signals.findIndex((signal) => signal.kind === "utilisation");
  const value = point?.values[index];
  return value === null || value === undefined ? [] : [link("load", detail.in_force.signals[index].name, `${number(value, 0)} %`, text("load_measured"))];
};

const expected = (series, point) => {
  if (!series.expected.length || !point) return [];
  const widest = series.expected.reduce((most, band) => (band.highest > most.highest ? band : most));
  const minutes = Math.max(1, Math.round((Date.parse(widest.time) - Date.parse(point.time)) / 60_000));
  return [link("expected", text("expected"), text("expected_value", { highest: number(widest.highest, 1) }), text("expected_hint", { low: number(widest.low, 1), high: number(widest.high, 1), minutes }))];
};

const bound = (last) => {
  const { guardrails } = last;
  if (!guardrails.length) return link("bound", text("guardrails_title"), "–", text("bound_nothing"));
  return link("bound", text("guardrails_title"), `${last.proposed} → ${last.target}`, guardrails.map((step) => `${text(`rule_${step.rule}`)}: ${reason(step.why)}`).join("; "));
};

export const chain = ({ detail, series }) => {
  const last = detail.last_decision;
  if (!last) return null;
  const point = series.points.at(-1);
  const starting = last.current - last.serving;
  const price = detail.in_force.policy.violation_price;
  return element("ol", { class: "chain", "aria-label": text("chain_label") },
    load(detail, point), expected(series, point),
    link("wanted", text("wanted"), number(last.proposed), text(`wanted_${detail.engine}`, { k: number(price), slo: number(detail.in_force.policy.slo_ms), target: number(detail.in_force.policy.target_utilisation) })),
    bound(last),
    link("decided", text("target_name"), number(last.target), starting > 0 ? text("there_starting", { serving: last.serving, starting, lead: detail.lead_minutes }) : text("there", { serving: last.serving })));
};
