// Who may publish, receive and be seen: by token, by the publisher's choice, and by the server API during the call.
import { Cast } from '../lib/person.mjs';
import { assert, assertEqual, sleep, until } from '../lib/suite.mjs';

const kMicrophone = 2;  // livekit.TrackSource
const kMute = 1000, kSettled = 1500;

const allow = (person, all, list) => person.run((p, [all, list]) => p.room.localParticipant.setTrackSubscriptionPermissions(all, list), [all, list]);
const receives = async (person, other) => (await person.received(other)).map((track) => track.source).sort().join(' ');
const receivesNow = (person, other, expected) => until(`${person.id} receives [${expected}] of ${other.id}`, async () => (await receives(person, other)) === expected, { ms: 15_000 });
const refused = async (publishing) => {
  const outcome = await Promise.race([publishing.then(() => 'published', (error) => error.message), sleep(15_000).then(() => 'no answer')]);
  assert(outcome !== 'published' && outcome !== 'no answer', `publishing without the right: ${outcome}`);
  return outcome.split('\n')[0].slice(0, 80);
};

export async function rightsTests(suite, lab, server, mode) {
  const cast = () => new Cast(suite, lab, server, mode);
  const title = (text) => `${text} (${mode})`;

  await suite.together([
    [title('a microphone and a camera published while muted are listed as muted, and arrive once opened'), async () => {
      const [ann, ben] = await cast().pair();
      await Promise.all([ben.microphone({ muted: true }), ben.camera({ muted: true, videoCodec: 'vp8', simulcast: false }, { width: 480, height: 270, frameRate: 10 })]);
      const sids = [];
      for (const source of ['microphone', 'camera']) {
        sids.push((await until(`a muted ${source} is listed`, async () => {
          const track = await ann.trackOf(ben, source);
          return track?.muted && track;
        })).sid);
      }
      await sleep(kMute);
      assert((await ann.received(ben)).every((track) => track.frames === 0 && track.energy < 1e-6), 'something arrived of muted tracks');
      await ben.run((person) => Promise.all(['microphone', 'camera'].map((source) => person.room.localParticipant.getTrackPublication(source).unmute())).then(() => {}));
      await Promise.all([ann.hears(ben), ann.watches(ben)]);
      assertEqual((await ann.trackOf(ben, 'microphone')).sid, sids[0], 'sid of the microphone');
      assertEqual((await ann.trackOf(ben, 'camera')).sid, sids[1], 'sid of the camera');
    }],

    [title('a publisher takes everyone\'s subscriptions away, and gives them back'), async () => {
      const [ann, ben] = await cast().pair({ microphone: true });
      await ann.hears(ben);
      const since = await ann.now();
      await allow(ben, false, []);
      await ann.event('trackSubscriptionPermissionChanged', { since, where: ([, status]) => status === 'not_allowed' });
      await receivesNow(ann, ben, '');
      await allow(ben, true, []);
      await ann.event('trackSubscriptionPermissionChanged', { since, where: ([, status]) => status !== 'not_allowed' });
      await ann.hears(ben);
    }],

    [title('a publisher allows one track to one participant, and nothing to the other'), async () => {
      const scene = cast();
      const [ann, ben] = await scene.pair();
      const cleo = await scene.person('cleo');
      await allow(ben, false, []);
      const { sid } = await ben.microphone();
      await ben.camera({ videoCodec: 'vp8', simulcast: false }, { width: 480, height: 270, frameRate: 10 });
      await allow(ben, false, [{ participantIdentity: ann.identity, allowAll: false, allowedTrackSids: [sid] }]);
      await ann.hears(ben);
      await until('the camera is listed', () => cleo.trackOf(ben, 'camera'));
      await sleep(kSettled);
      assertEqual(await receives(ann, ben), 'microphone', 'what ann receives');
      assertEqual(await receives(cleo, ben), '', 'what cleo receives');
      await allow(ben, false, [{ participantIdentity: cleo.identity, allowAll: true }]);
      await Promise.all([cleo.hears(ben), cleo.watches(ben), receivesNow(ann, ben, '')]);
    }],

    [title('someone hidden sees and hears, and nobody is told'), async () => {
      const scene = cast();
      const [ann, ben] = await scene.pair();
      const since = await ben.now();
      const ghost = await scene.person('ghost', { hidden: true });
      await ghost.sees(ben);
      await ben.microphone();
      await ghost.hears(ben);
      await ghost.run((person) => person.room.localParticipant.publishData(new TextEncoder().encode('boo'), { reliable: true }).then(() => {}));
      const { values } = await ann.event('dataReceived', { where: ([body]) => body === 'boo' });
      assert(!values[1]?.identity, `a hidden sender is named ${JSON.stringify(values[1])}`);
      await ghost.leave();
      await sleep(kSettled);
      for (const person of [ann, ben]) {
        assert(!(await person.participant(ghost)), `${person.id} lists the hidden one`);
        assertEqual((await person.signals('update', since)).flatMap(({ value }) => value.participants).filter((info) => info.identity === ghost.identity).length, 0, `what ${person.id} was sent of the hidden one`);
      }
    }],

    [title('a token decides what may be published and received'), async () => {
      const scene = cast();
      const ben = await scene.person('ben');
      await ben.microphone();
      const [mute, deaf, quiet, voice] = await Promise.all([
        scene.person('mute', { canPublish: false, canPublishData: true }), scene.person('deaf', { canSubscribe: false }),
        scene.person('quiet', { canPublishData: false }), scene.person('voice', { canPublishSources: [kMicrophone] }),
      ]);
      await Promise.all([mute.hears(ben), ...[mute, deaf, quiet, voice].map((person) => ben.sees(person))]);
      const said = (person, text) => person.run((p, text) => p.room.localParticipant.publishData(new TextEncoder().encode(text), { reliable: true }).then(() => {}, () => {}), text);
      await Promise.all([said(quiet, 'from quiet'), said(mute, 'from mute'), voice.microphone()]);
      const [why] = await Promise.all([refused(mute.microphone()), refused(voice.camera()), ben.hears(voice), ben.event('dataReceived', { where: ([body]) => body === 'from mute' })]);
      assertEqual((await deaf.received()).length, 0, 'tracks that arrive without canSubscribe');
      assert(!(await ben.events('dataReceived')).some(({ values }) => values[0] === 'from quiet'), 'a message came without canPublishData');
      for (const person of [mute, quiet]) {
        assertEqual((await ben.participant(person)).tracks.length, 0, `tracks of ${person.id}`);
      }
      return why;
    }],

    [title('the right to publish is taken during the call, and given back'), async () => {
      const scene = cast();
      const [ann, ben] = await scene.pair({ microphone: true });
      await ann.hears(ben);
      const since = await ann.now();
      const permit = (canPublish) => server.api.updateParticipant(scene.room, ben.identity, { permission: { canPublish, canSubscribe: true, canPublishData: true } });
      await permit(false);
      await Promise.all([
        ann.event('trackUnpublished', { since, where: ([track]) => track?.source === 'microphone' }),
        ben.event('participantPermissionsChanged', { since, where: ([, who]) => who?.identity === ben.identity }),
        ben.event('localTrackUnpublished', { since }),
      ]);
      assertEqual((await ann.participant(ben)).tracks.length, 0, 'tracks listed');
      await refused(ben.microphone());
      await permit(true);
      await until('the right is back', () => ben.run((person) => person.room.localParticipant.permissions.canPublish));
      await ben.microphone();
      return ann.hears(ben);
    }],

    [title('the right to receive is taken during the call, and given back'), async () => {
      const scene = cast();
      const [ann, ben] = await scene.pair({ microphone: true });
      await ann.hears(ben);
      const permit = (canSubscribe) => server.api.updateParticipant(scene.room, ann.identity, { permission: { canPublish: true, canSubscribe, canPublishData: true } });
      await permit(false);
      await receivesNow(ann, ben, '');
      await permit(true);
      return ann.hears(ben);
    }],
  ]);

  await suite.together([
    [title('the server API mutes a microphone at both ends, and its owner opens it again'), async () => {
      const scene = cast();
      const [ann, ben] = await scene.pair({ microphone: true });
      await ann.hears(ben);
      const { sid } = await ann.trackOf(ben, 'microphone');
      const since = await ben.now();
      await server.api.mutePublishedTrack(scene.room, ben.identity, sid, true);
      await Promise.all([ben.event('trackMuted', { since, where: ([track]) => track?.sid === sid }), ann.event('trackMuted', { since, where: ([track]) => track?.sid === sid })]);
      const problem = await server.api.mutePublishedTrack(scene.room, ben.identity, sid, false).then(() => null, (error) => error);
      assert(problem && /remote unmute/.test(problem.message), `unmuting by the server: ${problem?.message ?? 'done'}`);
      assert((await ann.trackOf(ben, 'microphone')).muted, 'no longer muted');
      await ben.run((person) => person.room.localParticipant.setMicrophoneEnabled(true).then(() => {}));
      await ann.event('trackUnmuted', { since, where: ([track]) => track?.sid === sid });
      return ann.hears(ben);
    }],

    [title('the server API ends and starts a subscription'), async () => {
      const scene = cast();
      const [ann, ben] = await scene.pair({ microphone: true });
      const cleo = await scene.person('cleo', { connect: { autoSubscribe: false } });
      await ann.hears(ben);
      const { sid } = await ann.trackOf(ben, 'microphone');
      await Promise.all([server.api.updateSubscriptions(scene.room, ann.identity, [sid], false), server.api.updateSubscriptions(scene.room, cleo.identity, [sid], true)]);
      await Promise.all([receivesNow(ann, ben, ''), cleo.hears(ben)]);
      await server.api.updateSubscriptions(scene.room, ann.identity, [sid], true);
      return ann.hears(ben);
    }],

    [title('the server API moves a participant to another room, with its media'), async () => {
      const [from, to] = [cast(), cast()];
      const [ann, ben] = await from.pair({ microphone: true });
      const cleo = await to.person('cleo');
      await Promise.all([cleo.microphone(), ann.hears(ben)]);
      const since = await ben.now();
      const left = await ann.now();
      await server.api.moveParticipant(from.room, ben.identity, to.room);
      await ben.event('moved', { since, where: ([room]) => room === to.room });
      await ann.event('participantDisconnected', { since: left, where: ([who]) => who?.identity === ben.identity });
      await Promise.all([cleo.sees(ben), ben.sees(cleo)]);
      assertEqual((await ben.info()).name, to.room, 'room of ben');
      assert(!(await ben.participant(ann)), 'ann is still listed');
      await Promise.all([cleo.hears(ben), ben.hears(cleo)]);
      assertEqual((await server.api.listParticipants(from.room)).map(({ identity }) => identity).join(), ann.identity, 'who is left in the first room');
    }],
  ]);
}
