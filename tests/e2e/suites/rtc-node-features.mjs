// The native SDK beside plain calls: a publisher that stops sending, encryption, quality, streams and calls, and every failure
// that the SDK can play. Both connection modes run at the same time.
import { Apart } from '../lib/apart.mjs';
import { Native, RoomEvent, SimulateScenarioKind, TrackKind } from '../lib/native.mjs';
import { Server } from '../lib/server.mjs';
import { assert, assertEqual, until } from '../lib/suite.mjs';
import { spectrumOf } from '../lib/tone.mjs';

const kHertz = 1000, kRate = 16_000, kPure = 0.8;
const kMutedAfterMs = [3000, 8000];  // The server says so after 5 s of silence; a busy machine says it late.
const kServerShutdown = 3;  // livekit.DisconnectReason

// A second of the tone, as clean as a call sounds on a busy machine; tries a few times, since it conceals now and then.
async function hears(listener, speaker) {
  return until(`${listener.id} hears the tone of ${speaker.id}`, async () => {
    const samples = await listener.listen(await listener.trackOf(speaker, TrackKind.KIND_AUDIO), kRate, 1.5, { skip: 0.3 });
    const tone = samples.length >= kRate && spectrumOf(samples, kRate);
    return tone && Math.abs(tone.hertz - kHertz) < 3 && tone.purity > kPure && { hertz: tone.hertz, purity: Number(tone.purity.toFixed(3)) };
  }, { ms: 30_000 });
}

export async function run(suite) {
  const server = await Server.start(suite.name);
  let rooms = 0;
  const people = async (mode, names, options = {}) => {
    const room = `native-${mode}-${++rooms}`;
    const all = names.map((name) => new Native(server, `${name}-${room}`));
    suite.onTestEnd(() => Promise.all(all.map((one) => one.leave())));
    await Promise.all(all.map((one) => one.join(room, { mode, ...options })));
    await Promise.all(all.flatMap((one) => all.filter((other) => other !== one).map((other) => one.sees(other))));
    return all;
  };
  const inBothModes = (title, body, options) => suite.together(['dual', 'single'].map((mode) => [`${title} (${mode})`, () => body(mode)]), options);

  await inBothModes('a publisher whose packets stop is shown muted, and open again when they come, with the same track', async (mode) => {
    const [ann] = await people(mode, ['ann']);
    const room = `native-${mode}-${rooms}`;
    const lost = new Apart(suite, server, `lost-${room}`);
    await lost.join(ann.room.name, { mode, tone: true });
    await hears(ann, lost);
    const [{ sid }] = [...ann.remote(lost).trackPublications.values()];
    const about = (publication) => publication.sid === sid;
    const since = Date.now();
    lost.freeze();
    const muted = await ann.event(RoomEvent.TrackMuted, { since, where: about, ms: 15_000 });
    lost.thaw();
    const open = await ann.event(RoomEvent.TrackUnmuted, { since: muted.at, where: about, ms: 10_000 });
    await hears(ann, lost);
    assertEqual([...ann.remote(lost).trackPublications.keys()].join(), sid, 'tracks after');
    assert(!ann.events.some(({ name, at }) => name === RoomEvent.TrackUnpublished && at > since), 'the track was unpublished meanwhile');
    const after = muted.at - since;
    assert(after >= kMutedAfterMs[0] && after <= kMutedAfterMs[1], `muted after ${after} ms`);
    return { mutedAfterMs: after, openAfterMs: open.at - muted.at };
  }, { ms: 90_000 });

  await inBothModes('an encrypted tone is heard with the key alone, and so are messages', async (mode) => {
    const [ann, ben] = await people(mode, ['ann', 'ben'], { key: 'sesame' });
    const eve = new Native(server, `eve-${ann.room.name}`);
    suite.onTestEnd(() => eve.leave());
    await eve.join(ann.room.name, { mode, key: 'barley' });
    await ann.tone({ hertz: kHertz });
    const heard = await hears(ben, ann);
    const noise = await eve.listen(await eve.trackOf(ann, TrackKind.KIND_AUDIO), kRate, 1, { skip: 0.2 });
    const tone = noise.length > kRate / 2 ? spectrumOf(noise, kRate) : { purity: 0 };
    assert(tone.purity < kPure, `another key decrypts the tone: ${JSON.stringify(tone)}`);
    await ann.local.publishData(new TextEncoder().encode('secret'), { reliable: true });
    await ben.event(RoomEvent.DataReceived, { where: (body) => new TextDecoder().decode(body) === 'secret' });
    assert(!eve.events.some(({ name, values }) => name === RoomEvent.DataReceived && new TextDecoder().decode(values[0]) === 'secret'), 'another key decrypts the message');
    return heard;
  }, { ms: 90_000 });

  await inBothModes('both are told the quality of each other\'s connection', async (mode) => {
    const [ann, ben] = await people(mode, ['ann', 'ben']);
    await ann.tone();
    await Promise.all([ann, ben].map((one) => one.event(RoomEvent.ConnectionQualityChanged, { where: (quality, who) => quality !== undefined && who?.identity === ann.id, ms: 20_000 })));
  });

  await inBothModes('calls, streams, chat, tones and attributes work between native clients', async (mode) => {
    const [ann, ben] = await people(mode, ['ann', 'ben']);
    ben.local.registerRpcMethod('up', async ({ callerIdentity, payload }) => `${callerIdentity}|${payload.toUpperCase()}`);
    assertEqual(await ann.local.performRpc({ destinationIdentity: ben.id, method: 'up', payload: 'hé', responseTimeout: 8000 }), `${ann.id}|HÉ`, 'answer');
    assertEqual(await ann.local.performRpc({ destinationIdentity: ben.id, method: 'none', payload: '', responseTimeout: 8000 }).then(() => 0, ({ code }) => code), 1400, 'code of an unknown method');
    let text, bytes;
    ben.room.registerTextStreamHandler('words', async (reader) => (text = await reader.readAll()));
    ben.room.registerByteStreamHandler('bytes', async (reader) => (bytes = Buffer.concat(await reader.readAll())));
    const words = 'žluťoučký kůň '.repeat(3000);
    const blob = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));
    const write = async () => {
      const writer = await ann.local.streamBytes({ topic: 'bytes', name: 'blob', totalSize: blob.length });
      await writer.write(new Uint8Array(blob));
      await writer.close();
    };
    await Promise.all([ann.local.sendText(words, { topic: 'words' }), write(), ann.local.sendChatMessage('hello'), ann.local.publishDtmf(5, '5')]);
    await until('both streams end', () => text !== undefined && bytes, { ms: 20_000 });
    assert(text === words, `the text differs (${text.length} of ${words.length})`);
    assertEqual(Buffer.compare(bytes, blob), 0, 'difference of the bytes');
    await Promise.all([
      ben.event(RoomEvent.ChatMessage, { where: ({ message }, who) => message === 'hello' && who?.identity === ann.id }),
      ben.event(RoomEvent.DtmfReceived, { where: (code, digit, who) => code === 5 && digit === '5' && who?.identity === ann.id }),
    ]);
    await ann.local.setAttributes({ mood: 'fine' });
    await ann.local.updateMetadata('new');
    await ann.local.updateName('Ann B.');
    await until('the change is seen', () => {
      const { name, metadata, attributes } = ben.remote(ann);
      return name === 'Ann B.' && metadata === 'new' && attributes.mood === 'fine';
    });
  });

  await inBothModes('a second join with the same identity takes the seat of the first', async (mode) => {
    const [ann, ben] = await people(mode, ['ann', 'ben']);
    const twin = new Native(server, ben.id);
    suite.onTestEnd(() => twin.leave());
    await twin.join(ann.room.name, { mode });
    assertEqual((await ben.event(RoomEvent.Disconnected)).values[0], 2, 'reason (DUPLICATE_IDENTITY is 2)');
    await until('the other sees the new session', () => ann.remote(ben)?.sid === twin.local.sid);
  });

  for (const [scenario, fresh] of [
    ['SIGNAL_RECONNECT', false], ['FULL_RECONNECT', true], ['NODE_FAILURE', true], ['MIGRATION', true], ['FORCE_TCP', true], ['FORCE_TLS', true], ['DISCONNECT_SIGNAL_ON_RESUME', undefined],
  ]) {
    await inBothModes(`${scenario}: the native client is back, and hears the tone`, async (mode) => {
      const [ann, ben] = await people(mode, ['ann', 'ben']);
      await ann.tone({ hertz: kHertz });
      await hears(ben, ann);
      const { sid } = ben.local, since = Date.now();
      await ben.room.simulateScenario(SimulateScenarioKind[`SIMULATE_${scenario}`]);
      await ben.event(RoomEvent.Reconnected, { since, ms: 40_000 });
      const ms = Date.now() - since;
      const heard = await hears(ben, ann);
      const now = (await until('the other one sees the session', () => ann.remote(ben))).sid;
      if (fresh !== undefined) {  // The client decides whether it tries a second resume.
        assertEqual(now !== sid, fresh, 'another session');
      }
      return { backAfterMs: ms, ...heard };
    }, { ms: 120_000 });
  }

  await inBothModes('SPEAKER and SERVER_LEAVE: a speaker without sound, and a shutdown', async (mode) => {
    const [ann, ben] = await people(mode, ['ann', 'ben']);
    await ben.tone({ amplitude: 0 });  // Only those who subscribe are told of a speaker.
    await ann.trackOf(ben, TrackKind.KIND_AUDIO);
    await ben.room.simulateScenario(SimulateScenarioKind.SIMULATE_SPEAKER);
    await ann.event(RoomEvent.ActiveSpeakersChanged, { where: (speakers) => speakers.some(({ identity }) => identity === ben.id) });
    await ben.room.simulateScenario(SimulateScenarioKind.SIMULATE_SERVER_LEAVE);
    assertEqual((await ben.event(RoomEvent.Disconnected)).values[0], kServerShutdown, 'reason');
    await ann.event(RoomEvent.ParticipantDisconnected, { where: ({ identity }) => identity === ben.id });
  });

  await suite.test('the server is still well and ends when asked to', () => server.stop());
}
