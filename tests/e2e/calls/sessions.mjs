// The life of a session as the client is told of it: quality, tokens, departures, and what cannot be subscribed.
import { Cast, Person } from '../lib/person.mjs';
import { assert, assertEqual, until } from '../lib/suite.mjs';

const kUserRejected = 12;  // livekit.DisconnectReason
const kDownMs = 4000;

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

// A subscription to a track that never comes is answered after a minute: it is asked for at the start and looked at in the end.
export async function asksForNothing(suite, lab, server, mode) {
  const title = `a subscription to an unknown track is refused in the end (${mode})`;
  if (!suite.wants(title)) {
    return async () => {};
  }
  const person = new Person(lab, server, `hopeful-${mode}`);
  await person.join(`nothing-${mode}`, { mode });
  await person.request('subscription', { trackSids: ['TR_AMnobodysTrack'], subscribe: true });
  const answer = person.signal('subscriptionResponse', { ms: 90_000 }).then((value) => ({ value }), (error) => ({ error }));
  return () => suite.test(title, async () => {
    const { value, error } = await answer;
    await person.leave();
    assert(value, error?.message);
    assertEqual(value.trackSid, 'TR_AMnobodysTrack', 'track');
    assertEqual(value.err, 'SE_TRACK_NOTFOUND', 'error');
  }, { ms: 90_000 });
}

export async function sessionTests(suite, lab, server, mode) {
  const cast = () => new Cast(suite, lab, server, mode);
  const title = (text) => `${text} (${mode})`;

  await suite.together([
    [title('both are told how good the connection of each is'), async () => {
      const [ann, ben] = await cast().pair({ microphone: true });
      const good = ([quality]) => ['excellent', 'good'].includes(quality);
      await Promise.all([ann, ben].flatMap((person) => [
        person.event('connectionQualityChanged', { where: (values) => good(values) && values[1]?.identity === person.identity, ms: 15_000 }),
        person === ann && ann.event('connectionQualityChanged', { where: (values) => good(values) && values[1]?.identity === ben.identity, ms: 15_000 }),
      ]));
    }],

    [title('who leaves with a reason is gone for that reason'), async () => {
      const [ann, ben] = await cast().pair();
      await ben.request('leave', { reason: kUserRejected });
      const gone = await ann.signal('update', { where: ({ participants }) => participants.some((info) => info.identity === ben.identity && info.state === 'DISCONNECTED') });
      assertEqual(gone.participants.find((info) => info.identity === ben.identity).disconnectReason, 'USER_REJECTED', 'reason');
      await ann.event('participantDisconnected', { where: ([who]) => who?.identity === ben.identity });
    }],

    [title('fresh tokens come after the join and after each change, and let their owner in again'), async () => {
      const scene = cast();
      const [ann, ben] = await scene.pair();
      const first = claimsOf(await ben.signal('refreshToken'));
      assert(first.sub === ben.identity && first.video.room === scene.room && first.video.roomJoin, JSON.stringify(first));
      const since = await ben.now();
      await server.api.updateParticipant(scene.room, ben.identity, { metadata: 'fresh', attributes: { a: '1' }, permission: { canSubscribe: true, canPublish: false, canPublishData: true } });
      const token = await ben.signal('refreshToken', { since, where: (value) => claimsOf(value).video.canPublish === false && claimsOf(value).metadata === 'fresh' });
      await ben.leave();
      const again = await scene.person('again', { token, identity: ben.identity });
      const { metadata, attributes } = await ann.sees(again);
      assert(metadata === 'fresh' && attributes.a === '1', JSON.stringify({ metadata, attributes }));
      assertEqual(await again.run((person) => person.room.localParticipant.permissions.canPublish), false, 'the right to publish, by the fresh token');
    }],

    [title('after each time without signalling the roster is the true one'), async () => {
      const scene = cast();
      const ann = await scene.person('ann', { options: { retryAfterMs: kDownMs } });
      const others = await Promise.all(['ben', 'cleo', 'dora'].map((name) => scene.person(name)));
      await Promise.all(others.map((other) => ann.sees(other)));
      const [ben, cleo, dora] = others;
      await ben.microphone();
      await ann.hears(ben);
      const { sid } = (await ann.info()).local;
      let newcomer;
      for (const [leaver, happens] of [
        [cleo, () => ben.run((person) => person.room.localParticipant.setMicrophoneEnabled(false).then(() => {}))],
        [dora, async () => (newcomer = await scene.person('emil', { attributes: { late: 'yes' } }))],
      ]) {
        const since = await ann.now();
        await ann.run((person) => person.room.simulateScenario('signal-reconnect').then(() => {}));
        await Promise.all([leaver.leave(), happens()]);
        assert(!(await ann.events('signalReconnecting', since)).length, 'the signalling came back too early for this test');
        await ann.event('reconnected', { since, ms: 20_000 });
        await until(`${leaver.id} is gone`, async () => !(await ann.participant(leaver)));
        assert((await ann.events('participantDisconnected', since)).some(({ values }) => values[0]?.identity === leaver.identity), 'no departure was told');
        assert(!(await ann.events('reconnecting', since)).length, 'the whole connection was made anew');
      }
      await until('the mute is known', async () => (await ann.trackOf(ben, 'microphone'))?.muted);
      assertEqual((await ann.sees(newcomer)).attributes.late, 'yes', 'attribute of the newcomer');
      assertEqual((await ann.info()).local.sid, sid, 'participant sid');
      assertEqual((await ann.info()).remotes.length, 2, 'others in the room');
    }],
  ]);

  await suite.test(title('a viewer that knows no codec of a track is told so, and keeps the rest'), async () => {
    const scene = cast();
    const ann = await scene.person('ann', { onlyCodec: 'video/vp8' });
    const ben = await scene.person('ben');
    await ann.sees(ben);
    await ben.microphone();
    const camera = await ben.camera({ videoCodec: 'h264', simulcast: false, backupCodec: false }, { width: 480, height: 270, frameRate: 10 });
    const { err } = await ann.signal('subscriptionResponse', { where: ({ trackSid }) => trackSid === camera.sid, ms: 20_000 });
    assertEqual(err, 'SE_CODEC_UNSUPPORTED', 'error');
    await ann.hears(ben);
  });
}
