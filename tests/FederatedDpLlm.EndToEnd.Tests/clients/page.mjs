// An officer's browser: node page.mjs CHROMIUM URL TOKEN SCREENSHOT. Watches a request arrive live. Prints one line of JSON.
import { chromium } from 'playwright-core';

const [executablePath, url, token, screenshot] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1400 } });
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') { faults.push(message.text()); } });
  await page.goto(url);
  await page.waitForSelector('.card');
  const hospitals = await page.$$eval('.card', (cards) => cards.map((card) => card.dataset.hospital));
  const state = await page.textContent('#live');
  const before = await page.$$eval('[data-request]', (rows) => rows.map((row) => row.dataset.request));
  const spentBefore = await page.textContent('[data-account="global"] td:nth-child(3)');
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'ward-2m', messages: [{ role: 'user', content: 'The secret words are purple giraffe. Which?' }], privacy: { epsilon: 1, choices: ['this', 'that'] } }),
  });
  const { privacy } = await answer.json();
  await page.waitForSelector(`[data-request="${privacy.requestId}"]`, { timeout: 15000 });
  const row = await page.textContent(`[data-request="${privacy.requestId}"]`);
  const spentAfter = await page.textContent('[data-account="global"] td:nth-child(3)');
  const everything = await page.content();
  const quotas = await page.$$eval('[data-account]', (rows) => rows.map((each) => each.dataset.account));
  await page.screenshot({ path: screenshot });
  console.log(JSON.stringify({ hospitals, state, known: before.length, row, spentBefore, spentAfter, quotas, leaks: everything.includes('giraffe'), faults }));
} finally {
  await browser.close();
}
