import assert from 'node:assert/strict';
import test from 'node:test';
import { formatBitrate, formatLoss, formatRtt, incoming, layerName, outgoing } from '../src/figures.js';
import { gridFor } from '../src/layout.js';
import { displayName, identityFor, initials, readAddress, serverUrl } from '../src/session.js';

const inbound = (extra) => ({ id: 'in', type: 'inbound-rtp', codecId: 'c', timestamp: 1000, bytesReceived: 0, packetsReceived: 0, packetsLost: 0, ...extra });
const codec = { id: 'c', type: 'codec', mimeType: 'video/VP8' };

test('an incoming track shows its bit rate and the loss since the last look', () => {
  const before = [inbound(), codec];
  const now = [inbound({ timestamp: 3000, bytesReceived: 250_000, packetsReceived: 190, packetsLost: 10, frameWidth: 640, frameHeight: 360, framesPerSecond: 30 }), codec];
  const figures = incoming(now, before);
  assert.equal(figures.bitrate, 1_000_000);
  assert.equal(figures.loss, 0.05);
  assert.equal(figures.codec, 'VP8');
  assert.deepEqual(figures.layers, [{ width: 640, height: 360, fps: 30 }]);
});

test('a figure that is not known is null, not zero', () => {
  const figures = incoming([]);
  for (const name of ['bitrate', 'loss', 'rtt', 'jitter', 'codec', 'protocol']) {
    assert.equal(figures[name], null, name);
  }
  assert.equal(formatBitrate(null), '–');
  assert.equal(formatLoss(null), '–');
  assert.equal(formatRtt(null), '–');
});

test('a receiver that starts again gives no negative bit rate', () => {
  assert.equal(incoming([inbound({ timestamp: 2000 })], [inbound({ bytesReceived: 5000 })]).bitrate, null);
});

test('an outgoing track adds its layers and takes loss and round trip from the receiver reports', () => {
  const layer = (rid, width, bytesSent, timestamp) => ({ id: rid, type: 'outbound-rtp', rid, frameWidth: width, frameHeight: width / 2, bytesSent, timestamp });
  const reports = [{ type: 'remote-inbound-rtp', fractionLost: 0.02, roundTripTime: 0.03 }, { type: 'remote-inbound-rtp', fractionLost: 0, roundTripTime: 0.05 }];
  const figures = outgoing([layer('f', 960, 100_000, 2000), layer('q', 240, 25_000, 2000), ...reports], [layer('f', 960, 0, 1000), layer('q', 240, 0, 1000)]);
  assert.equal(figures.bitrate, 1_000_000);
  assert.equal(figures.loss, 0.02);
  assert.equal(figures.rtt, 0.05);
  assert.deepEqual(figures.layers.map((l) => l.rid), ['q', 'f']);
});

test('the selected pair gives the round trip and the protocol of the path', () => {
  const report = [inbound(), { type: 'transport', selectedCandidatePairId: 'p' }, { id: 'p', type: 'candidate-pair', currentRoundTripTime: 0.012, localCandidateId: 'l' }, { id: 'l', type: 'local-candidate', protocol: 'udp' }];
  assert.equal(incoming(report).rtt, 0.012);
  assert.equal(incoming(report).protocol, 'udp');
});

test('figures are written for people', () => {
  assert.equal(formatBitrate(1_250_000), '1.25 Mbit/s');
  assert.equal(formatBitrate(31_400), '31 kbit/s');
  assert.equal(formatLoss(0.0123), '1.2 %');
  assert.equal(formatRtt(0.0004), '1 ms');
  assert.equal(layerName(960, 960), 'high');
  assert.equal(layerName(480, 960), 'medium');
  assert.equal(layerName(240, 960), 'low');
  assert.equal(layerName(240, 0), null);
});

test('the grid makes tiles as large as the window allows', () => {
  assert.equal(gridFor(1, 1600, 900).columns, 1);
  assert.equal(gridFor(2, 1600, 700).columns, 2);
  assert.equal(gridFor(2, 400, 900).columns, 1);
  assert.equal(gridFor(4, 1600, 900).columns, 2);
  assert.equal(gridFor(9, 1600, 900).columns, 3);
  for (const [count, width, height] of [[1, 300, 500], [5, 1024, 700], [30, 1920, 1000]]) {
    const grid = gridFor(count, width, height);
    assert.ok(grid.columns * grid.rows >= count);
    assert.ok(grid.columns * grid.tileWidth <= width && grid.rows * grid.tileHeight <= height);
  }
});

test('the address names room, person and mode', () => {
  assert.deepEqual(readAddress('?room=blue&identity=ann&mode=dual&sound=plain'), { room: 'blue', name: 'ann', identity: 'ann', mode: 'dual', sound: 'plain' });
  const bare = readAddress('');
  assert.equal(bare.room, 'lobby');
  assert.equal(bare.mode, 'single');
  assert.ok(bare.name.length > 2);
  assert.equal(serverUrl({ protocol: 'https:', host: 'a.example:1' }), 'wss://a.example:1');
  assert.equal(serverUrl({ protocol: 'http:', host: 'localhost:7880' }), 'ws://localhost:7880');
});

test('two tabs with one name are two people who both show that name', () => {
  const one = identityFor('Ann Lee'), other = identityFor('Ann Lee');
  assert.notEqual(one, other);
  assert.equal(displayName({ identity: one, name: '' }), 'Ann Lee');
  assert.equal(displayName({ identity: one, name: 'Ann' }), 'Ann');
  assert.equal(initials('Ann Lee'), 'AL');
  assert.equal(initials('otter'), 'OT');
});
