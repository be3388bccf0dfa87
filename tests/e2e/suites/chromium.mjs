// Every line of a call between two stock livekit-clients in Chromium, in one mode.
import { dataTests } from '../calls/data.mjs';
import { joinTests } from '../calls/join.mjs';
import { mediaTests } from '../calls/media.mjs';
import { reconnectTests } from '../calls/reconnect.mjs';
import { trackTests } from '../calls/tracks.mjs';
import { Lab } from '../lib/browser.mjs';
import { Server } from '../lib/server.mjs';

export async function chromiumSuite(suite, mode) {
  const server = await Server.start(suite.name);
  const lab = await Lab.open('chromium');
  console.log(`# ${lab.version}, ${mode} connection mode`);
  try {
    for (const tests of [joinTests, mediaTests, trackTests, dataTests, reconnectTests]) {
      await tests(suite, lab, server, mode);
    }
  } finally {
    await lab.close();
  }
  await suite.test('the server is still well and ends when asked to', () => server.stop());
}
