// The call page as a person uses it: two tabs in one room, every control clicked, a picture of it kept.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import zlib from 'node:zlib';
import { launchChromium } from '../lib/browser.mjs';
import { kArtefacts, Server } from '../lib/server.mjs';
import { assert, assertEqual, until } from '../lib/suite.mjs';

const at = (name) => `[data-testid="${name}"]`;

function get(url, headers) {
  return new Promise((resolve, reject) => {
    http.get(url, { headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
    }).once('error', reject);
  });
}

// A tab with the page open, and what can be seen in it.
class Tab {
  static async open(browser, server, room, name, { query = {}, width = 1280, height = 800 } = {}) {
    const tab = new Tab();
    const context = await browser.createBrowserContext();
    tab.page = await context.newPage();
    tab.problems = [];
    tab.page.on('pageerror', (error) => tab.problems.push(error.message));
    await tab.page.setViewport({ width, height });
    tab.identity = name;
    await tab.page.goto(`${server.http}/?${new URLSearchParams({ room, identity: name, ...query })}`);
    await tab.page.waitForSelector(at('join'));
    tab.close = () => context.close();
    return tab;
  }

  async join() {
    await this.click('join');
    await this.page.waitForSelector(at('call'), { timeout: 20_000 }).catch(async () => {
      throw new Error(`not in the call: ${await this.text('join-error').catch(() => 'no message')}`);
    });
  }

  async click(name) {
    await this.page.waitForSelector(`${at(name)}:not([disabled])`);
    await this.page.click(at(name));
  }
  text(name) { return this.page.$eval(at(name), (node) => node.textContent); }
  pressed(name) { return this.page.$eval(at(name), (node) => node.getAttribute('aria-pressed')); }

  // The tile of a person, as seen here; two looks half a second apart tell whether its picture moves.
  tile(identity, name = 'tile') {
    return this.page.evaluate(async ({ selector }) => {
      const tile = document.querySelector(selector);
      if (!tile) {
        return null;
      }
      const video = tile.querySelector('video');
      const look = () => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 90 });
        const context = canvas.getContext('2d');
        context.drawImage(video, 0, 0, 160, 90);
        return context.getImageData(0, 0, 160, 90).data;
      };
      const shown = !video.hidden && video.readyState >= 2;
      let changed = 0;
      if (shown) {
        const before = look();
        await new Promise((resolve) => setTimeout(resolve, 500));
        look().forEach((value, i) => {
          changed += Math.abs(value - before[i]) > 20 ? 1 : 0;
        });
      }
      return { shown, changed, muted: tile.dataset.muted, speaking: tile.dataset.speaking, name: tile.querySelector('[data-testid="tile-name"]').textContent, width: video.videoWidth };
    }, { selector: `${at(name)}[data-identity="${identity}"]` });
  }

  seesMoving(identity, name) {
    return until(`${this.identity} sees ${identity} move`, async () => {
      const tile = await this.tile(identity, name);
      return tile?.shown && tile.changed > 20 && tile;
    }, { ms: 25_000 });
  }
}

export async function run(suite) {
  const server = await Server.start(suite.name);
  const browser = await launchChromium();
  console.log(`# ${await browser.version()}`);
  const pictures = path.join(kArtefacts, 'call-page');
  fs.mkdirSync(pictures, { recursive: true });
  const shoot = (tab, name) => tab.page.screenshot({ path: path.join(pictures, `${name}.png`) });

  try {
    await suite.test('GET / answers OK to a machine and the page to a browser', async () => {
      const plain = await get(`${server.http}/`, {});
      assertEqual(plain.body.toString(), 'OK', 'body for a machine');
      const page = await get(`${server.http}/`, { accept: 'text/html,application/xhtml+xml', 'accept-encoding': 'gzip' });
      assertEqual(page.status, 200, 'status');
      assert(/^text\/html/.test(page.headers['content-type']), `type ${page.headers['content-type']}`);
      const html = (page.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(page.body) : page.body).toString();
      assert(html.startsWith('<!doctype html>') && html.includes('data-testid="app"'), 'not the call page');
      assert(!/(src|href)=["']?https?:/.test(html), 'the page loads something from elsewhere');
      const bare = await get(`${server.http}/`, { accept: 'text/html' });
      assert(!bare.headers['content-encoding'] && bare.body.length === Buffer.byteLength(html), 'without gzip it is another page');
    });

    for (const mode of ['single', 'dual']) {
      // Two tabs of one browser hear the same fake beeps at once, which echo cancellation takes for an echo.
      const query = { sound: 'plain', ...(mode === 'dual' ? { mode } : {}) };
      const room = `page-${mode}`;
      let ann, ben;

      await suite.test(`two tabs are a call: both see each other move (${mode})`, async () => {
        ann = await Tab.open(browser, server, room, 'ann', { query });
        ben = await Tab.open(browser, server, room, 'ben', { query });
        await ann.join();
        await ben.join();
        assertEqual(await ann.page.$eval(at('call'), (node) => node.dataset.mode), mode, 'mode');
        const [seen] = await Promise.all([ann.seesMoving('ben'), ben.seesMoving('ann'), ann.seesMoving('ann')]);
        await until('the head counts two', async () => (await ann.text('people-count')).startsWith('2 '));
        return { width: seen.width };
      }, { ms: 90_000 });

      await suite.test(`who speaks is outlined (${mode})`, async () => {
        await until('the tile of ben is outlined', async () => (await ann.tile('ben'))?.speaking === 'true', { ms: 20_000, every: 50 });
      });

      await suite.test(`the buttons mute and open microphone and camera for the other one (${mode})`, async () => {
        await ben.click('mic');
        await until('muted at ann', async () => (await ann.tile('ben')).muted === 'true');
        assertEqual(await ben.pressed('mic'), 'false', 'the button');
        await ben.click('mic');
        await until('open at ann', async () => (await ann.tile('ben')).muted === 'false');
        await ben.click('camera');
        await until('no picture at ann', async () => !(await ann.tile('ben')).shown);
        await ben.click('camera');
        await ann.seesMoving('ben');
      }, { ms: 60_000 });

      await suite.test(`a shared screen gets a tile of its own and takes it away again (${mode})`, async () => {
        await ben.click('share');
        await ann.seesMoving('ben', 'screen-tile');
        await shoot(ann, `${mode}-screen`);
        await ben.click('share');
        await until('the tile is gone', async () => !(await ann.tile('ben', 'screen-tile')));
        await ann.seesMoving('ben');
      }, { ms: 60_000 });

      await suite.test(`a chat line reaches the other one as text, never as markup (${mode})`, async () => {
        await ann.click('chat-toggle');
        await ben.click('chat-toggle');
        const line = `<b>hello</b> from ann ${mode}`;
        await ann.page.type(at('chat-input'), line);
        await ann.click('chat-send');
        await until('ben reads it', async () => (await ben.text('chat-lines')).includes(line));
        assertEqual(await ben.page.$$eval(`${at('chat-lines')} b`, (nodes) => nodes.length), 0, 'elements made of a message');
        await ben.click('panel-close');
      });

      await suite.test(`the figures of every track are shown and are plausible (${mode})`, async () => {
        await ann.click('figures-toggle');
        const rows = await until('every track has figures', async () => {
          const now = await ann.page.$$eval(at('figure'), (nodes) => nodes.map((node) => ({
            direction: node.dataset.direction, title: node.querySelector('h3').textContent,
            ...Object.fromEntries([...node.querySelectorAll('[data-figure]')].map((cell) => [cell.dataset.figure, cell.textContent])),
          })));
          const whole = now.length >= 4 && now.every((row) => row.bitrate !== '–' && row.codec !== '–' && row.rtt !== '–' && row.loss !== '–');
          return whole && now;
        }, { ms: 25_000, every: 500 });
        const camera = rows.find((row) => row.direction === 'in' && row.title.includes('camera'));
        assert(/^\d+×\d+/.test(camera.size), `size ${camera.size}`);
        assert(/^\d+ ms$/.test(await ann.text('round-trip')), `round trip ${await ann.text('round-trip')}`);
        await shoot(ann, `${mode}-call`);
        return rows.map((row) => `${row.direction} ${row.codec} ${row.bitrate} ${row.loss} ${row.rtt}`);
      }, { ms: 60_000 });

      await suite.test(`leaving leads back to the lobby, and the other one is alone (${mode})`, async () => {
        await ben.click('leave');
        await ben.page.waitForSelector(at('lobby'));
        await until('ann is alone', async () => (await ann.text('people-count')) === 'just you');
        assertEqual(ann.problems.concat(ben.problems).join('; '), '', 'errors on the pages');
        await Promise.all([ann.close(), ben.close()]);
      });
    }

    await suite.test('a narrow window shows the whole call without scrolling sideways', async () => {
      const ann = await Tab.open(browser, server, 'page-narrow', 'ann', { width: 360, height: 720 });
      suite.onTestEnd(() => ann.close());
      await ann.join();
      await ann.seesMoving('ann');
      const overflow = await ann.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert(overflow <= 0, `${overflow} pixels stick out`);
      for (const name of ['mic', 'camera', 'share', 'chat-toggle', 'figures-toggle', 'leave']) {
        const box = await (await ann.page.$(at(name))).boundingBox();
        assert(box.x >= 0 && box.x + box.width <= 360 && box.y + box.height <= 720, `${name} is outside: ${JSON.stringify(box)}`);
      }
      await shoot(ann, 'narrow');
    });

    await suite.test('every control has a name, and the theme can be changed', async () => {
      const ann = await Tab.open(browser, server, 'page-names', 'ann');
      suite.onTestEnd(() => ann.close());
      await ann.join();
      const nameless = await ann.page.$$eval('button, input, select', (nodes) => nodes.filter((node) => !(node.getAttribute('aria-label') || node.labels?.length || node.textContent.trim())).length);
      assertEqual(nameless, 0, 'controls without a name');
      const colour = () => ann.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const before = await colour();
      await ann.click('theme');
      assert((await colour()) !== before, 'the theme did not change');
    });
  } finally {
    await browser.close().catch(() => {});
  }
  await suite.test('the server is still well and ends when asked to', () => server.stop());
}
