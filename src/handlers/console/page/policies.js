// Versions of the policy: how each stands, what replay says of it, and a person's word on it.

import { orderForm } from "./actions.js";
import { api } from "./api.js";
import { byId, closeDialog, element, fill, showDialog } from "./dom.js";
import { instant, number, text } from "./texts.js";

// What may be ordered of a version that stands so.
const ORDERS = { proposed: ["approve", "reject"], shadow: ["reject"], canary: ["rollback"], active: ["rollback"] };
const TONES = { active: "good", canary: "good", rolled_back: "bad", rejected: "bad", proposed: "warn", shadow: "warn" };

const percent = (share) => number(share * 100, 1);

const standing = (one) => element("span", { class: `badge ${TONES[one.standing] ?? ""}` }, one.standing ? text(`standing_${one.standing}`) : "–");

const minute = (value) => instant(new Date(value * 60_000).toISOString());

const comparisons = (rows) => element("div", { class: "scroll" }, element("table", {},
  element("thead", {}, element("tr", {}, ["stretch", "j_change", "cost_change", "slo_change"].map((key) => element("th", { scope: "col" }, text(key))))),
  element("tbody", {}, rows.map(([name, { before, after }]) => element("tr", {},
    element("th", { scope: "row" }, name),
    element("td", { class: after.j <= before.j ? "good" : "bad" }, `${number(before.j, 3)} → ${number(after.j, 3)}`),
    element("td", {}, `${number(before.cost_hours, 1)} → ${number(after.cost_hours, 1)}`),
    element("td", {}, `${percent(before.in_slo)} → ${percent(after.in_slo)} %`))))));

const list = (key, lines) => (lines.length ? [element("h3", {}, text(key)), element("ul", {}, lines.map((line) => element("li", {}, line)))] : []);

const event = (what) => (what.became ? text(`standing_${what.became}`) : text("ordered", { order: text(`order_${what.ordered}`) }));

const showEvidence = async (group, name) => {
  const { version, story } = await api.policy(group, name);
  const { evidence } = version;
  const stress = evidence.stress.map((one) => [`${text(`stress_${one.name}`)}${one.passed ? "" : " ✗"}`, one.comparison]);
  showDialog(
    element("header", { class: "row" }, element("p", { class: "muted" }, `${text(`author_${version.author}`)} · ${instant(version.created)} UTC`), element("button", { type: "button", autofocus: true, on: { click: closeDialog } }, text("close"))),
    element("h2", { id: "dialog-title" }, version.version),
    element("p", {}, version.why),
    list("policy_changes", version.changes),
    element("p", { class: evidence.passed ? "good" : "bad" }, text(evidence.passed ? "gate_passed" : "gate_failed", { share: percent(evidence.saved_at_least), confidence: percent(evidence.confidence) })),
    list("objections", evidence.objections),
    element("h3", {}, text("evidence")),
    comparisons([[text("training"), evidence.training], [text("held_out"), evidence.held_out], ...evidence.days.map((day) => [minute(day.from), day]), ...stress]),
    list("not_replayed", evidence.not_replayed),
    list("story", story.map((change) => `${instant(change.time)}: ${event(change.what)}, ${change.who}${change.why ? `: ${change.why}` : ""}`)),
  );
};

const row = (group, one, changed, failed) => element("li", {},
  element("div", { class: "row" },
    element("span", {}, standing(one), " ", element("b", {}, one.version)),
    element("span", { class: "muted" }, `${text(`author_${one.author}`)} · ${instant(one.created)}`)),
  element("p", {}, one.why),
  one.changes.length ? element("p", { class: "muted" }, one.changes.join("; ")) : null,
  element("p", { class: one.j < one.j_before ? "good" : "" }, text("policy_saves", { before: number(one.j_before, 3), after: number(one.j, 3), share: percent(one.saved_at_least) })),
  one.ordered ? element("p", { class: "note" }, text("ordered", { order: text(`order_${one.ordered}`) })) : null,
  element("div", { class: "buttons" },
    element("button", { type: "button", on: { click: () => showEvidence(group, one.version).catch(failed) } }, text("evidence")),
    (ORDERS[one.standing] ?? []).map((order) => element("button", { type: "button", class: order === "approve" ? "main" : null, "data-order": order, on: { click: () => orderForm(group, one.version, order, changed) } }, text(`order_${order}`)))));

// `policies` is null where the console does not know of any.
export const drawPolicies = (group, policies, changed, failed) => {
  const versions = policies?.versions ?? [];
  byId("policies").hidden = versions.length === 0;
  if (!versions.length) return;
  fill(byId("policies-now"), text(policies.shadow ? "policy_beside" : "policy_now", { active: policies.active === "config" ? text("policy_config") : policies.active, shadow: policies.shadow }));
  fill(byId("versions"), ...versions.map((one) => row(group, one, changed, failed)));
};
