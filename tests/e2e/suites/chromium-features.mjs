// What a call offers beside sound and pictures, in both connection modes: tests that mostly wait run at the same time.
import { rightsTests } from '../calls/rights.mjs';
import { Lab } from '../lib/browser.mjs';
import { Server } from '../lib/server.mjs';

export async function run(suite) {
  const server = await Server.start(suite.name);
  const lab = await Lab.open('chromium');
  console.log(`# ${lab.version}`);
  try {
    for (const mode of ['dual', 'single']) {
      for (const tests of [rightsTests]) {
        await tests(suite, lab, server, mode);
      }
    }
  } finally {
    await lab.close();
  }
  await suite.test('the server is still well and ends when asked to', () => server.stop());
}
