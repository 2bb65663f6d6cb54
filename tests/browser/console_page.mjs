// Drives the console page as a person would. Arguments: address, token, browser, directory for screenshots (optional).
// Ends with 0 if everything is as it should be; the first thing that is not is told on standard error.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [address, token, executablePath, pictures] = process.argv.slice(2);
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath, args });

const ask = async (path) => {
  const response = await fetch(`${address}/api/${path}`, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(response.status, 200, path);
  return response.json();
};

const enter = async (options) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", locale: "en-GB", ...options });
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  page.on("console", (message) => { if (message.type() === "error" && !message.text().includes("status of")) page.faults.push(message.text()); });
  await page.goto(`${address}/`);
  await page.fill("#token", token);
  await page.press("#token", "Enter");
  await page.waitForSelector("html[data-painted]");
  return page;
};

const number = (text) => Number(text.replace(/[^0-9.]/g, ""));
const has = async (page, words) => page.getByText(words).first().waitFor();

const showsTheTruth = async (page) => {
  const { groups: [group] } = await ask("groups");
  const cost = await ask(`groups/${group.name}/cost`);
  const { points, decisions } = await ask(`groups/${group.name}/series`);
  assert.ok(points.length > 30 && decisions >= points.length);
  assert.equal(number(await page.textContent("#serving")), group.last_decision.serving);
  assert.ok(Math.abs(number(await page.textContent("#spent")) - cost.spent) < 0.006, "the cost so far");
  assert.equal(number(await page.textContent("#load")), Number(points.at(-1).demand.instances.toFixed(1)));
  assert.equal(number(await page.textContent("#decided")), group.last_decision.target);
  const { pools } = await ask(`groups/${group.name}`);
  assert.equal(await page.locator("#pools .square.serving").count(), pools.reduce((sum, pool) => sum + pool.serving, 0));
  const painted = await page.evaluate(() => [...document.querySelectorAll("canvas")].map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, index) => index % 4 === 3 && value > 0).length;
  }));
  assert.equal(painted.length, 2);
  assert.ok(Math.min(...painted) > 1000, `every chart is painted: ${painted}`);
};

const opensADecision = async (page) => {
  const row = page.locator("#timeline [data-decision]").first();
  const id = await row.getAttribute("data-decision");
  const detail = await ask(`decisions/${encodeURIComponent(id)}`);
  await row.focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open] .told");
  const told = await page.locator("dialog .told li").count();
  assert.ok(told >= 2 && told < detail.told.length, `the sentences that no table tells: ${told}`);
  assert.equal(await page.locator("dialog tbody tr").count() >= detail.decision.plan.length, true);
  const { alternatives } = await ask(`decisions/${encodeURIComponent(id)}/alternatives`);
  await page.waitForSelector("#others li");
  const others = await page.locator("#others li b").allTextContents();
  assert.deepEqual(others.map(number), alternatives.map((one) => one.target));
  return detail;
};

const english = await enter({});
await showsTheTruth(english);
const detail = await opensADecision(english);
assert.equal(await english.textContent("dialog h2"), detail.told[0]);
await english.keyboard.press("Escape");

// A hold is given, shown, and lifted.
await english.click("#hold");
await english.selectOption("#hold-order", "floor");
const { groups: [group] } = await ask("groups");
const floor = String(group.last_decision.target + 1);
await english.fill("#hold-number", floor);
await english.fill("#hold-who", "ada");
await english.fill("#hold-why", "a launch");
await english.keyboard.press("Enter");
await english.click("#confirm");
await has(english, "Held. It counts from the next evaluation on.");
await english.keyboard.press("Escape");
await has(english, `At least ${floor} instances, by ada: a launch.`);
assert.deepEqual((await ask("groups")).groups[0].holds.map((hold) => hold.order), [{ floor: Number(floor) }]);

// Evaluated as a trial, nothing changes; then for real, the order is obeyed.
await english.click("#evaluate");
await english.waitForSelector("#for-real");
await has(english, "dry run: nothing was changed");
await english.click("#for-real");
await english.locator("dialog").getByText(`Grow from ${group.last_decision.target} to ${floor} instances.`).first().waitFor();
await english.keyboard.press("Escape");
await english.click("#lift");
await english.fill("#lift-who", "ada");
await english.click("#confirm");
await has(english, "Lifted.");
await english.keyboard.press("Escape");
await english.waitForSelector("#lift", { state: "detached" });
assert.deepEqual((await ask("groups")).groups[0].holds, []);

// An answer that comes late does not push away what has been opened since.
let letGo;
const gate = new Promise((resolve) => { letGo = resolve; });
await english.route("**/evaluate?dry_run=true", async (route) => { await gate; await route.continue(); });
await english.click("#evaluate");
await has(english, "Evaluating");
await english.keyboard.press("Escape");
await english.click("#hold");
const asked = english.waitForResponse((response) => response.url().includes("evaluate?dry_run=true"));
letGo();
await (await asked).finished();
await english.waitForTimeout(2_500);
assert.ok(await english.isVisible("#hold-order"), "the order that is being written stays");
await english.keyboard.press("Escape");
await english.unroute("**/evaluate?dry_run=true");

// A version of the policy that waits is shown with its evidence, and approved.
await english.click('[data-hours="6"]');
await has(english, "J 1.310 → 1.250 on days that it was not chosen on; at least 2.1 % saved.");
await english.locator("#versions").getByRole("button", { name: "Evidence" }).click();
await english.locator("dialog").getByText("it passed the gate and waits for a person").waitFor();
await english.keyboard.press("Escape");
await english.click('[data-order="approve"]');
await english.fill("#order-who", "ada");
await english.fill("#order-why", "looks right");
await english.click("#confirm");
await has(english, "Approved. It takes effect with the next run of tune.");
await english.keyboard.press("Escape");
const [version] = (await ask(`groups/${group.name}/policies`)).versions;
assert.equal(version.ordered, "approve");
const { story } = await ask(`groups/${group.name}/policies/${version.version}`);
assert.deepEqual(story.map(({ what, who, why }) => ({ what, who, why })).at(-1), { what: { ordered: "approve" }, who: "ada", why: "looks right" });

// An API that fails is told and survived: what was shown stays, and it comes back by itself.
const serving = await english.textContent("#serving");
const broken = { status: 502, contentType: "application/problem+json", body: JSON.stringify({ detail: "the store is down" }) };
await english.route("**/api/**", (route) => route.fulfill(broken));
await english.click('[data-hours="1"]');
await has(english, "the store is down");
assert.equal(await english.textContent("#serving"), serving);
await english.click("#evaluate");
await english.locator("dialog .bad").waitFor();
await english.keyboard.press("Escape");
await english.unroute("**/api/**");
await english.waitForSelector("#alert", { state: "hidden", timeout: 40_000 });
assert.deepEqual(english.faults, []);

// In Chinese, on a phone, in the dark.
const chinese = await enter({ locale: "zh-CN", viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, colorScheme: "dark" });
assert.equal(await chinese.getAttribute("html", "lang"), "zh-CN");
assert.equal(await chinese.getAttribute("html", "data-theme"), "dark");
await showsTheTruth(chinese);
await opensADecision(chinese);
assert.match(await chinese.textContent("dialog h2"), /台/);
await chinese.keyboard.press("Escape");
assert.ok(await chinese.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is wider than a phone");
const list = (await ask(`groups/${group.name}/decisions?limit=500&since=2000-01-01T00:00:00Z`)).decisions;
const every = Math.ceil(list.length / 60);
const told = new Set();
const sampled = list.filter((_, index) => index % every === 0);
for (const [index, { id }] of sampled.entries()) {
  // Each of these reads thirty records.
  const { alternatives } = index % 8 === 0 ? await ask(`decisions/${id}/alternatives`) : { alternatives: [] };
  for (const sentence of [(await ask(`decisions/${id}`)).told, alternatives.map((one) => one.told)].flat(2)) told.add(sentence);
}
const unknown = await chinese.evaluate(async (sentences) => {
  const { isKnown } = await import("./sentences.js");
  return sentences.filter((sentence) => !isKnown(sentence));
}, [...told]);
assert.deepEqual(unknown, [], "every sentence is told in Chinese");
const problems = await chinese.evaluate(async () => {
  const { tell } = await import("./sentences.js");
  return [
    "Problem: the pools have room for 3 of 5 instances.", "Problem: pool spot: 2 instances do not come: c7.large.2 is sold out.",
    "Problem: 2 instances that were asked for up to 11 minutes ago do not serve yet.", "Problem: version v7 of the policy is rolled back: ada does not want it.",
    "Problem: what came of it is not known: the evaluation did not end.",
  ].map(tell);
});
assert.deepEqual(problems, [
  "问题：资源池只容得下 5 台中的 3 台。", "问题：资源池 spot：2 台迟迟不来：c7.large.2 is sold out。",
  "问题：2 台已请求的实例尚未开始服务，最早的已过去 11 分钟。", "问题：策略版本 v7 已回滚：ada does not want it。", "问题：结果未知：评估未能结束。",
], "problems are told in Chinese, words of others as they are");
assert.deepEqual(chinese.faults, []);

// A wrong token opens nothing.
const stranger = await browser.newPage();
await stranger.goto(`${address}/`);
await stranger.fill("#token", "not-the-right-token");
await stranger.press("#token", "Enter");
await stranger.waitForSelector("#alert:not([hidden])");
assert.ok(await stranger.isVisible("#door"));

if (pictures) {
  await english.click('[data-hours="24"]');
  await english.waitForTimeout(4000);
  await english.screenshot({ path: `${pictures}/console-light.png` });
  await chinese.click("#language");
  await chinese.waitForTimeout(500);
  await chinese.screenshot({ path: `${pictures}/console-dark.png` });
}
await browser.close();
