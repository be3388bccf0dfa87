// Sound and pictures: what is published arrives decoded, on the path and in the size that was asked for.
import { Cast } from '../lib/person.mjs';
import { assert, assertEqual, until } from '../lib/suite.mjs';

// livekit-client's VideoQuality.
const kLow = 0, kHigh = 2;
const kFullWidth = 960, kWide = 900, kNarrow = 330;

async function switchesLayers(ann, ben, mime) {
  const { sid } = await until('the camera is listed', () => ann.trackOf(ben, 'camera'));
  // The encoder of a slow machine starts with the small layers alone, so the large ones get time to come up.
  await ann.subscription(sid, 'setVideoQuality', kHigh);
  const high = await ann.watches(ben, { mime, minWidth: kWide, ms: 40_000 });
  await ann.subscription(sid, 'setVideoQuality', kLow);
  const low = await ann.watches(ben, { mime, maxWidth: kNarrow, ms: 15_000 });
  await ann.subscription(sid, 'setVideoQuality', kHigh);
  const again = await ann.watches(ben, { mime, minWidth: kWide, ms: 30_000 });
  return [high.width, low.width, again.width];
}

export async function mediaTests(suite, lab, server, mode) {
  const cast = () => new Cast(suite, lab, server, mode);

  await suite.test('two people hear and see each other', async () => {
    const [ann, ben] = await cast().pair({ microphone: true, camera: true });
    assert(/^TR_AM/.test((await ann.microphone()).sid), 'sid of a microphone');
    assert(/^TR_VC/.test((await ann.camera({ simulcast: true, videoCodec: 'vp8' })).sid), 'sid of a camera');
    const [annHears, annWatches, benHears, benWatches] = await Promise.all([
      ann.hears(ben), ann.watches(ben, { mime: 'video/VP8' }), ben.hears(ann), ben.watches(ann, { mime: 'video/VP8' }),
    ]);
    return { annHears, annWatches, benHears, benWatches };
  });

  await suite.test('the sound that arrives can be heard by Web Audio', async () => {
    const [ann, ben] = await cast().pair({ microphone: true });
    await ann.hears(ben);
    const track = await ann.trackOf(ben, 'microphone');
    const loudness = await ann.loudness(track.sid);
    assert(loudness > 0.005, `loudness ${loudness}`);
    return { loudness: Number(loudness.toFixed(3)) };
  }, { attempts: 2 });

  await suite.test('media travels encrypted with AES-GCM, and the server reports the round trip', async () => {
    const [ann, ben] = await cast().pair({ microphone: true, camera: true });
    await ann.watches(ben);
    await ann.microphone();
    const { paths } = await until('every connection has a path', async () => {
      const sent = await ann.sent();
      return sent.paths.every((path) => path.dtls === 'connected' && path.protocol) && sent;
    });
    assertEqual(paths.length, mode === 'single' ? 1 : 2, 'connections');
    for (const path of paths) {
      assert(/^SRTP_AEAD_AES_(128|256)_GCM$/.test(path.cipher), `cipher ${path.cipher}`);
      assertEqual(path.protocol, 'udp', 'protocol');
    }
    const rtt = await until('a receiver report with a round trip', async () => (await ben.sent()).streams.find((stream) => stream.rtt > 0)?.rtt);
    assert(rtt < 1, `round trip ${rtt} s on one machine`);
    return { cipher: paths[0].cipher, rtt };
  });

  await suite.test('a camera in VP8 with simulcast changes its layer as the viewer asks', async () => {
    const [ann, ben] = await cast().pair({ camera: true });
    await ann.watches(ben, { mime: 'video/VP8' });
    assert((await ann.trackOf(ben, 'camera')).simulcast, 'not announced as simulcast');
    const layers = (await ben.sent()).streams.filter((stream) => stream.kind === 'video').length;
    assert(layers >= 3, `${layers} layers are sent for ${kFullWidth} pixels`);
    return switchesLayers(ann, ben, 'video/VP8');
  }, { ms: 120_000, attempts: 2 });

  await suite.test('two viewers of one camera get different layers at once', async () => {
    const scene = cast();
    const [ann, ben] = await scene.pair({ camera: true });
    const cleo = await scene.person('cleo');
    const { sid } = await until('the camera is listed', () => cleo.trackOf(ben, 'camera'));
    await ann.watches(ben);
    await cleo.watches(ben);
    await ann.subscription(sid, 'setVideoQuality', kHigh);
    await cleo.subscription(sid, 'setVideoQuality', kLow);
    const [high, low] = await Promise.all([ann.watches(ben, { minWidth: kWide, ms: 40_000 }), cleo.watches(ben, { maxWidth: kNarrow, ms: 40_000 })]);
    return [high.width, low.width];
  }, { ms: 90_000, attempts: 2 });

  await suite.test('a camera in H264 with simulcast changes its layer as the viewer asks', async () => {
    const [ann, ben] = await cast().pair();
    await ben.camera({ simulcast: true, videoCodec: 'h264' });
    await ann.watches(ben, { mime: 'video/H264', ms: 30_000 });
    return switchesLayers(ann, ben, 'video/H264');
  }, { ms: 150_000, attempts: 2 });

  for (const codec of ['vp9', 'av1']) {
    await suite.test(`a camera in ${codec.toUpperCase()} as one stream is decoded`, async () => {
      const [ann, ben] = await cast().pair();
      await ben.camera({ videoCodec: codec, simulcast: false, backupCodec: false, scalabilityMode: 'L1T1' }, { width: 480, height: 270, frameRate: 10 });
      return ann.watches(ben, { mime: `video/${codec.toUpperCase()}`, ms: 30_000 });
    }, { ms: 60_000 });
  }

  await suite.test('a shared screen arrives beside the camera and goes away again', async () => {
    const [ann, ben] = await cast().pair({ camera: true });
    await ben.run((person) => person.room.localParticipant.setScreenShareEnabled(true, { audio: false }).then(() => {}));
    const [screen, camera] = await Promise.all([ann.watches(ben, { source: 'screen_share' }), ann.watches(ben)]);
    const since = await ann.now();
    await ben.run((person) => person.room.localParticipant.setScreenShareEnabled(false).then(() => {}));
    await ann.event('trackUnpublished', { since, where: ([track]) => track?.source === 'screen_share' });
    await ann.watches(ben);
    return { screen, camera };
  }, { ms: 60_000 });

  await suite.test('the one who speaks is named, and no longer when muted', async () => {
    const [ann, ben] = await cast().pair({ microphone: true });
    const named = ([speakers]) => speakers?.some((speaker) => speaker.identity === ben.identity);
    await ann.event('activeSpeakersChanged', { where: named, ms: 15_000 });
    await ben.event('activeSpeakersChanged', { where: named, ms: 15_000 });
    const since = await ann.now();
    await ben.run((person) => person.room.localParticipant.setMicrophoneEnabled(false).then(() => {}));
    await ann.event('activeSpeakersChanged', { since, where: ([speakers]) => speakers?.length === 0, ms: 15_000 });
  }, { ms: 60_000 });
}
