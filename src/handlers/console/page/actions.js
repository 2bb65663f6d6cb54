// What a person can do: evaluate now, hold, lift. Each is shown before it is done.

import { api } from "./api.js";
import { byId, closeDialog, element, isShown, showDialog } from "./dom.js";
import { tell } from "./sentences.js";
import { instant, text } from "./texts.js";

const WHO = "flexus-console-who";
const DURATIONS = [["minutes_30", 30], ["hours_1", 60], ["hours_4", 240], ["days_1", 1440], ["days_7", 10_080]];

export const orderText = (order) => {
  if (typeof order === "string") return text(order);
  const [[kind, n]] = Object.entries(order);
  return text(`${kind}_n`, { n });
};

const title = (words) => element("h2", { id: "dialog-title" }, words);
const button = (key, click, attributes = {}) => element("button", { type: "button", ...attributes, on: { click } }, text(key));
const cancel = () => button("cancel", closeDialog);
const buttons = (...all) => element("div", { class: "buttons" }, all);
const failure = (error) => element("p", { class: "bad", role: "alert" }, error.message);

// Runs what a button asks for; while it runs the button is off. `told` shows what came of it, unless the person has left
// for something else. An error is never lost: it is told in whatever is open.
const attempt = async (pressed, errors, work, told) => {
  pressed.disabled = true;
  try {
    const answer = await work();
    if (isShown(errors)) told(answer);
  } catch (error) {
    pressed.disabled = false;
    if (errors.isConnected) errors.replaceChildren(failure(error));
    else byId("dialog").prepend(failure(error));
    if (!byId("dialog").open) byId("dialog").showModal();
  }
};

const tellDone = (heading, words) =>
  showDialog(heading, element("p", { role: "status" }, words), buttons(button("close", closeDialog, { autofocus: true })));

// An evaluation is asked for; the decision that answers it is found among the records.
const ASKED_EVERY_MS = 1_000, PATIENCE_MS = 60_000;
const decide = async (name, dryRun) => {
  const { request_id } = await api.evaluate(name, dryRun);
  for (const began = Date.now(); Date.now() - began < PATIENCE_MS; ) {
    const { decisions } = await api.decisions(name);
    const decision = decisions.find((one) => one.request_id === request_id);
    if (decision) return decision;
    await new Promise((resolve) => setTimeout(resolve, ASKED_EVERY_MS));
  }
  throw new Error(text("no_decision"));
};

const sentences = (result) => result.why.split(/(?<=\.) (?=[A-Z])/).map((sentence) => tell(sentence)).join(" ");

export const evaluate = async (group, changed) => {
  const waiting = element("p", { role: "status" }, text("evaluating"));
  showDialog(title(text("would")), waiting, buttons(cancel()));
  const trial = await decide(group.name, true).catch((error) => {
    if (isShown(waiting)) showDialog(title(text("would")), failure(error), buttons(cancel()));
  });
  if (!trial || !isShown(waiting)) return;
  const errors = element("div");
  const moves = trial.current !== trial.target;
  const act = (event) => attempt(event.currentTarget, errors, async () => {
    const done = await decide(group.name, false);
    changed();
    return done;
  }, (done) => tellDone(title(text("did")), sentences(done)));
  showDialog(
    title(text("would")),
    element("p", { class: "lead" }, moves ? text("would_change", { from: trial.current, to: trial.target }) : text("would_keep", { n: trial.current })),
    element("p", { class: "muted" }, sentences(trial)),
    group.mode === "observe" ? element("p", {}, text("observes")) : null,
    errors,
    buttons(cancel(), button("for_real", act, { class: "main", id: "for-real" })),
  );
};

const field = (key, control) => element("label", { class: "field" }, element("span", {}, text(key)), control);

export const hold = (group, now, changed, given = {}) => {
  const who = element("input", { id: "hold-who", required: true, maxlength: 200, value: given.who ?? sessionStorage.getItem(WHO) ?? "" });
  const why = element("input", { id: "hold-why", required: true, maxlength: 200, value: given.why ?? "" });
  const kind = element("select", { id: "hold-order" }, ["pause_all", "pause_in", "pause_out", "pin", "floor"].map((key) => element("option", { value: key }, text(key))));
  kind.value = given.kind ?? "pause_in";
  const n = element("input", { id: "hold-number", type: "number", required: true, min: group.min_instances, max: group.max_instances, value: given.n ?? group.last_decision?.target ?? group.min_instances });
  const lasts = element("select", { id: "hold-lasts" }, DURATIONS.map(([key, minutes]) => element("option", { value: String(minutes) }, text(key))));
  lasts.value = given.minutes ?? "60";
  const numbered = field("number", n);
  const show = () => { numbered.hidden = !["pin", "floor"].includes(kind.value); n.disabled = numbered.hidden; };
  kind.addEventListener("change", show);
  show();
  const review = (event) => {
    event.preventDefault();
    sessionStorage.setItem(WHO, who.value);
    const order = numbered.hidden ? kind.value : { [kind.value]: Number(n.value) };
    // What counts as now is the console's, not this machine's.
    const until = new Date(Date.parse(now) + Number(lasts.value) * 60_000).toISOString();
    const order_given = { order, who: who.value, why: why.value, until };
    const errors = element("div");
    const send = (event) => attempt(event.currentTarget, errors, async () => {
      await api.hold(group.name, order_given);
      changed();
    }, () => tellDone(title(text("hold_title", { group: group.name })), text("held_now")));
    const back = () => hold(group, now, changed, { who: who.value, why: why.value, kind: kind.value, n: n.value, minutes: lasts.value });
    showDialog(
      title(text("hold_title", { group: group.name })),
      element("p", { class: "lead" }, text("held", { order: orderText(order), who: who.value, why: why.value, until: instant(until) })),
      element("p", { class: "muted" }, text("confirm_hold")), errors,
      buttons(button("back", back), button("confirm", send, { class: "main", id: "confirm" })),
    );
  };
  showDialog(title(text("hold_title", { group: group.name })), element("form", { class: "form", on: { submit: review } },
    field("order", kind), numbered, field("lasts", lasts), field("who", who), field("because", why),
    buttons(cancel(), element("button", { type: "submit", class: "main" }, text("review")))));
};

export const lift = (group, changed) => {
  const who = element("input", { id: "lift-who", required: true, maxlength: 200, value: sessionStorage.getItem(WHO) ?? "" });
  const errors = element("div");
  const send = (event) => {
    event.preventDefault();
    return attempt(event.submitter, errors, async () => {
      await api.lift(group.name, who.value);
      changed();
    }, () => tellDone(title(text("lift_title", { group: group.name })), text("lifted")));
  };
  showDialog(title(text("lift_title", { group: group.name })), element("p", { class: "muted" }, text("lift_hint")),
    element("form", { class: "form", on: { submit: send } }, field("who", who), errors,
      buttons(cancel(), element("button", { type: "submit", class: "main", id: "confirm" }, text("confirm")))));
};

// A person's word on a version of the policy: approve, reject or roll back.
export const orderForm = (group, version, order, changed) => {
  const who = element("input", { id: "order-who", required: true, maxlength: 200, value: sessionStorage.getItem(WHO) ?? "" });
  const why = element("input", { id: "order-why", required: true, maxlength: 200 });
  const errors = element("div");
  const heading = title(text("order_title", { order: text(`order_${order}`), version }));
  const send = (event) => {
    event.preventDefault();
    sessionStorage.setItem(WHO, who.value);
    return attempt(event.submitter, errors, async () => {
      await api.orderPolicy(group, version, order, who.value, why.value);
      changed();
    }, () => tellDone(heading, text(order === "approve" ? "approved" : "disapproved")));
  };
  showDialog(heading, element("form", { class: "form", on: { submit: send } }, field("who", who), field("because", why), errors,
    buttons(cancel(), element("button", { type: "submit", class: "main", id: "confirm" }, text("confirm")))));
};
