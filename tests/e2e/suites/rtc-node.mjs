// The native SDK: samples of 16 kHz in, the same tone out without holes; pictures, messages, and broken connections.
import { Native, RoomEvent, SimulateScenarioKind, TrackKind, VideoCodec } from '../lib/native.mjs';
import { Server } from '../lib/server.mjs';
import { assert, assertEqual, until } from '../lib/suite.mjs';
import { spectrumOf } from '../lib/tone.mjs';

const kHertz = 1000, kSeconds = 4;

async function hearsTone(listener, speaker, rate) {
  let last;
  for (let attempt = 1; attempt <= 3; attempt++) {  // A busy machine conceals now and then; a wrong server always does.
    const samples = await listener.listen(await listener.trackOf(speaker, TrackKind.KIND_AUDIO), rate, kSeconds);
    assert(samples.length >= rate * (kSeconds - 1), `${samples.length} samples of ${rate} a second in ${kSeconds} s`);
    const tone = spectrumOf(samples, rate);
    assert(Math.abs(tone.hertz - kHertz) < 3, `heard ${tone.hertz} Hz, sent ${kHertz} Hz`);
    last = { attempt, hertz: tone.hertz, purity: Number(tone.purity.toFixed(4)), gaps: tone.gaps, blocks: tone.blocks, loudness: tone.loudness };
    if (tone.purity > 0.95 && tone.gaps <= tone.blocks / 200) {
      return last;
    }
    console.log(`# tone: ${JSON.stringify(last)}`);
  }
  throw new Error(`the tone has holes or noise: ${JSON.stringify(last)}`);
}

export async function run(suite) {
  const server = await Server.start(suite.name);
  let rooms = 0;
  const pairOf = async (mode) => {
    const room = `native-${mode}-${++rooms}`;
    const [ann, ben] = ['ann', 'ben'].map((name) => new Native(server, `${name}-${room}`));
    suite.onTestEnd(() => Promise.all([ann.leave(), ben.leave()]));
    await Promise.all([ann.join(room, { mode, metadata: 'of ann' }), ben.join(room, { mode })]);
    await Promise.all([ann.sees(ben), ben.sees(ann)]);
    return [ann, ben];
  };

  for (const mode of ['dual', 'single']) {
    await suite.test(`two native clients join and see each other (${mode})`, async () => {
      const [ann, ben] = await pairOf(mode);
      assert(/^PA_/.test(ann.local.sid) && /^RM_/.test(await ann.room.getSid()), 'sids');
      assertEqual(ben.remote(ann).metadata, 'of ann', 'metadata');
    });

    await suite.test(`a tone from 16 kHz samples arrives at the same pitch without gaps (${mode})`, async () => {
      const [ann, ben] = await pairOf(mode);
      await ann.tone({ hertz: kHertz, rate: 16_000 });
      return { at48k: await hearsTone(ben, ann, 48_000), at16k: await hearsTone(ben, ann, 16_000) };
    }, { ms: 90_000 });

    await suite.test(`the one who plays a tone is the active speaker (${mode})`, async () => {
      const [ann, ben] = await pairOf(mode);
      await ann.tone();
      await ben.event(RoomEvent.ActiveSpeakersChanged, { where: (speakers) => speakers.some((speaker) => speaker.identity === ann.id), ms: 15_000 });
    });

    for (const [name, codec] of [['VP8', VideoCodec.VP8], ['H264', VideoCodec.H264], ['VP9', VideoCodec.VP9], ['AV1', VideoCodec.AV1]]) {
      await suite.test(`pictures in ${name} are decoded and change (${mode})`, async () => {
        const [ann, ben] = await pairOf(mode);
        await ann.camera({ codec, width: 480, height: 270 });
        return ben.watch(await ben.trackOf(ann, TrackKind.KIND_VIDEO), { ms: 20_000 });
      }, { ms: 60_000 });
    }

    await suite.test(`a simulcast camera is watched in its full size (${mode})`, async () => {
      const [ann, ben] = await pairOf(mode);
      await ann.camera({ width: 960, height: 540, simulcast: true });
      return ben.watch(await ben.trackOf(ann, TrackKind.KIND_VIDEO), { minWidth: 900, ms: 30_000 });
    }, { ms: 60_000 });

    for (const reliable of [true, false]) {
      await suite.test(`a ${reliable ? 'reliable' : 'lossy'} message arrives with topic and sender (${mode})`, async () => {
        const [ann, ben] = await pairOf(mode);
        await until('a message arrives', async () => {
          await ann.local.publishData(new TextEncoder().encode('hello'), { reliable, topic: 'greeting', destination_identities: [ben.id] });
          return ben.event(RoomEvent.DataReceived, {
            where: (body, from, kind, topic) => new TextDecoder().decode(body) === 'hello' && from?.identity === ann.id && topic === 'greeting', ms: 2000,
          }).catch(() => null);
        }, { ms: reliable ? 2500 : 12_000 });
      });
    }

    await suite.test(`an unpublished track is gone for the other (${mode})`, async () => {
      const [ann, ben] = await pairOf(mode);
      const publication = await ann.tone();
      await ben.trackOf(ann, TrackKind.KIND_AUDIO);
      await ann.local.unpublishTrack(publication.sid);
      await ben.event(RoomEvent.TrackUnpublished, { where: (track) => track.sid === publication.sid });
    });

    await suite.test(`the tone goes on after the signalling broke (${mode})`, async () => {
      const [ann, ben] = await pairOf(mode);
      await ann.tone();
      await hearsTone(ben, ann, 16_000);
      const sid = ben.local.sid, since = Date.now();
      await ben.room.simulateScenario(SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT);
      await ben.event(RoomEvent.Reconnected, { since, ms: 30_000 });
      assertEqual(ben.local.sid, sid, 'participant sid');
      return hearsTone(ben, ann, 16_000);
    }, { ms: 120_000 });
  }

  await suite.test('the server is still well and ends when asked to', () => server.stop());
}
