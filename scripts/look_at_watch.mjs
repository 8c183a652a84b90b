#!/usr/bin/env node
// Opens `gan watch` in a browser while the run trains on, and looks whether the page follows without being loaded again.
//
//     npm install --prefix target/look playwright-core
//     NODE_PATH=target/look/node_modules node scripts/look_at_watch.mjs OUT GAN RUN STEPS
//
// RUN is a run folder that has fewer steps than STEPS; it is resumed to have so many. OUT is a folder for the picture. Chromium is
// /usr/bin/chromium, or what the variable CHROMIUM says. Exit status: 1 if the page does not follow, has an error in its console or
// asks for something beyond its server; 2 for wrong usage.

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { chromium } = createRequire(import.meta.url)('playwright-core');
const PATIENCE = 240_000; // milliseconds
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const [out, gan, run, steps] = process.argv.slice(2);
if (!steps) {
  console.error('usage: look_at_watch.mjs OUT GAN RUN STEPS');
  process.exit(2);
}
mkdirSync(out, { recursive: true });

// Port 0 is any free one; the first line says which.
const server = spawn(gan, ['watch', run, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
const [line] = await new Promise((told) => createInterface({ input: server.stdout }).once('line', (...line) => told(line)));
const address = line.match(/http:\S+/)[0];
const wrong = [];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: QUIET });
let training;
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  let loads = 0;
  page.on('load', () => { loads += 1; });
  page.on('console', (message) => { if (message.type() === 'error') wrong.push(message.text()); });
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith('data:') && new URL(asked).origin !== new URL(address).origin) wrong.push(`the page asks for ${asked}`);
  });
  await page.goto(address, { waitUntil: 'load' });
  const done = () => document.querySelector('progress')?.value ?? 0;
  const before = await page.evaluate(done);
  training = spawn(gan, ['resume', run, '--steps', steps], { stdio: 'ignore' });
  await page.waitForFunction((steps) => (document.querySelector('progress')?.value ?? 0) >= steps, Number(steps), { timeout: PATIENCE });
  if (before >= Number(steps)) wrong.push(`the run had ${before} steps before`);
  if (loads !== 1) wrong.push(`the page was loaded ${loads} times`);
  await page.screenshot({ path: `${out}/watch.png`, fullPage: true });
  console.log(`the page went from step ${before} to ${await page.evaluate(done)} by itself`);
} catch (error) {
  wrong.push(String(error));
} finally {
  await browser.close();
  server.kill();
  training?.kill('SIGTERM');
}
wrong.forEach((what) => console.error(what));
process.exit(wrong.length ? 1 : 0);
