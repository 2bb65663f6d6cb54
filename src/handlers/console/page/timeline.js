// The list of decisions, newest first. Those that changed nothing are folded into one line.

import { byId, element, fill } from "./dom.js";
import { tell } from "./sentences.js";
import { clock, text } from "./texts.js";

const isQuiet = (decision) => decision.current === decision.target && !decision.dry_run && decision.trigger === "timer" && decision.problems.length === 0;

const runs = (decisions, every) => {
  const folded = [];
  for (const decision of decisions) {
    const open = folded.at(-1);
    const goes_on = !every && open && isQuiet(decision) && isQuiet(open[0]) && open[0].target === decision.target;
    if (goes_on) open.push(decision);
    else folded.push([decision]);
  }
  return folded;
};

// The headline is a sentence of its own; what follows it is the reason.
export const reasonOf = (decision) => decision.why.slice(decision.headline.length).trim();

const line = (run, open) => {
  const [newest] = run;
  const oldest = run.at(-1);
  const tone = newest.problems.length ? "bad" : newest.target > newest.current ? "out" : newest.target < newest.current ? "in" : "still";
  const what = run.length > 1 ? text("kept", { n: newest.target }) : tell(newest.headline);
  const reason = run.length > 1 ? text("run", { count: run.length, from: clock(oldest.time) }) : tell(reasonOf(newest));
  return element("li", {}, element("button", { type: "button", class: `decision ${tone}`, "data-decision": newest.id, on: { click: () => open(newest.id) } },
    element("time", { datetime: newest.time }, clock(newest.time)),
    element("span", { class: "move", "aria-hidden": "true" }, tone === "out" ? "▲" : tone === "in" ? "▼" : tone === "bad" ? "!" : "·"),
    element("span", { class: "what" }, element("b", {}, what), " ", element("span", { class: "muted" }, reason))));
};

export const drawTimeline = (decisions, next, open) => {
  fill(byId("timeline"), ...runs(decisions, byId("every").checked).map((run) => line(run, open)));
  byId("earlier").hidden = !next;
};
