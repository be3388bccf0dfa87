// Headless browsers with fake devices, and the page of participants in them. Nothing leaves this machine.
import { build } from 'esbuild';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';

const kHere = path.dirname(fileURLToPath(import.meta.url));

const kChromiumFlags = [
  '--no-sandbox',                                     // CI runs as root.
  '--disable-dev-shm-usage',
  '--use-fake-device-for-media-stream',               // A beep each second, and a moving picture with a clock.
  '--use-fake-ui-for-media-stream',                   // No questions; getDisplayMedia gives a fake screen, too.
  '--autoplay-policy=no-user-gesture-required',
  '--disable-features=WebRtcHideLocalIpsWithMdns',    // Host candidates with addresses.
  '--allow-loopback-in-peer-connection',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

const kFirefoxPrefs = {
  'media.navigator.streams.fake': true,               // A tone of 440 Hz and a picture that changes colour.
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.peerconnection.ice.loopback': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.autoplay.block-webaudio': false,
  // A fresh profile asks the network for codecs, updates and lists; none of it exists here.
  'media.gmp-manager.updateEnabled': false,
  'media.gmp-manager.url': 'http://127.0.0.1:9/',
  'app.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'browser.region.network.url': '',
  'services.settings.server': 'http://127.0.0.1:9/',
};

export function launchChromium() {
  return puppeteer.launch({
    executablePath: process.env.CHROMIUM_BIN || '/usr/bin/chromium',
    headless: true,
    args: kChromiumFlags,
    protocolTimeout: 120_000,
  });
}

export function launchFirefox() {
  // Firefox as root refuses a home that belongs to somebody else, so it gets one of its own.
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-firefox-'));
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX_BIN || '/usr/bin/firefox-esr',
    headless: true,
    extraPrefsFirefox: kFirefoxPrefs,
    env: { ...process.env, HOME: home, MOZ_DISABLE_CONTENT_SANDBOX: '1' },
    protocolTimeout: 120_000,
  });
}

async function pageServer() {
  const bundle = await build({
    entryPoints: [path.join(kHere, '..', 'page', 'lab.js')], bundle: true, write: false, format: 'iife', target: 'es2021', logLevel: 'error',
  });
  const files = {
    '/': ['text/html; charset=utf-8', '<!doctype html><meta charset="utf-8"><title>lab</title><body><script src="/lab.js"></script></body>'],
    '/lab.js': ['text/javascript; charset=utf-8', bundle.outputFiles[0].text],
    '/e2ee-worker.js': ['text/javascript; charset=utf-8', fs.readFileSync(path.join(kHere, '..', 'node_modules/livekit-client/dist/livekit-client.e2ee.worker.js'), 'utf8')],
  };
  const server = http.createServer((request, response) => {
    const [type, body] = files[request.url] ?? ['text/plain', null];
    response.writeHead(body === null ? 404 : 200, { 'content-type': type });
    response.end(body ?? '');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

// A browser with one page, in which any number of participants live.
export class Lab {
  static async open(kind) {
    const lab = new Lab();
    lab.kind = kind;
    lab.pages = await pageServer();
    lab.browser = await (kind === 'firefox' ? launchFirefox() : launchChromium());
    lab.version = await lab.browser.version();
    lab.page = await lab.browser.newPage();
    if (process.env.WEIR_E2E_VERBOSE) {
      lab.page.on('console', (message) => console.log(`# ${kind}: ${message.text()}`));
    }
    lab.page.on('pageerror', (error) => console.log(`# ${kind}: ${error.message}`));
    await lab.page.goto(lab.pages.url);
    await lab.page.waitForFunction('Boolean(window.lab)');
    return lab;
  }

  // Runs a self-contained function in the page: await lab.run((lab, argument) => ..., argument).
  run(body, argument = null) {
    return this.page.evaluate(`(${body})(window.lab, ${JSON.stringify(argument)})`);
  }

  async close() {
    this.pages.close();
    await Promise.race([this.browser.close().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 10_000))]);
    this.browser.process()?.kill('SIGKILL');
  }
}
