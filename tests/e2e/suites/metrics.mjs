// What Prometheus reads: LiveKit's series move with a call, drops are counted, and only who may reads it.
import dgram from 'node:dgram';
import { Native, TrackKind } from '../lib/native.mjs';
import { Metrics } from '../lib/prometheus.mjs';
import { freeTcpPort, Server } from '../lib/server.mjs';
import { assert, assertEqual, sleep, until } from '../lib/suite.mjs';

const kUser = 'scraper', kPassword = 'pass:word';
const kBoard = ['livekit_fir_total', 'livekit_nack_total', 'livekit_packet_total', 'livekit_pli_total', 'livekit_node_messages', 'livekit_participant_total', 'livekit_room_total', 'livekit_track_published_total'];

export async function run(suite) {
  const port = await freeTcpPort();
  const server = await Server.start(suite.name, { prometheus: { port, username: kUser, password: kPassword } });
  const read = async () => {
    const answer = await fetch(`${server.http}/metrics`);
    assertEqual(answer.status, 200, 'status');
    return new Metrics(await answer.text());
  };
  const authorization = (user, password) => ({ headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` } });

  await suite.test('a new server has every series of the board, well-formed, with the labels of its node', async () => {
    const answer = await fetch(`${server.http}/metrics`);
    assertEqual(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8', 'content type');
    const metrics = new Metrics(await answer.text());
    for (const name of kBoard) {
      metrics.sum(name);
    }
    for (const { name, labels } of metrics.samples) {
      assert(/^ND_/.test(labels.node_id) && labels.node_type === 'SERVER', `labels of ${name}: ${JSON.stringify(labels)}`);
    }
    assert(metrics.sum('process_resident_memory_bytes') > 1e6, 'resident memory');
    return { series: metrics.samples.length, families: metrics.types.size };
  });

  await suite.test('a call of two moves the series, and nothing falls when they leave', async () => {
    const before = await read();
    const [ann, ben] = ['ann', 'ben'].map((name) => new Native(server, name));
    suite.onTestEnd(() => Promise.all([ann.leave(), ben.leave()]));
    await ann.join('measured');
    await ann.tone();
    await ann.camera({ width: 480, height: 270 });
    await sleep(1500);
    await ben.join('measured', { mode: 'single' });  // In the middle of the video: a key frame is asked for.
    await ben.watch(await ben.trackOf(ann, TrackKind.KIND_VIDEO), { ms: 20_000 });
    await ben.trackOf(ann, TrackKind.KIND_AUDIO);
    await sleep(2000);
    const during = await read();
    const grew = (name, labels, least) => {
      const difference = during.sum(name, labels) - before.sum(name, labels);
      assert(difference >= least, `${name} ${JSON.stringify(labels)} grew by ${difference}, expected ${least}`);
      return difference;
    };
    for (const direction of ['incoming', 'outgoing']) {
      grew('livekit_packet_total', { direction, transmission: 'initial' }, 100);
      grew('livekit_packet_bytes', { direction, transmission: 'initial' }, 10_000);
    }
    grew('livekit_pli_total', { direction: 'incoming' }, 1);
    grew('livekit_node_messages', { status: 'success', direction: 'request' }, 5);
    grew('livekit_node_messages', { status: 'success', direction: 'response' }, 5);
    for (const state of ['signal_connected', 'rtc_connected', 'rtc_active']) {
      grew('livekit_participant_join_total', { state }, 2);
    }
    grew('weir_srtp_rtp_packets_total', {}, 100);
    grew('weir_udp_received_total', {}, 100);
    assertEqual(during.sum('livekit_session_start_time_ms_count') - 2, before.samples.find(({ name }) => name === 'livekit_session_start_time_ms_count')?.value ?? 0, 'session starts');
    assertEqual(during.sum('livekit_room_total'), 1, 'rooms');
    assertEqual(during.sum('livekit_participant_total'), 2, 'participants');
    for (const [kind, source] of [['AUDIO', 'MICROPHONE'], ['VIDEO', 'CAMERA']]) {
      assertEqual(during.sum('livekit_track_published_total', { kind, source }), 1, `published ${kind}`);
      assertEqual(during.sum('livekit_track_subscribed_total', { kind, source }), 1, `subscribed ${kind}`);
    }
    await Promise.all([ann.leave(), ben.leave()]);
    const after = await until('both are gone', async () => {
      const metrics = await read();
      return metrics.sum('livekit_participant_total') === 0 && metrics;
    });
    for (const { name, labels, value } of during.counters()) {
      assert(after.sum(name, labels) >= value, `${name} ${JSON.stringify(labels)} fell from ${value} to ${after.sum(name, labels)}`);
    }
    return { incoming: during.sum('livekit_packet_total', { direction: 'incoming' }) };
  }, { ms: 90_000 });

  await suite.test('calls of the server API are counted by their answer', async () => {
    await server.api.listRooms();
    await server.api.removeParticipant('nowhere', 'nobody').catch(() => {});
    const metrics = await read();
    assert(metrics.sum('livekit_node_twirp_request_status', { service: 'RoomService', method: 'ListRooms', status: '200' }) >= 1, 'ListRooms');
    assert(metrics.sum('livekit_node_twirp_request_status', { method: 'RemoveParticipant', status: '4xx', code: 'not_found' }) >= 1, 'RemoveParticipant');
    for (let i = 0; i < 5; i++) {
      await fetch(`${server.http}/twirp/made.Up${i}/Method${i}`, { method: 'POST' });
    }
    const made = (await read()).samples.filter(({ labels }) => /Up\d|Method\d/.test(`${labels.service} ${labels.method}`));
    assertEqual(made.length, 0, 'series that a caller made up');
  });

  await suite.test('junk datagrams raise the drop counters', async () => {
    const before = await read();
    const socket = dgram.createSocket('udp4');
    suite.onTestEnd(() => socket.close());
    const send = (bytes) => new Promise((resolve, reject) => socket.send(bytes, server.udpPort, '127.0.0.1', (error) => (error ? reject(error) : resolve())));
    const rtp = Buffer.concat([Buffer.from([0x80, 0x60]), Buffer.alloc(60, 7)]);
    // A binding request for a connection that never was: header, USERNAME "nobody:here".
    const username = Buffer.from('nobody:here\0');
    const stun = Buffer.concat([Buffer.from([0, 1, 0, 4 + username.length, 0x21, 0x12, 0xa4, 0x42]), Buffer.alloc(12, 9), Buffer.from([0, 6, 0, 11]), username]);
    for (let i = 0; i < 50; i++) {
      await send(rtp);
      await send(stun);
    }
    await until('the counters have moved', async () => {
      const now = await read();
      const [unknown, ufrag] = ['weir_router_unknown_total', 'weir_router_unknown_ufrag_total'].map((name) => now.sum(name) - before.sum(name));
      return unknown >= 50 && ufrag >= 50;
    });
  });

  await suite.test('the port of the metrics answers any path to who has the password, and 401 to all others', async () => {
    const url = `http://127.0.0.1:${port}`;
    for (const options of [{}, authorization(kUser, 'wrong'), authorization('other', kPassword), { headers: { authorization: 'Bearer x' } }]) {
      const refused = await fetch(`${url}/metrics`, options);
      assertEqual(refused.status, 401, 'status');
      assertEqual(refused.headers.get('www-authenticate'), 'Basic realm="Protected Area"', 'realm');
    }
    for (const path of ['/metrics', '/', '/any/path?and=query']) {
      const answer = await fetch(url + path, authorization(kUser, kPassword));
      assertEqual(answer.status, 200, `status of ${path}`);
      new Metrics(await answer.text());
    }
  });

  await suite.test('many who read at once all get a whole text', async () => {
    const texts = await Promise.all(Array.from({ length: 30 }, read));
    assertEqual(texts.length, 30, 'answers');
  });

  await suite.test('the server is still well and ends when asked to', () => server.stop());
}
