// One pass with Firefox: it calls Chromium and is called by it, in both modes. Firefox sends to no server that announces
// 127.0.0.1 alone, so this needs the machine's own address among the candidates.
import { Lab } from '../lib/browser.mjs';
import { Cast } from '../lib/person.mjs';
import { Server } from '../lib/server.mjs';
import { assertEqual, until } from '../lib/suite.mjs';

export async function run(suite) {
  const server = await Server.start(suite.name);
  const [firefox, chromium] = await Promise.all([Lab.open('firefox'), Lab.open('chromium')]);
  console.log(`# ${firefox.version} with ${chromium.version}`);
  try {
    for (const mode of ['dual', 'single']) {
      await suite.test(`Firefox and Chromium hear and see each other (${mode})`, async () => {
        const scene = new Cast(suite, firefox, server, mode);
        const fox = await scene.person('fox');
        const cat = await scene.person('cat', { lab: chromium });
        await Promise.all([fox.sees(cat), cat.sees(fox)]);
        await fox.microphone();
        await fox.camera({ videoCodec: 'vp8' }, { width: 640, height: 360, frameRate: 15 });
        await cat.microphone();
        await cat.camera({ videoCodec: 'vp8' });
        const result = await Promise.all([
          fox.hears(cat, { ms: 30_000 }), fox.watches(cat, { mime: 'video/VP8', ms: 30_000 }),
          cat.hears(fox, { ms: 30_000 }), cat.watches(fox, { mime: 'video/VP8', ms: 30_000 }),
        ]);
        return result;
      }, { ms: 90_000, attempts: 2 });

      await suite.test(`Firefox and Chromium exchange messages (${mode})`, async () => {
        const scene = new Cast(suite, firefox, server, mode);
        const fox = await scene.person('fox');
        const cat = await scene.person('cat', { lab: chromium });
        await Promise.all([fox.sees(cat), cat.sees(fox)]);
        for (const [from, to] of [[fox, cat], [cat, fox]]) {
          const text = `from ${from.id}`;
          await from.run((person, text) => person.room.localParticipant.publishData(new TextEncoder().encode(text), { reliable: true, topic: 't' }), text);
          await to.event('dataReceived', { where: ([body, who]) => body === text && who?.identity === from.identity });
        }
      }, { ms: 60_000 });

      await suite.test(`Firefox resumes after its signalling broke (${mode})`, async () => {
        const scene = new Cast(suite, firefox, server, mode);
        const fox = await scene.person('fox');
        const cat = await scene.person('cat', { lab: chromium });
        await cat.microphone();
        await fox.hears(cat, { ms: 30_000 });
        const { sid } = (await fox.info()).local;
        const since = await fox.now();
        await fox.run((person) => person.room.simulateScenario('signal-reconnect'));
        const end = await until('Firefox is back', async () => (await fox.events(null, since)).find((event) => ['reconnected', 'disconnected'].includes(event.name)), { ms: 30_000 });
        assertEqual(end.name, 'reconnected', 'how it ended');
        assertEqual((await fox.info()).local.sid, sid, 'participant sid');
        await fox.hears(cat, { ms: 30_000 });
      }, { ms: 90_000 });
    }
  } finally {
    await Promise.all([firefox.close(), chromium.close()]);
  }
  await suite.test('the server is still well and ends when asked to', () => server.stop());
}
