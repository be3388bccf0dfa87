// People come and go for MINUTES (10): node soak.mjs [MINUTES]. The calls must work throughout, and the server's memory must
// stay level once it is warm.
import { Native, TrackKind } from './lib/native.mjs';
import { Server } from './lib/server.mjs';
import { assert, Suite, until } from './lib/suite.mjs';
import { spectrumOf } from './lib/tone.mjs';

const kWarmUpShare = 0.3, kAllowedGrowth = 1.15, kAllowedMegabytes = 12;

const minutes = Number(process.argv[2] ?? 10);
const suite = new Suite('soak');
const server = await Server.start('soak');
const start = Date.now(), end = start + minutes * 60_000;
let rounds = 0;
const memory = [];

await suite.test(`calls work for ${minutes} minutes of coming and going`, async () => {
  while (Date.now() < end) {
    const mode = rounds % 2 ? 'dual' : 'single';
    const room = `soak-${rounds % 7}`;
    const [ann, ben] = ['ann', 'ben'].map((name) => new Native(server, `${name}-${rounds}`));
    try {
      await Promise.all([ann.join(room, { mode }), ben.join(room, { mode })]);
      await Promise.all([ann.sees(ben), ben.sees(ann)]);
      await ann.tone();
      await ann.camera({ width: 320, height: 180 });
      const samples = await ben.listen(await ben.trackOf(ann, TrackKind.KIND_AUDIO), 16_000, 2);
      assert(Math.abs(spectrumOf(samples, 16_000).hertz - 1000) < 3, `round ${rounds}: a wrong tone`);
      await ben.watch(await ben.trackOf(ann, TrackKind.KIND_VIDEO), { count: 10 });
    } finally {
      await Promise.all([ann.leave(), ben.leave()]);
    }
    rounds++;
    memory.push({ at: Date.now() - start, megabytes: server.residentMegabytes() });
    if (rounds % 10 === 0) {
      console.log(`# ${rounds} rounds, ${memory.at(-1).megabytes.toFixed(1)} MB`);
    }
  }
  return { rounds };
}, { ms: minutes * 60_000 + 120_000 });

await suite.test('the memory stays level once warm', async () => {
  await until('the last rooms are gone', async () => (await server.api.listParticipants('soak-0')).length === 0);
  const warm = memory.filter((sample) => sample.at > minutes * 60_000 * kWarmUpShare).map((sample) => sample.megabytes);
  assert(warm.length >= 4, `only ${warm.length} samples`);
  const [first, last] = [warm[0], warm.at(-1)];
  assert(last < first * kAllowedGrowth || last - first < kAllowedMegabytes, `${first.toFixed(1)} MB grew to ${last.toFixed(1)} MB`);
  return { first: Math.round(first), last: Math.round(last) };
});
await suite.test('the server ends when asked to', () => server.stop());
console.log(`${suite.passed} passed, ${suite.failed} failed`);
process.exit(suite.failed === 0 ? 0 : 1);
