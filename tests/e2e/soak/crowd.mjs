// A process full of people: node crowd.mjs JSON {url, name, seats, rooms}. Each seat joins a room, publishes, listens, leaves, and joins
// another one, until the process is told to end ('end'). Tells its parent each second what it has seen.
import { Native, RoomEvent, TrackKind } from '../lib/native.mjs';
import { issueToken } from '../lib/server.mjs';
import { sleep } from '../lib/suite.mjs';

const kStayMs = [10_000, 50_000], kPauseMs = [200, 3000];
const kLoud = 1000;               // Of 32,768: what counts as sound.
const kRate = 16_000, kMostErrors = 20;

const { url, name, seats, rooms, videoSeats } = JSON.parse(process.argv[2]);
const told = { joins: 0, failedJoins: 0, leaves: 0, thrownOut: 0, reconnects: 0, heardSeconds: 0, pictures: 0, deafStays: 0, errors: [] };
const present = new Set();
let ending = false;

const between = ([from, to]) => from + Math.random() * (to - from);
const complain = (what) => told.errors.length < kMostErrors && told.errors.push(`${name}: ${what}`);

// Reads a track to its end and counts what can be heard or seen of it.
async function take(track, stay) {
  const { AudioStream, VideoStream } = await import('@livekit/rtc-node');
  const audio = track.kind === TrackKind.KIND_AUDIO;
  const reader = (audio ? new AudioStream(track, kRate, 1) : new VideoStream(track)).getReader();
  stay.readers.push(reader);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    if (!audio) {
      told.pictures++;
    } else if (value.data.some((sample) => Math.abs(sample) > kLoud)) {
      told.heardSeconds += value.data.length / kRate;
      stay.heard = true;
    }
  }
}

async function stayOnce(seat, round) {
  const person = new Native({ url, token: issueToken }, `${name}-${seat}-${round}`);
  const stay = { readers: [], heard: false, subscribed: 0 };
  const room = rooms[Math.floor(Math.random() * rooms.length)];
  try {
    await person.join(room, { mode: (seat + round) % 2 ? 'dual' : 'single' });
  } catch (error) {
    told.failedJoins++;
    complain(`join of ${room}: ${error.message}`);
    await person.leave();
    return;
  }
  told.joins++;
  present.add(person.id);
  person.room.setMaxListeners(0);  // The SDK adds some for each stream.
  person.room.on(RoomEvent.TrackSubscribed, (track) => {
    stay.subscribed += track.kind === TrackKind.KIND_AUDIO ? 1 : 0;
    take(track, stay).catch(() => {});
  });
  for (const track of [...person.room.remoteParticipants.values()].flatMap((other) => [...other.trackPublications.values()].map((p) => p.track).filter(Boolean))) {
    take(track, stay).catch(() => {});  // Those that were there before anybody listened for the event.
  }
  person.room.on(RoomEvent.Reconnecting, () => told.reconnects++);
  let left = false;
  const gone = new Promise((resolve) => person.room.on(RoomEvent.Disconnected, (reason) => resolve(left ? null : reason)));
  await person.tone();
  if (seat < videoSeats) {
    await person.camera({ width: 320, height: 180 });
  }
  const end = Date.now() + between(kStayMs);
  let thrownOut;
  while (Date.now() < end && !ending && thrownOut === undefined) {
    thrownOut = await Promise.race([gone, sleep(500)]);
  }
  if (thrownOut !== undefined) {
    told.thrownOut++;
    complain(`${person.id} was thrown out of ${room}, reason ${thrownOut}`);
  }
  if (stay.subscribed > 0 && !stay.heard && !ending) {
    told.deafStays++;
    complain(`${person.id} heard nothing of ${stay.subscribed} tracks in ${room}`);
  }
  left = true;
  await Promise.all(stay.readers.map((reader) => reader.cancel().catch(() => {})));
  await person.leave();
  told.leaves++;
  present.delete(person.id);
}

async function sit(seat) {
  await sleep(Math.random() * 3000);
  for (let round = 0; !ending; round++) {
    await stayOnce(seat, round).catch((error) => complain(`seat ${seat}: ${error.message}`));
    await sleep(between(kPauseMs));
  }
}

process.on('unhandledRejection', () => {});  // Of the SDK, when its connection is taken away.
process.on('disconnect', () => process.exit(1));
process.on('message', () => {
  ending = true;
});
const timer = setInterval(() => process.send({ ...told, present: present.size }), 1000);
await Promise.all(Array.from({ length: seats }, (_, seat) => sit(seat)));
clearInterval(timer);
await new Promise((resolve) => process.send({ ...told, present: 0 }, resolve));
process.exit(0);
