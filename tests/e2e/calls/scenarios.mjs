// What livekit-client can play beside the plain reconnects (calls/reconnect.mjs): the server's hooks for failures of its own.
import { Cast } from '../lib/person.mjs';
import { assert, assertEqual, until } from '../lib/suite.mjs';

const kServerShutdown = 3;  // livekit.DisconnectReason
const kLowRate = 120_000, kNarrow = 500, kWide = 900;

const play = (person, name, value) => person.run((p, [name, value]) => p.room.simulateScenario(name, value), [name, value]);

export async function scenarioTests(suite, lab, server, mode) {
  const title = (text) => `${text} (${mode})`;
  const pair = async () => {
    const people = await new Cast(suite, lab, server, mode).pair({ microphone: true });
    await people[0].hears(people[1]);
    return people;
  };

  // Each ends with the media of before; `fresh` tells whether the session is another one, where that is certain.
  const comesBack = (scenario, { fresh } = {}) => [title(`${scenario}: the client is back, and hears`), async () => {
    const [ann, ben] = await pair();
    const { sid } = (await ann.info()).local;
    const since = await ann.now();
    await play(ann, scenario);
    const end = await until('the client is back', async () => (await ann.events(null, since)).find(({ name }) => ['reconnected', 'disconnected'].includes(name)), { ms: 40_000 });
    assertEqual(end.name, 'reconnected', `how it ended (reason ${end.values[0]})`);
    const now = (await ann.info()).local.sid;
    if (fresh !== undefined) {
      assertEqual(now !== sid, fresh, 'another session');
    }
    await ann.hears(ben, { ms: 30_000 });
    assert(await until('the other one sees the session', async () => (await ben.participant(ann))?.sid === now), 'sid');
    return { fresh: now !== sid };
  }];

  await suite.together([
    comesBack('resume-reconnect', { fresh: true }),
    comesBack('disconnect-signal-on-resume'),
    comesBack('disconnect-signal-on-resume-no-messages'),
    comesBack('node-failure', { fresh: true }),
    comesBack('migration', { fresh: true }),
    comesBack('leave-full-reconnect', { fresh: true }),
    [title('force-tls: without TURN over TLS the media goes over TCP'), async () => {
      const [ann, ben] = await pair();
      const since = await ann.now();
      await play(ann, 'force-tls');
      await ann.event('reconnected', { since, ms: 40_000 });
      await ann.hears(ben, { ms: 30_000 });
      return until('every path is TCP', async () => {
        const { paths } = await ann.sent();
        return paths.length > 0 && paths.every(({ protocol }) => protocol === 'tcp') && paths.map(({ protocol }) => protocol);
      });
    }],
  ], { ms: 100_000 });

  await suite.together([
    [title('server-leave: the client is sent away for the shutdown of the server'), async () => {
      const [ann, ben] = await pair();
      await play(ann, 'server-leave');
      assertEqual((await ann.event('disconnected')).values[0], kServerShutdown, 'reason');
      await ben.event('participantDisconnected', { where: ([who]) => who?.identity === ann.identity });
    }],

    [title('speaker: the participant speaks without a sound, for a while'), async () => {
      const [ann, ben] = await new Cast(suite, lab, server, mode).pair();
      await ben.microphone({ muted: true });
      // Only those who subscribe are told, and the server knows of a subscription later than the subscriber does.
      await Promise.all([ann.event('trackSubscribed'), ben.event('localTrackSubscribed')]);
      await play(ben, 'speaker');
      await ann.event('activeSpeakersChanged', { where: ([speakers]) => speakers?.some(({ identity }) => identity === ben.identity) });
      const since = await ann.now();
      await ann.event('activeSpeakersChanged', { since, where: ([speakers]) => speakers?.length === 0 });
    }],

    ...(mode === 'single' ? [[title('fail-on-v1-path: the client falls back to the older path and two connections'), async () => {
      const [ann, ben] = await pair();
      const since = await ann.now();
      await play(ann, 'fail-on-v1-path');
      await play(ann, 'full-reconnect');
      await ann.event('reconnected', { since, ms: 40_000 });
      assert((await ann.info()).mode !== 'publisher-only', 'still one connection');
      await ann.hears(ben, { ms: 30_000 });
    }]] : []),
  ], { ms: 60_000 });

  // Fails against a server that does not know this scenario: nothing else in the client limits what it receives.
  await suite.test(title('subscriber-bandwidth: little bandwidth brings a small picture, and its end the large one'), async () => {
    const [ann, ben] = await new Cast(suite, lab, server, mode).pair({ camera: true });
    await ann.watches(ben, { minWidth: kWide, ms: 40_000 });
    await play(ann, 'subscriber-bandwidth', kLowRate);
    const low = await ann.watches(ben, { maxWidth: kNarrow, ms: 20_000 });
    await play(ann, 'subscriber-bandwidth', 0);
    const high = await ann.watches(ben, { minWidth: kWide, ms: 30_000 });
    return [low.width, high.width];
  }, { ms: 120_000 });
}
