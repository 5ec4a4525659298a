// An officer's browser while the router hangs: node page-lost.mjs CHROMIUM URL OFFICER_TOKEN ROUTER_PID. Prints one line of JSON.
import { chromium } from 'playwright-core';

const [executablePath, url, token, router] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const page = await browser.newPage({ viewport: { width: 390, height: 800 } });
  const asked = [];
  page.on('request', (request) => { if (request.url().endsWith('/v1/federation')) { asked.push(request.headers().authorization); } });
  await page.goto(`${url}/#token=${token}`);
  const says = (text) => page.waitForFunction((start) => document.getElementById('live').textContent.startsWith(start), text, { timeout: 30000 });
  await says('live');
  const address = page.url();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth
    || document.querySelector('.quotas').scrollWidth > document.querySelector('.quotas').parentElement.clientWidth);
  let lost;
  process.kill(Number(router), 'SIGSTOP');
  try {
    await says('not live since');
    lost = await page.textContent('#live');
  } finally {
    process.kill(Number(router), 'SIGCONT');
  }
  await says('live');
  console.log(JSON.stringify({ address, lost, wide, authorised: asked.every((header) => header === `Bearer ${token}`) }));
} finally {
  await browser.close();
}
