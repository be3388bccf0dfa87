// What the server API does to a call, seen by native clients, and what rooms allow by configuration, request and token.
import { RoomConfiguration } from 'livekit-server-sdk';
import { Native, RoomEvent, TrackKind } from '../lib/native.mjs';
import { Server } from '../lib/server.mjs';
import { assert, assertEqual, sleep, until } from '../lib/suite.mjs';

const kConfiguration = {
  room: { room_configurations: { duo: { max_participants: 2, departure_timeout: 2, metadata: 'from the preset' } } },
};
const kLoud = 3000, kQuiet = 300;  // Samples of 16 bits.
const kRemoved = 4, kRoomDeleted = 5;  // livekit.DisconnectReason

export async function run(suite) {
  const server = await Server.start(suite.name, kConfiguration);
  const { api } = server;
  let rooms = 0;
  const inBothModes = (title, body) => suite.together(['dual', 'single'].map((mode) => [`${title} (${mode})`, () => body(mode, `${mode}-${++rooms}`)]));
  const join = async (room, name, options) => {
    const one = new Native(server, `${name}-${room}`);
    suite.onTestEnd(() => one.leave());
    await one.join(room, options);
    return one;
  };
  const pair = async (room, mode) => {
    const [ann, ben] = await Promise.all([join(room, 'ann', { mode }), join(room, 'ben', { mode })]);
    await Promise.all([ann.sees(ben), ben.sees(ann)]);
    return [ann, ben];
  };
  const problemOf = (promise) => promise.then(() => null, (error) => error);
  const exists = async (room) => (await api.listRooms([room])).length === 1;

  await inBothModes('a participant that is removed is told so, and so is the room', async (mode, room) => {
    const [ann, ben] = await pair(room, mode);
    await api.removeParticipant(room, ben.id);
    assertEqual((await ben.event(RoomEvent.Disconnected)).values[0], kRemoved, 'reason');
    const gone = await ann.event(RoomEvent.ParticipantDisconnected, { where: ({ identity }) => identity === ben.id });
    assertEqual(gone.values[0].disconnectReason, kRemoved, 'reason that the other one is told');
    assertEqual((await problemOf(api.removeParticipant(room, ben.id)))?.status, 404, 'status of removing it again');
  });

  await inBothModes('a room that is deleted ends for everyone', async (mode, room) => {
    const both = await pair(room, mode);
    await api.deleteRoom(room);
    for (const one of both) {
      assertEqual((await one.event(RoomEvent.Disconnected)).values[0], kRoomDeleted, 'reason');
    }
    assert(!(await exists(room)), 'still listed');
  });

  await inBothModes('a microphone is muted by the server, and a subscription ends and starts', async (mode, room) => {
    const [ann, ben] = await pair(room, mode);
    const { sid } = await ben.tone();
    const loudness = async () => ann.loudest(await ann.trackOf(ben, TrackKind.KIND_AUDIO), 700);
    await until('the tone is heard', async () => (await loudness()) > kLoud, { ms: 15_000 });
    await api.updateSubscriptions(room, ann.id, [sid], false);
    await until('the tone is gone', async () => (await loudness()) < kQuiet);
    await api.updateSubscriptions(room, ann.id, [sid], true);
    await until('the tone is heard again', async () => (await loudness()) > kLoud, { ms: 15_000 });
    await api.mutePublishedTrack(room, ben.id, sid, true);
    await ann.event(RoomEvent.TrackMuted, { where: (publication) => publication.sid === sid });
    const [{ muted }] = (await api.getParticipant(room, ben.id)).tracks;
    assert(muted, 'the server API tells of an open track');
    assertEqual((await problemOf(api.mutePublishedTrack(room, ben.id, 'TR_none', true)))?.status, 404, 'status for an unknown track');
  });

  await inBothModes('the right to publish is taken: the track ends for the others', async (mode, room) => {
    const [ann, ben] = await pair(room, mode);
    const { sid } = await ben.tone();
    await ann.trackOf(ben, TrackKind.KIND_AUDIO);
    await api.updateParticipant(room, ben.id, { permission: { canPublish: false, canSubscribe: true, canPublishData: false } });
    await ann.event(RoomEvent.TrackUnpublished, { where: (publication) => publication.sid === sid });
    const { permission, tracks } = await api.getParticipant(room, ben.id);
    assert(!permission.canPublish && tracks.length === 0, 'the server API tells otherwise');
    await ben.local.publishData(new TextEncoder().encode('no'), { reliable: true }).catch(() => {});
    await ann.local.publishData(new TextEncoder().encode('yes'), { reliable: true });
    await ben.event(RoomEvent.DataReceived, { where: (body) => new TextDecoder().decode(body) === 'yes' });
    await sleep(500);
    assert(!ann.events.some(({ name }) => name === RoomEvent.DataReceived), 'a message without the right arrived');
  });

  await inBothModes('the server sends data to all, or to one, with a topic and without a sender', async (mode, room) => {
    const [ann, ben] = await pair(room, mode);
    const got = (one, text) => one.event(RoomEvent.DataReceived, { where: (body, who, kind, topic) => new TextDecoder().decode(body) === text && !who && topic === 'news' });
    await api.sendData(room, new TextEncoder().encode('to all'), 0, { topic: 'news' });
    await Promise.all([got(ann, 'to all'), got(ben, 'to all')]);
    await api.sendData(room, new TextEncoder().encode('to ben'), 0, { topic: 'news', destinationIdentities: [ben.id] });
    await got(ben, 'to ben');
    assertEqual(ann.events.filter(({ name }) => name === RoomEvent.DataReceived).length, 1, 'messages at ann');
  });

  await inBothModes('the server calls a participant, and a slow one in time', async (mode, room) => {
    const ben = await join(room, 'ben', { mode });
    ben.local.registerRpcMethod('double', async ({ payload }) => String(2 * Number(payload)));
    ben.local.registerRpcMethod('sleep', () => sleep(6000).then(() => 'late'));
    const ask = (method, payload, response_timeout_ms) => server.twirp('RoomService/PerformRpc', { room, destination_identity: ben.id, method, payload, response_timeout_ms }, { roomAdmin: true, room });
    assertEqual((await ask('double', '21', 8000)).payload, '42', 'answer');
    const start = Date.now();
    const late = await ask('sleep', '', 1500);
    assert(late.status >= 400 && Date.now() - start < 5000, `${JSON.stringify(late)} after ${Date.now() - start} ms`);
    return late;
  });

  await inBothModes('a full room lets nobody in until somebody leaves', async (mode, room) => {
    await api.createRoom({ name: room, maxParticipants: 1 });
    const ann = await join(room, 'ann', { mode });
    assert(await problemOf(join(room, 'ben', { mode })), 'a second one got in');
    const twin = await join(room, 'ann', { mode });  // The seat of its own identity is free.
    await ann.event(RoomEvent.Disconnected);
    await twin.leave();
    await until('the seat is free', async () => (await api.listParticipants(room)).length === 0);
    await join(room, 'ben', { mode });
  });

  await inBothModes('a room nobody comes to ends after its empty time-out, one that was left after its departure time-out', async (mode, room) => {
    await api.createRoom({ name: `${room}-empty`, emptyTimeout: 1, departureTimeout: 60 });
    await api.createRoom({ name: room, emptyTimeout: 60, departureTimeout: 1 });
    await until('the empty room is gone', async () => !(await exists(`${room}-empty`)), { ms: 6000 });
    const ann = await join(room, 'ann', { mode });
    await sleep(1500);
    assert(await exists(room), 'the room ended with somebody in it');
    const since = Date.now();
    await ann.leave();
    await until('the room that was left is gone', async () => !(await exists(room)), { ms: 6000 });
    return { goneAfterMs: Date.now() - since };
  });

  await inBothModes('a token\'s configuration, and a preset by name, shape the room that it creates', async (mode, room) => {
    const ann = await join(`${room}-own`, 'ann', { mode, roomConfig: new RoomConfiguration({ maxParticipants: 3, departureTimeout: 2, emptyTimeout: 77, metadata: 'from the token' }) });
    const [own] = await api.listRooms([`${room}-own`]);
    assert(own.maxParticipants === 3 && own.departureTimeout === 2 && own.emptyTimeout === 77 && own.metadata === 'from the token', JSON.stringify(own));
    assertEqual(ann.room.metadata, 'from the token', 'metadata that the client is told');
    const ben = await join(`${room}-duo`, 'ben', { mode, roomPreset: 'duo' });
    const [duo] = await api.listRooms([`${room}-duo`]);
    assert(duo.maxParticipants === 2 && duo.metadata === 'from the preset', JSON.stringify(duo));
    await join(`${room}-duo`, 'cleo', { mode, roomPreset: 'duo' });
    assert(await problemOf(join(`${room}-duo`, 'dora', { mode, roomPreset: 'duo' })), 'a third one got into a room for two');
    assert(await problemOf(join(`${room}-none`, 'eve', { mode, roomPreset: 'nothing' })), 'a preset that does not exist let somebody in');
    assert(ben.room.isConnected, 'the first one was put out');
  });

  await suite.test('the server is still well and ends when asked to', () => server.stop());
}
