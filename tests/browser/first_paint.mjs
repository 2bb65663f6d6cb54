// Measures how long the console page takes, for people who want a number. Arguments: address, token, browser.
//   flexus-autoscaler local --serve --port 9000 --trace a-week.csv
//   node tests/browser/first_paint.mjs http://127.0.0.1:9002 flexus-local-demo "$(command -v chromium)"

import { chromium } from "playwright-core";

const [address, token, executablePath] = process.argv.slice(2);
const ROUNDS = 7;
const middle = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)].toFixed(0);

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const first = [], told = [], whole = [];
let bytes = 0;
for (let round = 0; round < ROUNDS; round++) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  await context.addInitScript((value) => sessionStorage.setItem("flexus-console-token", value), token);
  const page = await context.newPage();
  await page.goto(`${address}/`);
  await page.waitForSelector("#headline");
  told.push(await page.evaluate(() => performance.now()));
  await page.waitForSelector("html[data-painted]");
  const [contentful, painted, size] = await page.evaluate(() => {
    const files = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].filter((entry) => !entry.name.includes("/api/"));
    return [performance.getEntriesByName("first-contentful-paint")[0].startTime, performance.now(), files.reduce((sum, entry) => sum + entry.decodedBodySize, 0)];
  });
  first.push(contentful);
  whole.push(painted);
  bytes = size;
  await context.close();
}
const headers = { Authorization: `Bearer ${token}` };
const { groups: [group] } = await (await fetch(`${address}/api/groups`, { headers })).json();
const since = new Date(Date.parse(group.evaluated) - 7 * 86_400_000 + 60_000).toISOString();
const { decisions } = await (await fetch(`${address}/api/groups/${group.name}/series?points=2&since=${since}`, { headers })).json();
console.log(`${decisions} decisions in the last seven days; page ${(bytes / 1024).toFixed(0)} KiB`);
console.log(`first contentful paint ${middle(first)} ms, told why ${middle(told)} ms, charts painted ${middle(whole)} ms (median of ${ROUNDS})`);
await browser.close();
