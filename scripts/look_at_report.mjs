#!/usr/bin/env node
// Opens pages of gan-report as a phone and as a desktop browser do, in light and dark, and takes their pictures.
//
//     npm install --prefix target/look playwright-core
//     NODE_PATH=target/look/node_modules node scripts/look_at_report.mjs OUT PAGE...
//
// PAGE is a file or the address of the live server. OUT is a folder for the pictures. Chromium is /usr/bin/chromium, or what
// the variable CHROMIUM says.
//
// Exit status: 1 for an error in a console, a request that leaves the page (or, for an address, its server), a page that is
// wider than its window, text of less than 14 pixels, a slider that does not show the first step when it is moved there, or
// a page without JavaScript that does not show the newest samples; 2 for wrong usage.

import { createRequire } from 'node:module';
import { basename, resolve } from 'node:path';
import { mkdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const { chromium } = createRequire(import.meta.url)('playwright-core');
const WINDOWS = [{ width: 390, height: 844 }, { width: 1280, height: 900 }];
// Without these Chromium looks for its maker's hosts.
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const [out, ...pages] = process.argv.slice(2);
if (!out || pages.length === 0) {
  console.error('usage: look_at_report.mjs OUT PAGE...');
  process.exit(2);
}
mkdirSync(out, { recursive: true });
const wrong = [];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: QUIET });
for (const [number, given] of pages.entries()) {
  const url = given.startsWith('http') ? given : pathToFileURL(resolve(given)).href;
  const name = `${number + 1}-${basename(given).replace(/[^\w.]/g, '_') || 'page'}`;
  for (const viewport of WINDOWS) {
    for (const colorScheme of ['light', 'dark']) await look(url, name, { viewport, colorScheme });
  }
  await lookWithoutScripts(url, name);
  await print(url, name);
}
await browser.close();
wrong.forEach((what) => console.error(what));
process.exit(wrong.length ? 1 : 0);

// Opens a page, with an eye on what it asks for and complains of.
async function open(url, options) {
  const context = await browser.newContext({ deviceScaleFactor: 2, ...options });
  const page = await context.newPage();
  page.on('console', (message) => { if (message.type() === 'error') wrong.push(`${url}: ${message.text()}`); });
  page.on('pageerror', (error) => wrong.push(`${url}: ${error}`));
  page.on('request', (request) => {
    const asked = request.url();
    const stays = asked === url || asked.startsWith('data:')
      || (url.startsWith('http') && new URL(asked).origin === new URL(url).origin);
    if (!stays) wrong.push(`${url} asks for ${asked}`);
  });
  await page.goto(url, { waitUntil: 'load' });
  return page;
}

async function look(url, name, options) {
  const page = await open(url, options);
  const { width } = options.viewport;
  const seen = await page.evaluate(() => {
    const sizes = [...document.querySelectorAll('main *')]
      .filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
      .map((e) => {
        const svg = e.closest('svg');
        const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
        return parseFloat(getComputedStyle(e).fontSize) * scale;
      });
    return { width: document.documentElement.scrollWidth, least: Math.min(...sizes) };
  });
  if (seen.width > width) wrong.push(`${name} is ${seen.width} wide in a window of ${width}`);
  if (seen.least < 14) wrong.push(`${name} has text of ${seen.least.toFixed(1)} pixels at ${width}`);
  await page.screenshot({ path: `${out}/${name}-${width}-${options.colorScheme}.png`, fullPage: true });
  const slider = page.locator('.film input').first();
  if (await slider.count()) {
    await slider.fill('0');
    const shown = await page.evaluate(() => {
      const film = document.querySelector('.film');
      return [...film.querySelectorAll('img')].filter((img) => img.checkVisibility())
        .map((img) => 'step ' + img.dataset.step === film.querySelector('output').textContent && img === film.querySelector('img'));
    });
    if (shown.length !== 1 || !shown[0]) wrong.push(`${name}: the slider does not show the first step`);
  }
  await page.context().close();
}

async function lookWithoutScripts(url, name) {
  const page = await open(url, { viewport: WINDOWS[0], javaScriptEnabled: false });
  const films = await page.locator('.film').count();
  const shown = await page.locator('.film img:visible').count();
  const last = await page.locator('.film img:last-of-type:visible').count();
  if (shown !== films || last !== films) wrong.push(`${name} does not show the newest samples without JavaScript`);
  if (await page.locator('.slider:visible').count()) wrong.push(`${name} shows a slider that does nothing`);
  await page.context().close();
}

async function print(url, name) {
  const page = await open(url, { viewport: WINDOWS[1], colorScheme: 'dark' });
  await page.pdf({ path: `${out}/${name}.pdf`, format: 'A4', printBackground: false, margin: { top: '1.5cm', bottom: '1.5cm', left: '1.5cm', right: '1.5cm' } });
  await page.context().close();
}
