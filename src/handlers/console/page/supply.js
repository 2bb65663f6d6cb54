// Where instances come from: what each pool has and shall have, and how spot fares by zone.

import { byId, element, fill } from "./dom.js";
import { reason } from "./sentences.js";
import { clock, money, number, text } from "./texts.js";

const MOST_SQUARES = 60;

// One square an instance; groups that are larger show numbers alone.
const squares = (pool) => {
  const { serving, starting } = pool;
  const missing = Math.max(0, (pool.target ?? 0) - serving - starting);
  if (serving + starting + missing > MOST_SQUARES) return null;
  const row = (count, kind) => Array.from({ length: count }, () => element("i", { class: `square ${kind}` }));
  return element("span", { class: "squares", "aria-hidden": "true" }, row(serving, "serving"), row(starting, "starting"), row(missing, "asked"));
};

const counts = (pool) => [
  text("serving_now", { serving: pool.serving }),
  ...(pool.starting > 0 ? [text("starting_now", { starting: pool.starting })] : []),
  ...(pool.target !== null && pool.target !== pool.serving + pool.starting ? [text("target_now", { target: pool.target })] : []),
].join(" · ");

export const drawPools = (detail) => fill(byId("pools"), ...detail.pools.map((pool) => element("li", {},
  element("div", { class: "row" },
    element("b", {}, pool.pool),
    element("span", { class: "muted" }, `${text(pool.purchase)} · ${text("per_hour", { value: money(pool.price_per_hour) })}`)),
  element("p", {}, counts(pool)),
  squares(pool),
  pool.why ? element("p", { class: "muted" }, reason(pool.why)) : null)));

const zone = (one) => {
  const storm = one.going > 0 ? "bad" : one.left_alone.length ? "warn" : "good";
  const word = one.going > 0 ? text("zone_going", { n: one.going }) : one.left_alone.length ? text("zone_alone", { until: clock(one.left_alone.reduce((latest, place) => (place.until > latest ? place.until : latest), "")) }) : text("zone_fair");
  const flavors = one.left_alone.map((place) => place.flavor ?? text("every_flavor")).join(", ");
  return element("tr", {},
    element("th", { scope: "row" }, one.zone ?? text("any_zone")),
    element("td", { class: storm }, word, flavors ? ` (${flavors})` : ""),
    element("td", {}, number(one.losses)),
    element("td", {}, one.last_loss ? clock(one.last_loss) : "–"));
};

export const drawWeather = (weather) => {
  const pools = weather?.pools ?? [];
  byId("weather").hidden = pools.length === 0;
  fill(byId("weather-pools"), ...pools.map((pool) => element("div", { class: "scroll" },
    element("table", {},
      element("caption", {}, pool.pool),
      element("thead", {}, element("tr", {}, ["zone", "sky", "losses", "last_loss"].map((key) => element("th", { scope: "col" }, text(key))))),
      element("tbody", {}, pool.zones.length ? pool.zones.map(zone) : element("tr", {}, element("td", { colspan: 4 }, text("zone_fair_all"))))))));
};
