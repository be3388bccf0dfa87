// Who may not come in, or not so often: tokens of removed participants, and addresses whose tokens fail.
import http from 'node:http';
import { Native, RoomEvent } from '../lib/native.mjs';
import { Metrics } from '../lib/prometheus.mjs';
import { Server } from '../lib/server.mjs';
import { assert, assertEqual, sleep, until } from '../lib/suite.mjs';

// Joins without an SDK and gives the refresh token, which the SDKs keep to themselves. Server frames are not masked; a
// token in a message of protobuf is text that nothing else looks like.
function refreshTokenOf(server, token) {
  return new Promise((resolve, reject) => {
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': Buffer.alloc(16, 1).toString('base64') };
    const request = http.get(`${server.http}/rtc?protocol=16&sdk=js&version=2.0.0&access_token=${token}`, { headers });
    request.on('error', reject).on('response', (answer) => reject(new Error(`join refused: ${answer.statusCode}`)));
    request.on('upgrade', (_, socket, head) => {
      let received = head.toString('latin1');
      const look = () => {
        const found = /eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{43}/.exec(received);
        if (found) {
          resolve({ token: found[0], leave: () => socket.destroy() });
        }
      };
      socket.on('error', reject).on('data', (bytes) => {
        received += bytes.toString('latin1');
        look();
      });
      look();
    });
  });
}

export async function run(suite) {
  const server = await Server.start(suite.name);
  const validate = async (token, on = server) => {
    const answer = await fetch(`${on.http}/rtc/validate?access_token=${token}`);
    return { status: answer.status, body: await answer.text(), retryAfter: answer.headers.get('retry-after') };
  };
  // A participant that uses this one token.
  const holder = (id, token) => {
    const native = new Native({ url: server.url, token: async () => token }, id);
    suite.onTestEnd(() => native.leave());
    return native;
  };

  for (const mode of ['dual', 'single']) {
    await suite.test(`a removed participant needs a new token (${mode})`, async () => {
      const room = `removed-${mode}`, old = await server.token('ann', room);
      const ann = holder('ann', old);
      await ann.join(room, { mode });
      await server.api.removeParticipant(room, 'ann');
      const fresh = await server.token('ann', room, { name: 'Ann anew' });  // In the second of the removal, as like as not.
      await ann.event(RoomEvent.Disconnected);
      const refused = await validate(old);
      assertEqual(refused.status, 401, 'status of the old token');
      assert(/removed.*new token/.test(refused.body), `reason: ${refused.body}`);
      const again = holder('ann', old);
      const joined = await again.join(room, { mode }).then(() => true, () => false);
      assert(!joined, 'the old token opened the room');
      assertEqual((await validate(fresh)).status, 200, 'status of the new token');
      await holder('ann', fresh).join(room, { mode });
      assertEqual((await server.api.getParticipant(room, 'ann')).name, 'Ann anew', 'who is there');
      return refused.body;
    }, { ms: 60_000 });
  }

  await suite.test('a refresh token of the removed session is refused as well', async () => {
    const first = await server.token('ann', 'refreshed');
    const session = await refreshTokenOf(server, first);
    suite.onTestEnd(session.leave);
    assert(session.token !== first, 'it is another token');
    assertEqual((await validate(session.token)).status, 200, 'status before the removal');
    await server.api.removeParticipant('refreshed', 'ann');
    assertEqual((await validate(session.token)).status, 401, 'status of the refresh token');
    assertEqual((await validate(first)).status, 401, 'status of the first token');
    await until('a token made later opens the room', async () => (await validate(await server.token('ann', 'refreshed'))).status === 200, { ms: 3000 });
  });

  await suite.test('who was removed from one room may join another, and others may join this one', async () => {
    const token = await server.token('ann', 'first');
    await holder('ann', token).join('first');
    await server.api.removeParticipant('first', 'ann');
    assertEqual((await validate(await server.token('ben', 'first'))).status, 200, 'somebody else');
    assertEqual((await validate(await server.token('ann', 'second'))).status, 200, 'another room');
    assertEqual((await validate(token)).status, 401, 'the old token');
  });

  await suite.test('deleting a room takes no token away', async () => {
    const token = await server.token('ann', 'deleted');
    const ann = holder('ann', token);
    await ann.join('deleted');
    await server.api.deleteRoom('deleted');
    await ann.event(RoomEvent.Disconnected);
    assertEqual((await validate(token)).status, 200, 'status');
    await holder('ann', token).join('deleted');
  });

  await suite.test('switched off by the configuration, the old token opens the room', async () => {
    const other = await Server.start(`${suite.name}-off`, { weir: { revoke_removed_tokens: false } });
    try {
      const token = await other.token('ann', 'room');
      const ann = new Native({ url: other.url, token: async () => token }, 'ann');
      suite.onTestEnd(() => ann.leave());
      await ann.join('room');
      await other.api.removeParticipant('room', 'ann');
      await ann.event(RoomEvent.Disconnected);
      assertEqual((await validate(token, other)).status, 200, 'status');
    } finally {
      await other.stop();
    }
  });

  await suite.test('an address whose tokens fail is told to wait, and then let in', async () => {
    const other = await Server.start(`${suite.name}-limits`, { weir: { failed_requests_per_second: 2, failed_requests_burst: 10 } });
    try {
      const good = await other.token('ann', 'room');
      for (let i = 0; i < 30; i++) {
        assertEqual((await validate(good, other)).status, 200, 'what succeeds is not counted');
      }
      const seen = [];
      for (let i = 0; i < 20; i++) {
        seen.push((await validate(`${good}x`, other)).status);
      }
      assert(seen.slice(0, 10).every((status) => status === 401), `the first ten: ${seen}`);
      assert(seen.slice(-5).every((status) => status === 429), `the last five: ${seen}`);
      const refused = await validate(good, other);
      assertEqual(refused.status, 429, 'status before the wait');
      assert(Number(refused.retryAfter) >= 1, `Retry-After: ${refused.retryAfter}`);
      const call = await fetch(`${other.http}/twirp/livekit.RoomService/ListRooms`, { method: 'POST', headers: { authorization: 'Bearer nonsense', 'content-type': 'application/json' }, body: '{}' });
      assertEqual(call.status, 429, 'the server API');
      assertEqual((await fetch(other.http)).status, 200, 'what needs no token');
      await sleep(Number(refused.retryAfter) * 1000);
      assertEqual((await validate(good, other)).status, 200, 'status after the wait');
      const metrics = new Metrics(await (await fetch(`${other.http}/metrics`)).text());
      assert(metrics.sum('weir_failed_requests_limited_total') >= 7, 'what was refused is counted');
    } finally {
      await other.stop();
    }
  }, { ms: 60_000 });

  await suite.test('a suite of failing requests is below the limit of a server as it comes', async () => {
    for (let i = 0; i < 150; i++) {
      assertEqual((await validate('nonsense')).status, 401, `request ${i}`);
    }
  });

  await suite.test('the server is still well and ends when asked to', () => server.stop());
}
