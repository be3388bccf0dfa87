// What happens to tracks during a call: muted, unpublished, unsubscribed, and back again.
import { Cast } from '../lib/person.mjs';
import { assert, assertEqual, until } from '../lib/suite.mjs';

const mutedIs = (ann, ben, source, muted) => until(`${source} of ${ben.id} is ${muted ? 'muted' : 'open'} for ${ann.id}`, async () => (await ann.trackOf(ben, source))?.muted === muted);

export async function trackTests(suite, lab, server, mode) {
  const cast = () => new Cast(suite, lab, server, mode);

  await suite.test('a muted microphone is seen as muted, and heard again after', async () => {
    const [ann, ben] = await cast().pair({ microphone: true });
    await ann.hears(ben);
    const { sid } = await ann.trackOf(ben, 'microphone');
    await ben.run((person) => person.room.localParticipant.setMicrophoneEnabled(false).then(() => {}));
    await mutedIs(ann, ben, 'microphone', true);
    await ben.run((person) => person.room.localParticipant.setMicrophoneEnabled(true).then(() => {}));
    await mutedIs(ann, ben, 'microphone', false);
    assertEqual((await ann.trackOf(ben, 'microphone')).sid, sid, 'the same track');
    return ann.hears(ben);
  });

  await suite.test('a camera that is turned off sends no picture, and comes back moving', async () => {
    const [ann, ben] = await cast().pair({ camera: true });
    await ann.watches(ben);
    await ben.run((person) => person.room.localParticipant.setCameraEnabled(false).then(() => {}));
    await mutedIs(ann, ben, 'camera', true);
    await ann.watchesNothingOf(ben);
    await ben.run((person) => person.room.localParticipant.setCameraEnabled(true).then(() => {}));
    await mutedIs(ann, ben, 'camera', false);
    return ann.watches(ben);
  }, { ms: 60_000 });

  await suite.test('an unpublished track is gone, and a new one takes its place', async () => {
    const [ann, ben] = await cast().pair({ microphone: true, camera: true });
    await ann.watches(ben);
    const old = await ann.trackOf(ben, 'camera');
    const since = await ann.now();
    await ben.run(async (person) => {
      const local = person.room.localParticipant;
      await local.unpublishTrack(local.getTrackPublication('camera').track);
    });
    await ann.event('trackUnpublished', { since, where: ([track]) => track?.sid === old.sid });
    assert(!(await ann.trackOf(ben, 'camera')), 'still listed');
    await ann.hears(ben);
    const fresh = await ben.camera({ simulcast: true });
    assert(fresh.sid !== old.sid, 'a new publication has a new sid');
    return ann.watches(ben);
  }, { ms: 60_000 });

  await suite.test('a track that is unsubscribed stops, and starts when subscribed again', async () => {
    const [ann, ben] = await cast().pair({ microphone: true, camera: true });
    await ann.watches(ben);
    const { sid } = await ann.trackOf(ben, 'camera');
    const since = await ann.now();
    await ann.subscription(sid, 'setSubscribed', false);
    await ann.event('trackUnsubscribed', { since });
    assert(!(await ann.received(ben)).some((track) => track.kind === 'video'), 'a receiver is left');
    await ann.hears(ben);
    await ann.subscription(sid, 'setSubscribed', true);
    return ann.watches(ben);
  }, { ms: 60_000 });

  await suite.test('a track that the viewer disables pauses, and goes on when enabled', async () => {
    const [ann, ben] = await cast().pair({ camera: true });
    await ann.watches(ben);
    const { sid } = await ann.trackOf(ben, 'camera');
    await ann.subscription(sid, 'setEnabled', false);
    await ann.watchesNothingOf(ben);
    await ann.subscription(sid, 'setEnabled', true);
    return ann.watches(ben);
  }, { ms: 60_000 });
}
