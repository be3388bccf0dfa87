// Joining, leaving, and who is told.
import { Cast } from '../lib/person.mjs';
import { assert, assertEqual, sleep, until } from '../lib/suite.mjs';

export async function joinTests(suite, lab, server, mode) {
  const cast = () => new Cast(suite, lab, server, mode);

  await suite.test('two people join and are told about the room and each other', async () => {
    const scene = cast();
    const ann = await scene.person('ann', { metadata: 'first', attributes: { seat: '1' } });
    const ben = await scene.person('ben', { name: 'Ben B.' });
    await Promise.all([ann.sees(ben), ben.sees(ann)]);
    const info = await ann.info();
    assertEqual(info.state, 'connected', 'state');
    assertEqual(info.mode === 'publisher-only', mode === 'single', 'one connection');
    assertEqual(info.name, scene.room, 'room name');
    assert(/^PA_/.test(info.local.sid), `participant sid ${info.local.sid}`);
    assert(info.server?.version && info.server.protocol > 0, `server info ${JSON.stringify(info.server)}`);
    const sid = await ann.run((person) => person.room.getSid());
    assert(/^RM_/.test(sid), `room sid ${sid}`);
    assertEqual(await ben.run((person) => person.room.getSid()), sid, 'both are in one room');
    const seen = await ben.participant(ann);
    assertEqual(seen.metadata, 'first', 'metadata');
    assertEqual(seen.attributes.seat, '1', 'attribute');
    assertEqual((await ann.participant(ben)).name, 'Ben B.', 'name');
  });

  await suite.test('someone who leaves is gone for the others at once', async () => {
    const [ann, ben] = await cast().pair();
    const since = await ann.now();
    await ben.leave();
    await ann.event('participantDisconnected', { since, where: ([who]) => who?.identity === ben.identity, ms: 5000 });
    assert(!(await ann.participant(ben)), 'still listed');
  });

  await suite.test('someone who comes late sees and hears what is already there', async () => {
    const scene = cast();
    const [, ben] = await scene.pair({ microphone: true, camera: true });
    const late = await scene.person('late');
    const start = Date.now();
    const [heard, watched] = await Promise.all([late.hears(ben), late.watches(ben)]);
    return { mediaAfterMs: Date.now() - start, heard, watched };
  });

  await suite.test('someone who joins without auto-subscribe gets tracks only by asking', async () => {
    const scene = cast();
    const [, ben] = await scene.pair({ microphone: true });
    const quiet = await scene.person('quiet', { connect: { autoSubscribe: false } });
    await quiet.sees(ben);
    const track = await until('the microphone is listed', () => quiet.trackOf(ben, 'microphone'));
    await sleep(1500);
    assertEqual((await quiet.received(ben)).length, 0, 'tracks received');
    await quiet.subscription(track.sid, 'setSubscribed', true);
    return quiet.hears(ben);
  });

  await suite.test('a token signed with another secret does not get in', async () => {
    const scene = cast();
    const good = await server.token('eve', scene.room);
    const [header, body] = good.split('.');
    const forged = `${header}.${body}.${'A'.repeat(43)}`;
    const problem = await scene.person('eve', { token: forged }).then(() => null, (error) => error.message);
    assert(problem, 'joined with a forged token');
    const answer = await fetch(`${server.http}/rtc/validate?access_token=${forged}`);
    assertEqual(answer.status, 401, 'status of /rtc/validate');
    return problem.split('\n')[0].slice(0, 120);
  });

  await suite.test('a second join with the same identity takes the seat of the first', async () => {
    const scene = cast();
    const ann = await scene.person('ann');
    const first = await scene.person('twin', { identity: 'same' });
    await ann.sees(first);
    const second = await scene.person('other', { identity: 'same' });
    const gone = await first.event('disconnected');
    assertEqual(gone.values[0], 2, 'reason (DUPLICATE_IDENTITY is 2)');
    await ann.sees(second);
    assertEqual((await ann.info()).remotes.length, 1, 'others in the room');
  });

  await suite.test('a participant removed by the server API is told so, and the room as well', async () => {
    const scene = cast();
    const [ann, ben] = await scene.pair();
    const listed = (await server.api.listParticipants(scene.room)).map((participant) => participant.identity);
    assert(listed.includes(ben.identity), `listed: ${listed}`);
    await server.api.removeParticipant(scene.room, ben.identity);
    const gone = await ben.event('disconnected');
    assertEqual(gone.values[0], 4, 'reason (PARTICIPANT_REMOVED is 4)');
    await ann.event('participantDisconnected', { where: ([who]) => who?.identity === ben.identity });
  });

  await suite.test('a room that the server API deletes ends for everyone in it', async () => {
    const scene = cast();
    const [ann, ben] = await scene.pair();
    assert((await server.api.listRooms([scene.room])).length === 1, 'the room is not listed');
    await server.api.deleteRoom(scene.room);
    for (const person of [ann, ben]) {
      assertEqual((await person.event('disconnected')).values[0], 5, 'reason (ROOM_DELETED is 5)');
    }
    assertEqual((await server.api.listRooms([scene.room])).length, 0, 'rooms of that name');
  });
}
