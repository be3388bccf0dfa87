// The connection breaks in every way that livekit-client can play, and the call goes on.
import { Cast } from '../lib/person.mjs';
import { assert, assertEqual, until } from '../lib/suite.mjs';

const play = (person, scenario) => person.run((p, name) => p.room.simulateScenario(name), scenario);

// Waits until the client is back; fails as soon as it gives up.
async function comesBack(person, since) {
  const end = await until(`${person.id} is back`, async () => (await person.events(null, since)).find((event) => ['reconnected', 'disconnected'].includes(event.name)), { ms: 30_000 });
  assertEqual(end.name, 'reconnected', `how it ended (reason ${end.values[0]})`);
  return new Set((await person.events(null, since)).map((event) => event.name));
}

const ufrags = async (person) => (await person.sent()).paths.map((path) => [path.localUfrag, path.remoteUfrag]);

export async function reconnectTests(suite, lab, server, mode) {
  const both = async () => {
    const [ann, ben] = await new Cast(suite, lab, server, mode).pair({ microphone: true, camera: true });
    await ann.microphone();
    await Promise.all([ann.hears(ben), ann.watches(ben), ben.hears(ann)]);
    return [ann, ben];
  };
  const goesOn = async (ann, ben) => {
    await Promise.all([ann.hears(ben, { ms: 30_000 }), ann.watches(ben, { ms: 30_000 }), ben.hears(ann, { ms: 30_000 })]);
    const text = `still here ${Math.random()}`;
    await until('a message arrives', async () => {
      await ben.run((person, text) => person.room.localParticipant.publishData(new TextEncoder().encode(text), { reliable: true }), text);
      return ann.event('dataReceived', { where: ([body]) => body === text, ms: 2000 }).catch(() => null);
    }, { ms: 12_000 });
  };

  for (const who of ['viewer', 'publisher']) {
    const choose = ([ann, ben]) => (who === 'viewer' ? ann : ben);

    await suite.test(`the ${who} loses the signalling: it is resumed, and media never stops`, async () => {
      const people = await both();
      const person = choose(people);
      const { sid } = (await person.info()).local;
      const since = await person.now();
      const before = (await people[0].received(people[1])).find((track) => track.kind === 'video').frames;
      await play(person, 'signal-reconnect');
      const names = await comesBack(person, since);
      assertEqual((await person.info()).local.sid, sid, 'participant sid');
      assert(!names.has('reconnecting'), 'the whole connection was made anew');
      const after = (await people[0].received(people[1])).find((track) => track.kind === 'video').frames;
      assert(after > before, 'no picture was decoded meanwhile');
      const other = people.find((candidate) => candidate !== person);
      assert(!(await other.events('participantDisconnected', since)).length, 'the other one was told of a departure');
      await goesOn(...people);
    }, { ms: 120_000 });

    await suite.test(`the ${who} resumes with an ICE restart: new credentials, the same session`, async () => {
      const people = await both();
      const person = choose(people);
      const { sid } = (await person.info()).local;
      const before = await ufrags(person);
      const since = await person.now();
      await play(person, 'signal-reconnect');
      await comesBack(person, since);
      assertEqual((await person.info()).local.sid, sid, 'participant sid');
      const after = await until('every connection has new credentials on both sides', async () => {
        const now = await ufrags(person);
        const fresh = now.length === before.length && now.every(([local, remote], i) => local !== before[i][0] && remote !== before[i][1]);
        return fresh && now;
      });
      await goesOn(...people);
      return { connections: after.length };
    }, { ms: 120_000 });

    await suite.test(`the ${who} reconnects from nothing: a new session with the same tracks`, async () => {
      const people = await both();
      const person = choose(people);
      const { sid, tracks } = (await person.info()).local;
      const since = await person.now();
      await play(person, 'full-reconnect');
      await comesBack(person, since);
      const now = (await person.info()).local;
      assert(now.sid !== sid, 'the session is the old one');
      assertEqual(now.tracks.length, tracks.length, 'tracks published');
      await goesOn(...people);
    }, { ms: 120_000 });
  }

  await suite.test('a client that must use TCP gets its media over TCP', async () => {
    const [ann, ben] = await both();
    const since = await ann.now();
    await play(ann, 'force-tcp');
    await comesBack(ann, since);
    await goesOn(ann, ben);
    const paths = await until('every path is TCP', async () => {
      const now = (await ann.sent()).paths;
      return now.length > 0 && now.every((path) => path.protocol === 'tcp') && now;
    });
    return paths.map((path) => path.protocol);
  }, { ms: 120_000 });
}
