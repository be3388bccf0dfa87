// The connection's figures: turns two statistics reports of one track into what a person wants to know.
//
// Pure: reports (arrays of WebRTC stats) in, numbers out. A figure that the browser does not give is null, never 0.

const find = (report, predicate) => report.find(predicate) ?? null;
const number = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : null);

function rate(now, before, field) {
  if (!now || !before || !(now.timestamp > before.timestamp)) {
    return null;
  }
  const bits = ((now[field] ?? 0) - (before[field] ?? 0)) * 8;
  return bits < 0 ? null : bits / ((now.timestamp - before.timestamp) / 1000);  // A new receiver starts at zero.
}

function pathOf(report) {
  const transport = find(report, (s) => s.type === 'transport' && s.selectedCandidatePairId);
  const pair = transport
    ? find(report, (s) => s.id === transport.selectedCandidatePairId)
    : find(report, (s) => s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded');
  const local = pair && find(report, (s) => s.id === pair.localCandidateId);
  return { pairRtt: number(pair?.currentRoundTripTime), protocol: local?.protocol ?? null };
}

const codecOf = (report, stream) =>
  find(report, (s) => s.id === stream?.codecId)?.mimeType?.split('/')[1]?.replace(/^opus$/i, 'Opus') ?? null;

export function incoming(report, previous = []) {
  const stream = find(report, (s) => s.type === 'inbound-rtp');
  const before = find(previous, (s) => s.type === 'inbound-rtp' && s.id === stream?.id);
  const got = (stream?.packetsReceived ?? 0) - (before?.packetsReceived ?? 0);
  const lost = Math.max(0, (stream?.packetsLost ?? 0) - (before?.packetsLost ?? 0));
  const path = pathOf(report);
  return {
    direction: 'in',
    codec: codecOf(report, stream),
    bitrate: rate(stream, before, 'bytesReceived'),
    loss: stream && got + lost > 0 ? lost / (got + lost) : null,
    rtt: path.pairRtt,
    jitter: number(stream?.jitter),
    protocol: path.protocol,
    layers: stream?.frameWidth
      ? [{ width: stream.frameWidth, height: stream.frameHeight, fps: number(stream.framesPerSecond) }]
      : [],
  };
}

export function outgoing(report, previous = []) {
  const streams = report.filter((s) => s.type === 'outbound-rtp');
  const told = report.filter((s) => s.type === 'remote-inbound-rtp');
  const rates = streams.map((s) => rate(s, find(previous, (p) => p.id === s.id), 'bytesSent')).filter((r) => r !== null);
  const losses = told.map((s) => number(s.fractionLost)).filter((l) => l !== null);
  const rtts = told.map((s) => number(s.roundTripTime)).filter((r) => r !== null && r > 0);
  const path = pathOf(report);
  return {
    direction: 'out',
    codec: codecOf(report, streams[0]),
    bitrate: rates.length ? rates.reduce((a, b) => a + b, 0) : null,
    loss: losses.length ? Math.max(...losses) : null,
    rtt: rtts.length ? Math.max(...rtts) : path.pairRtt,
    jitter: null,
    protocol: path.protocol,
    layers: streams
      .filter((s) => s.frameWidth && s.active !== false)
      .sort((a, b) => a.frameWidth - b.frameWidth)
      .map((s) => ({ rid: s.rid ?? null, width: s.frameWidth, height: s.frameHeight, fps: number(s.framesPerSecond) })),
  };
}

// Which of the published sizes a picture is: 'high', 'medium' or 'low', by its share of the full width.
export function layerName(width, fullWidth) {
  if (!width || !fullWidth) {
    return null;
  }
  const share = width / fullWidth;
  return share > 0.7 ? 'high' : share > 0.35 ? 'medium' : 'low';
}

export function formatBitrate(bits) {
  if (bits === null) {
    return '–';
  }
  return bits >= 1e6 ? `${(bits / 1e6).toFixed(2)} Mbit/s` : `${Math.round(bits / 1e3)} kbit/s`;
}
export const formatLoss = (share) => (share === null ? '–' : `${(share * 100).toFixed(1)} %`);
export const formatRtt = (seconds) => (seconds === null ? '–' : `${Math.max(1, Math.round(seconds * 1000))} ms`);
