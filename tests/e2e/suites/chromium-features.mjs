// What a call offers beside sound and pictures, in both connection modes: tests that mostly wait run at the same time.
import { encryptionTests } from '../calls/encryption.mjs';
import { messageTests } from '../calls/messages.mjs';
import { profileTests } from '../calls/profile.mjs';
import { rightsTests } from '../calls/rights.mjs';
import { scenarioTests } from '../calls/scenarios.mjs';
import { asksForNothing, sessionTests } from '../calls/sessions.mjs';
import { Lab } from '../lib/browser.mjs';
import { Server } from '../lib/server.mjs';

const kModes = ['dual', 'single'];
// Limits small enough to be reached, and what is off unless it is asked for.
const kConfiguration = {
  enable_participant_data_blob: true,
  limit: { max_data_blobs_size: 5000, max_metadata_size: 2000, max_attributes_size: 1000 },
};

export async function run(suite) {
  const server = await Server.start(suite.name, kConfiguration);
  const lab = await Lab.open('chromium');
  console.log(`# ${lab.version}`);
  try {
    const unknown = await Promise.all(kModes.map((mode) => asksForNothing(suite, lab, server, mode)));
    for (const mode of kModes) {
      for (const tests of [rightsTests, messageTests, profileTests, encryptionTests, sessionTests, scenarioTests]) {
        await tests(suite, lab, server, mode);
      }
    }
    for (const test of unknown) {
      await test();
    }
  } finally {
    await lab.close();
  }
  await suite.test('the server is still well and ends when asked to', () => server.stop());
}
