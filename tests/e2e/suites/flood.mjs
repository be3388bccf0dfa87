// A call goes on while strangers throw what they can at every port of the server. WEIR_FLOOD_SECONDS: how long (12).
import dgram from 'node:dgram';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { kDatagramKinds } from '../flood/datagrams.mjs';
import { startFlood } from '../flood/flood.mjs';
import { Native, TrackKind } from '../lib/native.mjs';
import { Server } from '../lib/server.mjs';
import { assert, assertEqual, sleep, until } from '../lib/suite.mjs';
import { silencesOf, spectrumOf } from '../lib/tone.mjs';

const kSeconds = Number(process.env.WEIR_FLOOD_SECONDS || 12), kQuietSeconds = 3, kSettleSeconds = 1;
const kDatagramsPerSecond = 10_000, kRequestsPerSecond = 1000;
const kLeastShare = 1 / 3;            // Of these rates, on a machine that has other things to do.
const kRate = 16_000, kHertz = 1000;
const kLongestGapMs = 20;             // One frame.
const kMemoryMarginMegabytes = 8, kMemoryMs = 30_000;
const kOfEachKind = 50;
const kLeastCounted = 0.8;            // Of the datagrams; what a full socket loses is the kernel's to count.
const kSlowestAnswerMs = 2000;        // To GET /, in the flood.

// Everything that the server says it has turned away, or null where it does not say.
async function dropsFrom(server) {
  const answer = await fetch(`${server.http}/metrics`);
  const text = await answer.text();
  if (answer.status !== 200) {
    return null;
  }
  const series = [...text.matchAll(/^(weir_\w*(?:dropped|refused|malformed|unauthenticated|unknown|truncated|limited|bad|failed)\w*)(?:\{[^}]*\})? ([\d.e+]+)/gm)];
  return { series: new Set(series.map(([, name]) => name)).size, sum: series.reduce((sum, [, , value]) => sum + Number(value), 0) };
}

// What a listener heard in so many seconds: the longest silence, and how much of it the receiver had to make up.
async function hears(listener, speaker, seconds) {
  const track = await listener.trackOf(speaker, TrackKind.KIND_AUDIO);
  const before = await listener.soundStats();
  const samples = await listener.listen(track, kRate, seconds, { skip: kSettleSeconds });
  const after = await listener.soundStats();
  const { hertz } = spectrumOf(samples, kRate);
  const silences = silencesOf(samples, kRate);
  const grew = (field) => after[field] - before[field];
  return {
    seconds: Number((samples.length / kRate).toFixed(1)), hertz, longestGapMs: Math.max(0, ...silences.map(({ ms }) => ms)), gaps: silences.length, firstGaps: silences.slice(0, 5).map(({ at, ms }) => [Math.round(at), ms]), packets: grew('packets'), lost: grew('lost'),
    concealedMs: Math.round((grew('concealed') / after.clock) * 1000),
  };
}

function assertWhole(heard, seconds) {
  assert(heard.seconds >= seconds * 0.9, `${heard.seconds} s of sound in ${seconds} s`);
  assert(Math.abs(heard.hertz - kHertz) < 3, `heard were ${heard.hertz} Hz, sent were ${kHertz} Hz`);
  assert(heard.longestGapMs <= kLongestGapMs, `a gap of ${heard.longestGapMs} ms`);
}

// Asks for GET / twice a second until it is told to stop; tells the slowest answer.
function watchHealth(server) {
  let running = true, slowest = 0, answers = 0;
  const done = (async () => {
    while (running) {
      const start = performance.now();
      const answer = await fetch(server.http, { signal: AbortSignal.timeout(10_000) });
      assertEqual(await answer.text(), 'OK', 'GET /');
      slowest = Math.max(slowest, performance.now() - start);
      answers++;
      await sleep(500);
    }
  })();
  done.catch(() => {});
  return async () => {
    running = false;
    await done;
    return { answers, slowestMs: Math.round(slowest) };
  };
}

async function callOfThree(suite, server, mode) {
  const room = `flood-${mode}-${Date.now()}`;
  const people = ['ann', 'ben', 'cleo'].map((name) => new Native(server, `${name}-${mode}`));
  suite.onTestEnd(() => Promise.all(people.map((person) => person.leave())));
  await Promise.all(people.map((person) => person.join(room, { mode })));
  await people[0].tone({ hertz: kHertz, rate: kRate, aheadMs: 160 });  // So that a pause of this process is none of the sound.
  return people;
}

export async function run(suite) {
  const server = await Server.start(suite.name);
  let before = null, drops = null;

  await suite.test(`${kSeconds} s of ${kDatagramsPerSecond} datagrams and ${kRequestsPerSecond} requests a second leave no gap in a call`, async () => {
    const [ann, ...listeners] = await callOfThree(suite, server, 'single');
    const quiet = await Promise.all(listeners.map((listener) => hears(listener, ann, kQuietSeconds)));
    console.log(`# quiet ${JSON.stringify(quiet)}`);
    quiet.forEach((heard) => assertWhole(heard, kQuietSeconds));  // Or else this machine is too busy to tell anything.
    before ??= server.residentMegabytes();
    const flood = await startFlood(server, { datagramsPerSecond: kDatagramsPerSecond, requestsPerSecond: kRequestsPerSecond, seconds: kSeconds + 30 });
    suite.onTestEnd(flood.stop);
    const health = watchHealth(server);
    const starved = server.starvedMs();
    const ownDelay = monitorEventLoopDelay({ resolution: 5 });
    ownDelay.enable();
    const flooded = await Promise.all(listeners.map((listener) => hears(listener, ann, kSeconds - kSettleSeconds)));
    const memory = server.residentMegabytes();
    // What a busy machine has to do with a gap: the server's threads without a processor, the longest pause of the player.
    const machine = { serverStarvedMs: Math.round(server.starvedMs() - starved), playerPausedMs: Math.round(ownDelay.max / 1e6) };
    flood.stop();
    const [sent, answered] = [await flood.ended, await health()];
    drops = sent;
    console.log(`# sent ${JSON.stringify(sent)}`);
    console.log(`# flooded ${JSON.stringify(flooded)}; GET / ${JSON.stringify(answered)}; resident ${before.toFixed(1)} MB, then ${memory.toFixed(1)} MB; ${JSON.stringify(machine)}`);
    assert(sent.datagramsPerSecond >= kDatagramsPerSecond * kLeastShare, `only ${sent.datagramsPerSecond} datagrams a second were sent`);
    assert(sent.requestsPerSecond >= kRequestsPerSecond * kLeastShare, `only ${sent.requestsPerSecond} requests a second were sent`);
    assertEqual(JSON.stringify(sent.accepted), '{}', 'malformed requests that were answered with success');
    assert(!Object.keys(sent.answers).some((status) => status.startsWith('5')), `answers: ${JSON.stringify(sent.answers)}`);
    flooded.forEach((heard) => assertWhole(heard, kSeconds - kSettleSeconds));
    assert(answered.slowestMs <= kSlowestAnswerMs, `GET / took ${answered.slowestMs} ms`);
    return { datagramsPerSecond: sent.datagramsPerSecond, requestsPerSecond: sent.requestsPerSecond, longestGapMs: flooded.map((heard) => heard.longestGapMs) };
  }, { ms: kSeconds * 1000 + 90_000, attempts: 3 });  // A busy machine starves the players, too.

  await suite.test('the memory is back to where it was', async () => {
    assert(before !== null, 'there was no flood');
    const after = await until('the memory is back', () => {
      const now = server.residentMegabytes();
      return now <= before + kMemoryMarginMegabytes && now;
    }, { ms: kMemoryMs }).catch(() => server.residentMegabytes());
    assert(after <= before + kMemoryMarginMegabytes, `${before.toFixed(1)} MB before, ${after.toFixed(1)} MB after`);
    return { before: Number(before.toFixed(1)), after: Number(after.toFixed(1)) };
  }, { ms: kMemoryMs + 10_000 });

  await suite.test('the server answers, and has no room that the flood made', async () => {
    assertEqual(await (await fetch(server.http)).text(), 'OK', 'GET /');
    const rooms = await fetch(`${server.http}/debug/rooms`);
    assertEqual(rooms.status, 200, 'status of /debug/rooms');
    JSON.parse(await rooms.text());
    const names = (await server.api.listRooms()).map(({ name }) => name);
    assert(names.every((name) => name.startsWith('flood-')), `rooms: ${names}`);
  });

  await suite.test('every drop is in a counter', async () => {
    const counted = await dropsFrom(server);
    if (counted === null) {
      return 'the server has no /metrics';
    }
    assert(drops !== null, 'there was no flood');
    assert(counted.sum > kLeastCounted * drops.datagrams, `${drops.datagrams} datagrams were sent, ${counted.sum} drops are counted`);
    return counted;
  });

  await suite.test('each kind of datagram that is turned away is counted, one by one', async () => {
    if (await dropsFrom(server) === null) {
      return 'the server has no /metrics';
    }
    const socket = dgram.createSocket('udp4');
    suite.onTestEnd(() => socket.close());
    const [port] = server.udpPorts();
    const uncounted = [];
    for (const [kind, make] of Object.entries(kDatagramKinds)) {
      const { sum: first } = await dropsFrom(server);
      for (let i = 0; i < kOfEachKind; i++) {
        await new Promise((resolve) => socket.send(make(), port, '127.0.0.1', resolve));
      }
      await until(kind, async () => (await dropsFrom(server)).sum >= first + kOfEachKind, { ms: 3000 }).catch(() => uncounted.push(kind));
    }
    assertEqual(uncounted.join(', '), '', 'kinds without a counter');
    return Object.keys(kDatagramKinds);
  }, { ms: 60_000 });

  await suite.test('a call that begins after the flood works', async () => {
    const [ann, ben] = await callOfThree(suite, server, 'dual');
    const heard = await hears(ben, ann, kQuietSeconds);
    assertWhole(heard, kQuietSeconds);
    return heard;
  }, { attempts: 2 });

  await suite.test('the server is still well and ends when asked to', () => server.stop());
}
