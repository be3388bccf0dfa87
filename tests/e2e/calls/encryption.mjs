// End-to-end encryption: the server passes on what it cannot read.
import { Cast } from '../lib/person.mjs';
import { assert, sleep } from '../lib/suite.mjs';

export async function encryptionTests(suite, lab, server, mode) {
  await suite.test(`sound, pictures and messages that are encrypted end to end reach those with the key alone (${mode})`, async () => {
    const scene = new Cast(suite, lab, server, mode);
    const [ann, ben, eve] = await Promise.all([
      scene.person('ann', { options: { key: 'sesame' } }), scene.person('ben', { options: { key: 'sesame' } }), scene.person('eve', { options: { key: 'barley' } }),
    ]);
    await Promise.all([ann.sees(ben), eve.sees(ben), ben.sees(ann), ben.sees(eve)]);
    await Promise.all([ben.microphone(), ben.camera({ videoCodec: 'vp8', simulcast: false }, { width: 480, height: 270, frameRate: 10 })]);
    const [heard, watched] = await Promise.all([ann.hears(ben), ann.watches(ben)]);
    assert(await ann.run((person, from) => person.room.remoteParticipants.get(from).isEncrypted, ben.identity), 'the tracks are not announced as encrypted');
    const seen = await eve.received(ben);
    assert(seen.length === 2 && seen.every((track) => track.packets > 20), `the packets do not reach one without the key: ${JSON.stringify(seen)}`);
    assert(seen.every((track) => track.energy < 1e-4 && track.frames === 0), `one with another key decodes ${JSON.stringify(seen)}`);
    const say = (text) => ben.run((person, text) => person.room.localParticipant.publishData(new TextEncoder().encode(text), { reliable: true, topic: 'hush' }), text);
    await say('secret');
    await ann.event('dataReceived', { where: ([text, who, , topic]) => text === 'secret' && who?.identity === ben.identity && topic === 'hush' });
    await sleep(300);
    assert(!(await eve.events('dataReceived')).some(({ values }) => values[0] === 'secret'), 'one with another key reads the message');
    // The silence that the server sends for a muted microphone is not taken for speech that cannot be decrypted.
    const since = await ann.now();
    await ben.run((person) => person.room.localParticipant.setMicrophoneEnabled(false).then(() => {}));
    await ann.event('trackMuted', { since });
    await sleep(1200);
    assert(!(await ann.events('encryptionError', since)).length, 'the mute made an error of decryption');
    await ben.run((person) => person.room.localParticipant.setMicrophoneEnabled(true).then(() => {}));
    await ann.hears(ben);
    return { heard, watched };
  }, { ms: 90_000, attempts: 2 });
}
