// Twenty people come and go for MINUTES (30) over a network that loses 5 % of all datagrams each way: node soak.mjs [MINUTES].
// Now and then a process full of them dies without a word. The calls must work, the server's memory must be flat once it is
// warm, and its log must hold no warning that is not expected.
import { fork } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Relay } from '../lib/relay.mjs';
import { Server } from '../lib/server.mjs';
import { assert, assertEqual, sleep, Suite, until } from '../lib/suite.mjs';

const kCrowds = 4, kSeats = 5, kVideoSeats = 1, kRooms = 5, kLoss = 0.05;
const kKillEveryMinutes = 4;
const kSampleMs = 5000;
const kWarmUpMinutes = 5, kWarmUpShare = 1 / 3;  // The smaller of the two.
const kMostSlope = 0.3;                          // Megabytes a minute, judged over kSlopeMinutes and more.
const kSlopeMinutes = 8, kMostGrowth = 12;       // Megabytes over what it was when warm.
const kMostFailedJoins = 0.02, kMostThrownOut = 0.02;
const kExpectedInLog = [/variable WEIR_\w+ is none of weir's/, /development mode with the well-known key/];
const kExpectedOfTheDead = /session broken, client has to join anew .*reason="no answer to the subscriber offer"/;

const minutes = Number(process.argv[2] ?? 30);
const suite = new Suite('soak');
const server = await Server.start('soak');
const relay = await Relay.start(server, { loss: kLoss });
const start = Date.now(), end = start + minutes * 60_000;
const memory = [], crowds = [], past = [], killed = [];

class Crowd {
  static #count = 0;
  constructor() {
    const name = this.name = `crowd${Crowd.#count++}`;
    const rooms = Array.from({ length: kRooms }, (_, i) => `soak-${i}`);
    const argument = JSON.stringify({ url: relay.url, name, seats: kSeats, videoSeats: kVideoSeats, rooms });
    this.child = fork(path.join(path.dirname(fileURLToPath(import.meta.url)), 'crowd.mjs'), [argument]);
    this.told = { present: 0, errors: [] };
    this.child.on('message', (told) => {
      this.told = told;
    });
    this.ended = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve({ code, signal })));
    process.once('exit', () => this.child.kill('SIGKILL'));
  }

  async end(how) {
    if (how === 'leave') {
      this.child.send('end');
      setTimeout(() => this.child.kill('SIGKILL'), 20_000).unref();
    } else {
      this.child.kill('SIGKILL');
    }
    const { code } = await this.ended;
    past.push({ ...this.told, present: 0 });
    return code;
  }
}

function totals() {
  const sum = { errors: [] };
  for (const told of [...past, ...crowds.map((crowd) => crowd.told)]) {
    sum.errors.push(...told.errors);
    for (const [key, value] of Object.entries(told)) {
      sum[key] = typeof value === 'number' ? (sum[key] ?? 0) + value : sum[key];
    }
  }
  return sum;
}

function line() {
  const { present, joins, failedJoins, thrownOut, deafStays, reconnects, heardSeconds, pictures } = totals();
  const share = ({ lost, packets }) => `${packets} packets, ${((100 * lost) / Math.max(1, packets)).toFixed(1)} % lost`;
  console.log(`# ${((Date.now() - start) / 60_000).toFixed(0)} min: ${present} present, ${memory.at(-1).megabytes.toFixed(1)} MB; up ${share(relay.up)}; down ${share(relay.down)}; `
    + `${joins} joins, ${failedJoins} failed, ${thrownOut} thrown out, ${reconnects} reconnects, ${deafStays} heard nothing; ${Math.round(heardSeconds)} s heard, ${pictures} pictures; ${killed.length} deaths`);
}

async function soak() {
  crowds.push(...Array.from({ length: kCrowds }, () => new Crowd()));
  let nextLine = start + 60_000, nextDeath = start + kKillEveryMinutes * 60_000;
  while (Date.now() < end) {
    await sleep(kSampleMs);
    assert(!server.exit, `the server ended: ${JSON.stringify(server.exit)}\n${server.logTail()}`);
    memory.push({ minute: (Date.now() - start) / 60_000, megabytes: server.residentMegabytes() });
    if (Date.now() >= nextLine) {
      nextLine += 60_000;
      line();
    }
    if (Date.now() >= nextDeath) {
      nextDeath += kKillEveryMinutes * 60_000;
      const crowd = crowds.shift();
      killed.push(crowd.name);
      await crowd.end('die');
      crowds.push(new Crowd());
    }
    const broken = crowds.find((crowd) => crowd.child.exitCode !== null || crowd.child.signalCode !== null);
    assert(!broken, `a crowd ended by itself: ${broken?.child.exitCode} ${broken?.child.signalCode}`);
  }
  await Promise.all(crowds.map((crowd) => crowd.end('leave')));
  crowds.length = 0;
}

// Megabytes a minute, by least squares.
function slopeOf(samples) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(samples.map(({ minute }) => minute)), mean(samples.map(({ megabytes }) => megabytes))];
  const over = samples.reduce((sum, sample) => sum + (sample.minute - x) * (sample.megabytes - y), 0);
  return over / samples.reduce((sum, sample) => sum + (sample.minute - x) ** 2, 0);
}

await suite.test(`calls work for ${minutes} minutes of coming and going, with ${kLoss * 100} % lost each way`, async () => {
  await soak();
  const sum = totals();
  line();
  sum.errors.forEach((error) => console.log(`# ${error}`));
  assert(sum.joins > kCrowds * kSeats * 0.9, `only ${sum.joins} joins`);
  assert(sum.failedJoins <= Math.max(1, sum.joins * kMostFailedJoins), `${sum.failedJoins} of ${sum.joins} joins failed`);
  assert(sum.thrownOut <= Math.max(1, sum.joins * kMostThrownOut), `${sum.thrownOut} of ${sum.joins} were thrown out`);
  assert(sum.deafStays <= Math.max(1, sum.joins * kMostFailedJoins), `${sum.deafStays} of ${sum.joins} heard nothing`);
  assert(sum.heardSeconds > minutes * 60 * kCrowds && sum.pictures > minutes * 60, `${sum.heardSeconds} s of sound and ${sum.pictures} pictures in all`);
  return { joins: sum.joins, heardSeconds: Math.round(sum.heardSeconds), pictures: sum.pictures };
}, { ms: minutes * 60_000 + 120_000 });

await suite.test('the memory is flat once warm', async () => {
  const warmUp = Math.min(kWarmUpMinutes, minutes * kWarmUpShare);
  const warm = memory.filter(({ minute }) => minute > warmUp);
  assert(warm.length >= 5, `only ${warm.length} samples after ${warmUp} minutes`);
  const first = warm.slice(0, Math.max(3, warm.length >> 3)).map(({ megabytes }) => megabytes).sort((a, b) => a - b);
  const base = first[first.length >> 1], most = Math.max(...warm.map(({ megabytes }) => megabytes)), slope = slopeOf(warm);
  const seen = { warmMegabytes: Number(base.toFixed(1)), mostMegabytes: Number(most.toFixed(1)), megabytesAMinute: Number(slope.toFixed(3)) };
  assert(most - base <= kMostGrowth, JSON.stringify(seen));
  assert(minutes - warmUp < kSlopeMinutes || slope <= kMostSlope, JSON.stringify(seen));
  return seen;
});

await suite.test('the rooms end when everybody has gone', async () => {
  // The killed are noticed after half a minute, and an empty room lasts another 20 s.
  await until('there is no room', async () => (await server.api.listRooms()).length === 0, { ms: 90_000, every: 1000 });
  return { megabytes: Math.round(server.residentMegabytes()) };
}, { ms: 100_000 });

await suite.test('the server ends when asked to', () => server.stop());
await suite.test('its log holds no warning or error that is not expected', () => {
  const lines = fs.readFileSync(server.logFile, 'utf8').split('\n').filter((text) => /^\S+ (WARN|ERROR|FATAL)\b/.test(text));
  const ofTheDead = (text) => kExpectedOfTheDead.test(text) && killed.includes(/ participant=(\w+)-/.exec(text)?.[1]);
  const unexpected = lines.filter((text) => !ofTheDead(text) && !kExpectedInLog.some((pattern) => pattern.test(text)));
  unexpected.slice(0, 10).forEach((text) => console.log(`# ${text}`));
  assertEqual(unexpected.length, 0, 'unexpected lines');
});
await relay.close();
console.log(`${suite.passed} passed, ${suite.failed} failed`);
process.exit(suite.failed === 0 ? 0 : 1);
