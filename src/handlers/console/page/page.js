// The console page: asks the API again and again, and shows how a group stands and why.

import * as actions from "./actions.js";
import { api, hasToken, setToken } from "./api.js";
import { chain } from "./chain.js";
import { drawCharts } from "./charts.js";
import { showDecision } from "./decision.js";
import { byId, element, fill } from "./dom.js";
import { drawPolicies } from "./policies.js";
import { tell } from "./sentences.js";
import { drawPools, drawWeather } from "./supply.js";
import { clock, instant, label, language, money, number, setLanguage, text } from "./texts.js";
import { drawTimeline, reasonOf } from "./timeline.js";

const QUICK_MS = 3_000, CALM_MS = 15_000;
const HOURS = [1, 6, 24];
const state = { list: null, name: null, shown: null, hours: 6, signal: null, fetched: null };
let timer, running = false, again = false;

// Asking

const groupInList = () => state.list?.groups.find((group) => group.name === state.name);
const mark = (group) => JSON.stringify([group?.last_decision?.id, group?.holds, group?.problem, state.name, state.hours]);

const fetchShown = async () => {
  const { name } = state;
  const until = state.list.now;
  const since = new Date(Date.parse(until) - state.hours * 3_600_000).toISOString();
  const isFirst = state.shown?.detail.name !== name;
  const first = api.group(name).then(tellFirst);
  // The rest would only delay what a person waits for.
  if (isFirst) await first;
  const [detail, cost, series, recent, spot, policies] = await Promise.all([first, api.cost(name), api.series(name, since, until), api.decisions(name), api.spot(name), api.policies(name)]);
  // Older pages that were asked for stay, beneath what is new.
  const kept = state.shown?.detail.name === name ? state.shown.decisions : [];
  const listed = new Set(recent.decisions.map((decision) => decision.id));
  const oldest = recent.decisions.at(-1)?.time ?? "";
  const older = kept.filter((decision) => decision.time < oldest && !listed.has(decision.id));
  const joined = older.length && recent.decisions.some((decision) => kept.some((one) => one.id === decision.id));
  return { detail, cost, series, spot, policies, decisions: joined ? [...recent.decisions, ...older] : recent.decisions, next: joined ? state.shown.next : recent.next };
};

// Why it has this size is told as soon as it is known; the rest takes a few hundred records.
const tellFirst = (detail) => {
  if (hasToken() && state.shown?.detail.name !== detail.name && detail.name === state.name) {
    state.shown = { detail, series: { points: [], expected: [] }, decisions: [], next: null };
    unveil();
    drawWhy();
  }
  return detail;
};

const refresh = async () => {
  if (!hasToken()) return showDoor();
  if (running) { again = true; return; }
  running = true;
  clearTimeout(timer);
  let wait = CALM_MS;
  try {
    state.list = await api.groups();
    // Locked meanwhile: what comes late opens nothing.
    if (!hasToken()) return;
    if (!groupInList()) state.name = state.list.groups[0]?.name ?? null;
    const now = mark(groupInList());
    if (state.name && now !== state.fetched) {
      const shown = await fetchShown();
      if (!hasToken()) return;
      state.shown = shown;
      state.fetched = now;
      wait = QUICK_MS;
    }
    byId("alert").hidden = true;
    draw();
  } catch (error) {
    if (!hasToken()) return;
    if (error.status === 401) { setToken(null); showDoor(text("wrong_token")); }
    else showError(error);
  } finally {
    running = false;
    if (hasToken()) timer = setTimeout(refresh, again ? 0 : wait);
    again = false;
  }
};
const anew = () => { state.fetched = null; return refresh(); };

const showError = (error) => {
  const known = state.list;
  fill(byId("alert"), known ? text("retrying", { error: error.message, time: instant(known.now) }) : error.message);
  byId("alert").hidden = false;
};

const showDoor = (message) => {
  byId("console").hidden = true;
  byId("leave").hidden = true;
  byId("door").hidden = false;
  fill(byId("alert"), message ?? "");
  byId("alert").hidden = !message;
  byId("token").focus();
};

// Showing

const open = (id) => {
  const ids = state.shown.decisions.map((decision) => decision.id);
  const around = (id) => {
    const at = ids.indexOf(id);
    return at < 0 ? {} : { newer: ids[at - 1], older: ids[at + 1] };
  };
  showDecision(id, state.shown.detail.in_force, around).catch(showError);
};

const openAt = (seconds) => {
  const distance = (point) => Math.abs(Date.parse(point.time) / 1000 - seconds);
  const points = state.shown.series.points;
  if (points.length) open(points.reduce((best, point) => (distance(point) < distance(best) ? point : best)).decision);
};

const badge = (words, tone = "") => element("li", { class: `badge ${tone}` }, words);

// Spot instances that are being taken away now, by pool and minute.
const going = (detail) => {
  const pools = new Map();
  for (const { pool, ends } of detail.losses) {
    if (!ends || ends <= detail.now) continue;
    const known = pools.get(pool) ?? { pool, n: 0, ends };
    pools.set(pool, { pool, n: known.n + 1, ends: ends > known.ends ? ends : known.ends });
  }
  return [...pools.values()].map((one) => ({ ...one, ends: clock(one.ends) }));
};

// Known events that are on, and the next one within a day.
const DAY_MS = 86_400_000;
const events = (detail) => {
  const told = detail.schedules.map((one) => ({ ...one, at: Date.parse(one.start), start: utc(one.start), end: utc(one.end) }));
  const next = told.filter((one) => !one.is_on && one.at - Date.parse(detail.now) < DAY_MS).sort((a, b) => a.at - b.at).slice(0, 1);
  return [...told.filter((one) => one.is_on).map((one) => ["event_on", one]), ...next.map((one) => ["event_next", one])];
};
const utc = (time) => instant(new Date(time).toISOString());

const drawWhy = () => {
  const { detail } = state.shown;
  const last = detail.last_decision;
  const starting = last ? last.current - last.serving : 0;
  const button = (key, id, click, kind) => element("button", { type: "button", id, class: kind, on: { click } }, text(key));
  const told = last ? [tell(last.headline), reasonOf(last)] : [detail.problem ?? text("not_yet"), ""];
  const reason = told[1].split(/(?<=\.) (?=[A-Z])/).map(tell).join(" ");
  const changed = fill(byId("why"),
    element("div", { class: "size" },
      element("p", { class: "count" }, element("b", { id: "serving" }, last ? number(last.serving) : "–"), " ", text("instances")),
      element("ul", { class: "badges" },
        starting > 0 ? badge(text("starting_now", { starting }), "warn") : null,
        badge(text(`engine_${detail.engine}`)), badge(text(`mode_${detail.mode}`), detail.mode === "observe" ? "warn" : "good"),
        badge(text("limits", { min: detail.min_instances, max: detail.max_instances })))),
    element("div", { class: "because" },
      element("h1", {}, `${text("why_so")} · ${detail.name}`),
      element("p", { class: "lead", id: "headline" }, told[0]),
      element("p", { id: "reason" }, reason),
      chain(state.shown),
      detail.holds.map((hold) => element("p", { class: "note" }, text("held", { ...hold, order: actions.orderText(hold.order), until: instant(hold.until) }))),
      events(detail).map(([key, one]) => element("p", { class: key === "event_on" ? "note" : "muted" }, text(key, one))),
      detail.raises.map((raise) => element("p", { class: "note" }, text("raised", { ...raise, until: instant(raise.until) }))),
      going(detail).map((loss) => element("p", { class: "note" }, text("lost", loss))),
      [...(last?.problems ?? []), ...(last && detail.problem ? [detail.problem] : [])].map((problem) => element("p", { class: "note bad" }, problem)),
      element("div", { class: "buttons" },
        last ? button("all_reasons", "all-reasons", () => open(state.shown.detail.last_decision.id), "main") : null,
        button("evaluate", "evaluate", () => actions.evaluate(groupInList(), anew)),
        button("hold", "hold", () => actions.hold(groupInList(), state.list.now, anew)),
        detail.holds.length ? button("lift", "lift", () => actions.lift(groupInList(), anew)) : null)));
  if (changed) byId("told").textContent = `${detail.name}: ${told[0]}`;
};

const figure = (id, name, value, hint, tone = "") => element("div", { class: `figure ${tone}` }, element("span", {}, name), element("b", { id }, value), element("span", {}, hint));

const drawFigures = () => {
  const { detail, cost, series } = state.shown;
  const all = [];
  const latency = detail.in_force.signals.findIndex((signal) => signal.kind === "latency_ms");
  if (latency >= 0) {
    const slo = detail.in_force.policy.slo_ms;
    const values = series.points.map((one) => one.values[latency]).filter((value) => value !== null);
    const newest = values.at(-1);
    const good = values.filter((value) => value <= slo).length / Math.max(1, values.length);
    all.push(figure("latency", detail.in_force.signals[latency].name, newest === undefined ? "–" : `${number(newest)} ms`, text("slo_hint", { slo: number(slo) }), newest > slo ? "bad" : ""));
    if (values.length) all.push(figure("in-slo", text("in_slo"), `${number(good * 100, 1)} %`, text("in_slo_hint", { count: values.length, slo: number(slo) }), good < 0.99 ? "bad" : "good"));
  }
  all.push(figure("spent", text("cost_so_far"), money(cost.spent), `${text("since_first")} · ${text("per_hour", { value: money(cost.per_hour) })}`));
  const { spent, on_demand, peak, hours } = series.cost;
  const against = (id, other) => {
    const share = (1 - spent / other) * 100;
    all.push(figure(id, text(id), text(share >= 0 ? "saved_value" : "dearer_value", { share: number(Math.abs(share)) }), text("saved_hint", { spent: money(spent), other: money(other), hours: number(hours, 1) }), share > 0 ? "good" : ""));
  };
  // Without a spot pool everything is on demand anyway.
  if (on_demand > 0 && detail.pools.some((pool) => pool.purchase === "spot")) against("against_on_demand", on_demand);
  if (peak > 0) against("against_peak", peak);
  fill(byId("figures"), ...all);
};

const drawGroups = () => {
  const groups = state.list.groups;
  byId("groups").hidden = groups.length < 2;
  fill(byId("groups"), ...groups.map((group) => element("button", {
    type: "button", "aria-current": group.name === state.name ? "true" : null, title: group.problem,
    on: { click: () => { state.name = group.name; state.signal = null; refresh(); } },
  }, group.name, element("b", {}, group.problem && !group.last_decision ? "!" : ` ${group.last_decision?.target ?? "–"}`))));
};

const drawWindows = () => fill(byId("windows"), ...HOURS.map((hours) => element("button", {
  type: "button", "aria-pressed": hours === state.hours ? "true" : "false", "data-hours": hours, on: { click: () => { state.hours = hours; anew(); } },
}, text("hours", { n: hours }))));

let painted = null;
const drawGraphs = (force) => {
  const { detail, series } = state.shown;
  const latency = detail.in_force.signals.findIndex((signal) => signal.kind === "latency_ms");
  state.signal ??= Math.max(0, latency);
  if (painted === series && !force) return;
  painted = series;
  byId("capacity-hint").textContent = text("capacity_hint") + (series.every > 1 ? ` ${text("thinned", series)}` : "");
  drawCharts(series, detail.in_force, state.signal, openAt);
};

const unveil = () => {
  byId("door").hidden = true;
  byId("console").hidden = false;
  byId("leave").hidden = false;
  if (!state.list) return;
  byId("clock").textContent = `${instant(state.list.now)} UTC`;
  drawGroups();
  drawWindows();
};

const draw = (force = false) => {
  unveil();
  if (!state.list || !state.shown?.cost) return;
  drawWhy();
  drawFigures();
  drawPools(state.shown.detail);
  drawWeather(state.shown.spot);
  drawPolicies(state.name, state.shown.policies, anew, showError);
  drawTimeline(state.shown.decisions, state.shown.next, open);
  drawGraphs(force);
};

// Controls

const preferred = matchMedia("(prefers-color-scheme: dark)");
const theme = () => localStorage.getItem("flexus-console-theme") ?? (preferred.matches ? "dark" : "light");
const dress = () => {
  document.documentElement.dataset.theme = theme();
  label();
  byId("language").textContent = text("language");
  byId("language").setAttribute("aria-label", text("language_label"));
  byId("theme").textContent = text(theme() === "dark" ? "theme_light" : "theme_dark");
  if (state.shown && hasToken()) draw(true);
};
preferred.addEventListener("change", dress);
byId("theme").addEventListener("click", () => { localStorage.setItem("flexus-console-theme", theme() === "dark" ? "light" : "dark"); dress(); });
byId("language").addEventListener("click", () => { setLanguage(language() === "zh" ? "en" : "zh"); byId("dialog").close(); dress(); });
byId("leave").addEventListener("click", () => { setToken(null); clearTimeout(timer); showDoor(); });
byId("door-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setToken(byId("token").value.trim());
  byId("token").value = "";
  byId("alert").hidden = true;
  anew();
});
byId("every").addEventListener("change", () => drawTimeline(state.shown.decisions, state.shown.next, open));
byId("earlier").addEventListener("click", async () => {
  const { name } = state;
  try {
    const page = await api.decisions(name, state.shown.next);
    if (name !== state.name) return;
    state.shown.decisions.push(...page.decisions);
    state.shown.next = page.next;
    drawTimeline(state.shown.decisions, page.next, open);
  } catch (error) { showError(error); }
});
byId("signal").addEventListener("change", (event) => { state.signal = Number(event.target.value); drawGraphs(true); });
let resizing;
addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(() => state.shown && !byId("console").hidden && drawGraphs(true), 150); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); else clearTimeout(timer); });

dress();
refresh();
