// Opens the page of a replay as a person would. Arguments: the page's file, browser, directory for screenshots (optional).
// Ends with 0 if everything is as it should be; the first thing that is not is told on standard error.

import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [file, executablePath, pictures] = process.argv.slice(2);
const address = pathToFileURL(file).href;
const args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath, args });

// How many colours a chart's canvas has: an empty one has one.
const colours = (canvas) => canvas.evaluate((element) => {
  const { data } = element.getContext("2d").getImageData(0, 0, element.width, element.height);
  return new Set(new Uint32Array(data.buffer)).size;
});

try {
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme, locale: "en-GB" });
    const page = await context.newPage();
    const faults = [], requests = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => { if (message.type() === "error") faults.push(message.text()); });
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(address);
    await page.waitForSelector("#charts canvas");

    const data = JSON.parse(await page.locator("#data").textContent());
    const policies = data[0].report.policies;
    assert.equal(await page.locator("#figures tbody tr").count(), policies.length, "a row for each policy");
    assert.ok(await page.locator("#frontier circle").count() >= policies.length, "a point for each policy");

    const charts = page.locator("#charts canvas");
    assert.equal(await charts.count(), 4, "load, instances, queue and latency");
    for (let index = 0; index < 4; index++) assert.ok(await colours(charts.nth(index)) > 3, `chart ${index} holds nothing (${colorScheme})`);

    // Another policy adds a curve; zooming changes what is drawn.
    const draws = () => charts.nth(1).evaluate((element) => element.toDataURL());
    const before = await draws();
    await page.locator("#policies button[aria-pressed=false]").first().click();
    const more = await draws();
    assert.notEqual(more, before, "a further policy is drawn");
    await page.locator("#zoom button").first().click();
    assert.notEqual(await draws(), more, "zooming shows less of it, larger");

    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [red] = background.match(/\d+/g).map(Number);
    assert.ok(colorScheme === "dark" ? red < 80 : red > 200, `${background} in ${colorScheme}`);
    if (pictures) await page.screenshot({ path: `${pictures}/replay-${colorScheme}.png`, fullPage: true });
    assert.deepEqual(faults, []);
    assert.deepEqual(requests.filter((url) => url !== address && !url.startsWith("data:")), [], "nothing is fetched");
    await context.close();
  }
} finally {
  await browser.close();
}
