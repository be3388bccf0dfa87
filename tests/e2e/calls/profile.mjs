// Name, metadata and attributes: who may change them, how far, and who is told.
import { Cast } from '../lib/person.mjs';
import { assert, assertEqual, until } from '../lib/suite.mjs';

// The error of the client when it changes something of itself; null when it is done.
const changes = (person, method, value) => person.run((p, [method, value]) => p.room.localParticipant[method](value).then(() => null, (error) => `${error.name} ${error.reasonName ?? error.reason ?? ''} ${error.message}`), [method, value]);
const kNewcomer = 'newcomer';

export async function profileTests(suite, lab, server, mode) {
  const cast = () => new Cast(suite, lab, server, mode);
  const title = (text) => `${text} (${mode})`;
  const looksLike = (person, other, test) => until(`${person.id} sees the change of ${other.id}`, async () => {
    const info = await person.participant(other);
    return info && test(info);
  });

  await suite.together([
    [title('a participant changes its name, metadata and attributes, and everyone is told, late ones too'), async () => {
      const scene = cast();
      const ann = await scene.person('ann');
      const ben = await scene.person('ben', { name: 'Ben', metadata: 'old', attributes: { seat: '1', hat: 'red' } });
      await ann.sees(ben);
      for (const [method, value] of [['setAttributes', { seat: '2', hat: '', mood: 'fine' }], ['setMetadata', 'new'], ['setName', 'Benjamin']]) {
        assertEqual(await changes(ben, method, value), null, method);
      }
      const isNew = ({ name, metadata, attributes }) => name === 'Benjamin' && metadata === 'new' && attributes.seat === '2' && attributes.mood === 'fine' && !('hat' in attributes);
      await looksLike(ann, ben, isNew);
      const of = ({ values }) => values.at(-1)?.identity === ben.identity;
      for (const name of ['participantAttributesChanged', 'participantMetadataChanged', 'participantNameChanged']) {
        assert((await ann.events(name)).some(of) && (await ben.events(name)).some(of), `${name} is missing`);
      }
      const late = await scene.person(kNewcomer);
      await looksLike(late, ben, isNew);
      const listed = await server.api.getParticipant(scene.room, ben.identity);
      assert(isNew(listed), `the server API tells ${listed.name} ${listed.metadata} ${JSON.stringify(listed.attributes)}`);
    }],

    [title('without the right nothing of oneself changes'), async () => {
      const scene = cast();
      const [ann, ben] = await Promise.all([scene.person('ann'), scene.person('ben', { canUpdateOwnMetadata: false, metadata: 'given' })]);
      await ann.sees(ben);
      const problems = [];
      for (const [method, value] of [['setMetadata', 'mine'], ['setName', 'Mine'], ['setAttributes', { mine: '1' }]]) {
        problems.push(await changes(ben, method, value));
        assert(/does not have permission/.test(problems.at(-1)), `${method}: ${problems.at(-1)}`);
      }
      const { name, metadata, attributes } = await ann.participant(ben);
      assert(metadata === 'given' && name === ben.identity && !attributes.mine, JSON.stringify({ name, metadata, attributes }));
    }],

    [title('what is too long is refused by name, and nothing changes'), async () => {
      const scene = cast();
      const [ann, ben] = await Promise.all([scene.person('ann'), scene.person('ben', { metadata: 'short' })]);
      await ann.sees(ben);
      for (const [method, value, expected] of [['setMetadata', 'm'.repeat(2001), 'exceeds metadata size limit'], ['setName', 'n'.repeat(257), 'exceeds name length limit'], ['setAttributes', { a: 'v'.repeat(1000) }, 'exceeds attributes size limit']]) {
        const problem = await changes(ben, method, value);
        assert(problem?.includes(expected), `${method}: ${problem}`);
      }
      assertEqual(await changes(ben, 'setAttributes', { a: 'v'.repeat(900) }), null, 'what fits');
      await looksLike(ann, ben, ({ attributes }) => attributes.a?.length === 900);
      // Attributes add up.
      assert((await changes(ben, 'setAttributes', { b: 'v'.repeat(200) }))?.includes('exceeds attributes size limit'), 'more than fits together');
      const { name, metadata, attributes } = await ann.participant(ben);
      assert(metadata === 'short' && name === ben.identity && !attributes.b, 'something changed');
    }],

    [title('a token with too much in it does not get in'), async () => {
      const scene = cast();
      const ann = await scene.person('ann');
      for (const [name, claims] of [['wordy', { metadata: 'm'.repeat(2001) }], ['starry', { attributes: { a: 'v'.repeat(1001) } }]]) {
        assert(await scene.person(name, { ...claims, connect: { maxRetries: 0 } }).then(() => null, (error) => error.message), `${name} joined`);
      }
      assertEqual((await ann.info()).remotes.length, 0, 'others in the room');
    }],

    [title('the server API changes a participant, and the change outlives a full reconnect'), async () => {
      const scene = cast();
      const [ann, ben] = await scene.pair();
      await server.api.updateParticipant(scene.room, ben.identity, { name: 'Renamed', metadata: 'by the server', attributes: { rank: 'first' } });
      const isNew = ({ name, metadata, attributes }) => name === 'Renamed' && metadata === 'by the server' && attributes.rank === 'first';
      await looksLike(ann, ben, isNew);
      assert(isNew((await ben.info()).local), 'the participant itself was not told');
      for (const [change, expected] of [[{ metadata: 'm'.repeat(2001) }, 'metadata'], [{ attributes: { rank: 'v'.repeat(1001) } }, 'attributes'], [{ name: 'n'.repeat(257) }, 'name']]) {
        const problem = await server.api.updateParticipant(scene.room, ben.identity, change).then(() => null, (error) => error.message);
        assert(problem?.includes(expected), `too long a ${expected}: ${problem}`);
      }
      // The token that the client comes back with is one that the server made after the change.
      const { sid } = await ann.participant(ben);
      await ben.run((person) => person.room.simulateScenario('full-reconnect'));
      await until('a new session', async () => {
        const now = await ann.participant(ben);
        return now && now.sid !== sid && isNew(now);
      }, { ms: 20_000 });
    }],

    [title('the room\'s metadata reaches everyone in it, and those who come'), async () => {
      const scene = cast();
      const ann = await scene.person('ann');
      await server.api.updateRoomMetadata(scene.room, 'welcome');
      await ann.event('roomMetadataChanged', { where: ([metadata]) => metadata === 'welcome' });
      const late = await scene.person(kNewcomer);
      assertEqual(await late.run((person) => person.room.metadata), 'welcome', 'metadata for one who comes');
    }],
  ]);
}
