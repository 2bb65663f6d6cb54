// Takes the pictures of the documents. Arguments: address and token of a console page (`flexus-autoscaler local --hours 11
// --spot-trace spot.csv --serve --port 9000` prints them), browser, folder.

import { chromium } from "playwright-core";

const [address, token, executablePath, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });

const enter = async (options) => {
  const context = await browser.newContext({ viewport: { width: 1200, height: 1000 }, colorScheme: "light", locale: "en-GB", ...options });
  const page = await context.newPage();
  await page.goto(`${address}/`);
  await page.fill("#token", token);
  await page.press("#token", "Enter");
  await page.waitForSelector("html[data-painted]");
  await page.click('[data-hours="24"]');
  await page.waitForTimeout(4000);
  return page;
};

const decision = async (page, name) => {
  await page.locator("#timeline [data-decision]").first().focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open] #others li");
  await page.screenshot({ path: `${folder}/${name}.png` });
};

const english = await enter({});
await english.screenshot({ path: `${folder}/console-light.png` });
await decision(english, "console-decision");
const chinese = await enter({ locale: "zh-CN" });
await chinese.screenshot({ path: `${folder}/console-zh.png` });
await decision(chinese, "console-decision-zh");
await browser.close();
