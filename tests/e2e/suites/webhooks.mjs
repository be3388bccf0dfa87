// Webhooks, to a receiver that checks every signature with the server SDK: the order of a call's events, receivers that
// fail and come back, queues that overflow, and a server that stops.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Native } from '../lib/native.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { kArtefacts, Server } from '../lib/server.mjs';
import { assert, assertEqual, sleep, until } from '../lib/suite.mjs';

const kKey = 'devkey', kSecret = 'secret';
const kDepth = 20;

const startServer = (name, urls, webhook = {}) => Server.start(name, { webhook: { urls, api_key: kKey, ...webhook } });

// Joins by signalling alone: its media never comes.
async function joinWithoutMedia(server, room, identity) {
  const token = await server.token(identity, room);
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': randomBytes(16).toString('base64') };
  const request = http.get(`${server.http}/rtc?access_token=${token}&protocol=16&sdk=js&version=2.21.0`, { headers });
  const socket = await new Promise((resolve, reject) => {
    request.once('upgrade', (response, upgraded) => resolve(upgraded)).once('error', reject);
    request.once('response', (response) => reject(new Error(`HTTP ${response.statusCode}`)));
  });
  socket.on('error', () => {}).resume();
  return socket;
}

// A room opens and closes so many times: two events each, all of one ordering key.
async function openAndClose(server, room, times) {
  const expected = [];
  for (let i = 0; i < times; i++) {
    await server.api.createRoom({ name: room });
    await server.api.deleteRoom(room);
    expected.push('room_started', 'room_finished');
  }
  return expected;
}

async function testCall(suite, server, receiver) {
  await suite.test('a call is told from its start to its end, in order and signed', async () => {
    const room = 'call';
    await server.api.createRoom({ name: room, metadata: 'of the room', departureTimeout: 1 });
    const ann = new Native(server, 'ann');
    suite.onTestEnd(() => ann.leave());
    await ann.join(room);
    const publication = await ann.tone();
    await until('the track is told', () => receiver.names(room).includes('track_published'));
    await ann.local.unpublishTrack(publication.sid);
    await until('the track is gone', () => receiver.names(room).includes('track_unpublished'));
    await ann.leave();
    const entries = await receiver.untilNames(room, ['room_started', 'participant_joined', 'track_published', 'track_unpublished', 'participant_left', 'room_finished']);
    assertEqual(new Set(entries.map(({ event }) => event.id)).size, entries.length, 'different ids');
    for (const { event, type, agent } of entries) {
      assertEqual(type, 'application/webhook+json', 'content type');
      assertEqual(agent, 'LiveKit', 'user agent');
      assert(/^EV_/.test(event.id), `id ${event.id}`);
      assert(Math.abs(Number(event.createdAt) - Date.now() / 1000) < 30, `createdAt ${event.createdAt}`);
      assert(/^RM_/.test(event.room.sid), `room ${event.room.sid}`);
    }
    const [started, joined, published] = entries.map(({ event }) => event);
    assertEqual(started.room.metadata, 'of the room', 'the room in full');
    assertEqual(joined.participant.identity, 'ann', 'who joined');
    assertEqual(joined.room.metadata, 'of the room', 'the room in full');
    assertEqual(published.track.sid, publication.sid, 'the track');
    assertEqual(published.participant.identity, 'ann', 'whose track');
    assertEqual(published.room.metadata, '', 'the room by its name alone');
  });

  await suite.test('who never gets media is told as aborted', async () => {
    const room = 'aborted';
    const socket = await joinWithoutMedia(server, room, 'mute');
    suite.onTestEnd(() => socket.destroy());
    await server.api.removeParticipant(room, 'mute');
    await server.api.deleteRoom(room);
    const [, { event }] = await receiver.untilNames(room, ['room_started', 'participant_connection_aborted', 'room_finished']);
    assertEqual(event.participant.identity, 'mute', 'who');
  });
}

async function testFailures(suite, server, receiver) {
  await suite.test('a receiver that is away for 3 s gets everything when it is back, in order', async () => {
    await receiver.close();
    const expected = await openAndClose(server, 'away', 3);
    await sleep(3000);
    assertEqual(receiver.of('away').length, 0, 'nothing came');
    await receiver.open();
    await receiver.untilNames('away', expected);
  });

  await suite.test('answers of 503 and 429 are tried again, a 404 is final', async () => {
    for (const status of [503, 429, 404]) {
      const room = `answer-${status}`, before = receiver.refused;
      let first = true;
      receiver.status = () => (first ? (first = false, status) : 200);
      const expected = await openAndClose(server, room, 1);
      await receiver.untilNames(room, status === 404 ? expected.slice(1) : expected);
      assertEqual(receiver.refused - before, 1, `posts answered with ${status}`);
    }
  });

  await suite.test('a queue that is full drops the newest and counts them', async () => {
    receiver.status = () => 503;
    const expected = await openAndClose(server, 'flood', kDepth);
    await until('the log tells of the drops', () => fs.readFileSync(server.logFile, 'utf8').includes(`queue_full=${kDepth}`), { ms: 12_000 });
    receiver.status = () => 200;
    await receiver.untilNames('flood', expected.slice(0, kDepth));
    await sleep(500);
    assertEqual(receiver.of('flood').length, kDepth, 'no more than the queue held');
  });
}

// A certificate of its own for 127.0.0.1: { key, cert } in PEM, and the certificate's file.
function makeCertificate(name) {
  const [key, cert] = ['key', 'cert'].map((what) => path.join(kArtefacts, 'servers', `${name}-${what}.pem`));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=receiver',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { file: cert, tls: { key: fs.readFileSync(key), cert: fs.readFileSync(cert) } };
}

async function testHttps(suite) {
  await suite.test('over https only a receiver whose certificate the system trusts gets webhooks', async () => {
    const [known, stranger] = ['known', 'stranger'].map((name) => makeCertificate(`${suite.name}-${name}`));
    const [trusted, distrusted] = [known, stranger].map(({ tls }) => new Receiver(kKey, kSecret, tls));
    await Promise.all([trusted.open(), distrusted.open()]);
    suite.onTestEnd(() => Promise.all([trusted.close(), distrusted.close()]));
    const before = process.env.SSL_CERT_FILE;
    process.env.SSL_CERT_FILE = known.file;
    const server = await startServer(`${suite.name}-https`, [distrusted.url, trusted.url]).finally(() => {
      delete process.env.SSL_CERT_FILE;
      Object.assign(process.env, before === undefined ? {} : { SSL_CERT_FILE: before });
    });
    suite.onTestEnd(() => server.child.kill('SIGKILL'));
    const expected = await openAndClose(server, 'secure', 1);
    await trusted.untilNames('secure', expected);
    assertEqual(distrusted.seen.length + distrusted.refused, 0, 'posts to the stranger');
    assert(server.logTail().includes('self-signed certificate'), server.logTail());
    await server.stop();
  });
}

async function testStop(suite, receiver) {
  await suite.test('a stop still delivers what its rooms had to say', async () => {
    const server = await startServer(`${suite.name}-stop`, [receiver.url], { filter_params: { exclude_events: ['room_started'] } });
    suite.onTestEnd(() => server.child.kill('SIGKILL'));
    // More than are posted at a time, so that some begin only when the stop has begun.
    const rooms = Array.from({ length: 40 }, (_, i) => `stop-${i}`);
    await Promise.all(rooms.map((name) => server.api.createRoom({ name })));
    receiver.delay = 150;
    const start = Date.now();
    await server.stop();
    const took = Date.now() - start;
    receiver.delay = 0;
    for (const room of rooms) {
      await receiver.untilNames(room, ['room_finished'], 100);
    }
    assert(took < 2500, `the stop took ${took} ms`);
    return { took };
  });

  await suite.test('a receiver that hangs does not hold up a stop beyond the drain time', async () => {
    const silent = await new Receiver(kKey, kSecret).open();
    suite.onTestEnd(() => silent.close());
    silent.delay = 60_000;
    const server = await startServer(`${suite.name}-hang`, [silent.url, receiver.url]);
    suite.onTestEnd(() => server.child.kill('SIGKILL'));
    await server.api.createRoom({ name: 'hang' });
    await receiver.untilNames('hang', ['room_started']);
    const start = Date.now();
    await server.stop();
    const took = Date.now() - start;
    await receiver.untilNames('hang', ['room_started', 'room_finished'], 100);
    assert(took > 3500 && took < 5500, `the stop took ${took} ms`);
    assert(server.logTail().includes('undelivered=2'), server.logTail());
    return { took };
  });
}

export async function run(suite) {
  const receiver = await new Receiver(kKey, kSecret).open();
  const server = await startServer(suite.name, [receiver.url], { resource_url_notifier: { max_depth: kDepth } });
  await testCall(suite, server, receiver);
  await testFailures(suite, server, receiver);
  await testHttps(suite);
  await testStop(suite, receiver);
  await suite.test('the server stops in order', () => server.stop());
  await receiver.close();
}
