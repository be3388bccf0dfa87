// The connection's figures of every track, measured once in two seconds while the call lasts.
import { VideoQuality } from 'livekit-client';
import { el } from './dom.js';
import { formatBitrate, formatLoss, formatRtt, incoming, layerName, outgoing } from './figures.js';
import { displayName } from './session.js';

const kPeriodMs = 2000;
const kQualities = [['high', VideoQuality.HIGH], ['medium', VideoQuality.MEDIUM], ['low', VideoQuality.LOW]];

const sourceName = (source) => ({ microphone: 'microphone', camera: 'camera', screen_share: 'screen', screen_share_audio: 'screen sound' }[source] ?? 'track');

function sizeText(figures, fullWidth) {
  if (!figures.layers.length) {
    return '–';
  }
  if (figures.direction === 'out') {
    return figures.layers.map((layer) => `${layer.width}×${layer.height}`).join(', ');
  }
  const [layer] = figures.layers;
  const name = layerName(layer.width, fullWidth);
  return `${layer.width}×${layer.height}${layer.fps ? ` @ ${Math.round(layer.fps)}` : ''}${name ? `, ${name}` : ''}`;
}

function makeRow(participant, publication) {
  const cell = (name) => el('dd', { 'data-figure': name }, '–');
  const cells = { codec: cell('codec'), bitrate: cell('bitrate'), loss: cell('loss'), rtt: cell('rtt'), size: cell('size') };
  const pair = (label, node) => el('div', {}, el('dt', {}, label), node);
  const video = publication.kind === 'video';
  const quality = video && !participant.isLocal
    ? el('select', { 'aria-label': `Layer of ${displayName(participant)}`, 'data-testid': 'quality', onchange: (event) => {
      publication.setVideoQuality(Number(event.target.value));
    } }, kQualities.map(([label, value]) => el('option', { value }, label)))
    : null;
  const root = el('li', { class: 'figure', 'data-testid': 'figure', 'data-track': publication.trackSid, 'data-direction': participant.isLocal ? 'out' : 'in' },
    el('h3', {}, `${participant.isLocal ? 'You' : displayName(participant)}: ${sourceName(publication.source)}`, quality),
    el('dl', {}, pair('codec', cells.codec), pair('bit rate', cells.bitrate), pair('loss', cells.loss), pair('round trip', cells.rtt), video ? pair('picture', cells.size) : null));
  return { root, cells, previous: [] };
}

export function makeFigures(room, stage) {
  const list = el('ul', { class: 'figures', 'data-testid': 'figures-list' });
  const summary = el('p', { class: 'figures-summary', 'data-testid': 'figures-summary' }, 'Measuring …');
  const root = el('section', { class: 'panel-body', 'aria-label': 'Connection figures', 'data-testid': 'figures' }, summary, list);
  const rows = new Map();
  let onTiles = false;

  const measure = async () => {
    const seen = new Set();
    let total = { rtt: null, protocol: null, up: 0, down: 0 };
    for (const participant of [room.localParticipant, ...room.remoteParticipants.values()]) {
      for (const publication of participant.trackPublications.values()) {
        const report = await publication.track?.getRTCStatsReport?.().catch(() => undefined);
        if (!report) {
          continue;
        }
        const sid = publication.trackSid;
        seen.add(sid);
        let row = rows.get(sid);
        if (!row) {
          row = makeRow(participant, publication);
          rows.set(sid, row);
          list.append(row.root);
        }
        const now = [...report.values()];
        const figures = (participant.isLocal ? outgoing : incoming)(now, row.previous);
        row.previous = now;
        const size = sizeText(figures, publication.dimensions?.width);
        row.cells.codec.textContent = figures.codec ?? '–';
        row.cells.bitrate.textContent = formatBitrate(figures.bitrate);
        row.cells.loss.textContent = formatLoss(figures.loss);
        row.cells.rtt.textContent = formatRtt(figures.rtt);
        row.cells.size.textContent = size;
        total.rtt = figures.rtt ?? total.rtt;
        total.protocol = figures.protocol ?? total.protocol;
        total[participant.isLocal ? 'up' : 'down'] += figures.bitrate ?? 0;
        if (publication.kind === 'video') {
          const key = publication.source === 'screen_share' ? sid : participant.sid;
          stage.showFigures(key, onTiles ? `${size} · ${formatBitrate(figures.bitrate)} · ${formatLoss(figures.loss)}` : null);
        }
      }
    }
    for (const [sid, row] of [...rows]) {
      if (!seen.has(sid)) {
        row.root.remove();
        rows.delete(sid);
      }
    }
    summary.textContent = `${formatRtt(total.rtt)} round trip over ${(total.protocol ?? '…').toUpperCase()}, ${formatBitrate(total.up)} up, ${formatBitrate(total.down)} down`;
    return total;
  };

  let timer = null;
  let stopped = false;
  const listeners = [];
  const loop = async () => {
    try {
      const total = await measure();
      listeners.forEach((listener) => listener(total));
    } finally {
      if (!stopped) {
        timer = setTimeout(loop, kPeriodMs);
      }
    }
  };
  loop();
  return {
    root,
    setOnTiles: (on) => { onTiles = on; },
    onMeasured: (listener) => listeners.push(listener),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
