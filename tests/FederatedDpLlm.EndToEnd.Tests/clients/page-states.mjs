// An officer's browser until a hospital is in a state: node page-states.mjs CHROMIUM URL STATE SCREENSHOT. Prints one line of JSON.
import { chromium } from 'playwright-core';

const [executablePath, url, state, screenshot] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 700 } });
  await page.goto(url);
  const cards = await (await page.waitForFunction((wanted) => {
    const read = [...document.querySelectorAll('.card')].map((card) => ({
      hospital: card.dataset.hospital,
      state: card.querySelector('.state').textContent,
      trouble: card.querySelector('h3 + p')?.textContent ?? null,
      engine: [...card.querySelectorAll('dl div')].find((one) => one.querySelector('dt').textContent === 'engine').querySelector('dd').textContent,
    }));
    return read.some((card) => card.state === wanted) && read;
  }, state, { timeout: 90000 })).jsonValue();
  await page.screenshot({ path: screenshot });
  console.log(JSON.stringify({ cards }));
} finally {
  await browser.close();
}
