// What a join costs: node join.mjs [--json FILE] [--rounds=N]. Times of stock clients against a server of one's own, beside figures that others
// measured of the reference server.
import fs from 'node:fs';
import os from 'node:os';
import { Lab } from '../lib/browser.mjs';
import { Relay } from '../lib/relay.mjs';
import { Server } from '../lib/server.mjs';
import { sleep } from '../lib/suite.mjs';
import { mouthToEar } from './ear.mjs';
import * as page from './page.mjs';

const argument = (name) => {
  const at = process.argv.findIndex((text) => text === name || text.startsWith(`${name}=`));
  return at < 0 ? undefined : process.argv[at].split('=')[1] ?? process.argv[at + 1];
};
const kRounds = Number(argument('--rounds') ?? 9), kResumes = 5, kCallSeconds = 8;

// LiveKit 1.13.5 with Chromium 156 and livekit-client 2.21, everything on one machine of two cores: [dual, single].
const kReference = {
  firstMessage: ['5.1', '4.1'], joinBytesAlone: ['606', '603'], joinBytesWithPublisher: ['802', '807'], connect: ['132', '155'],
  firstAudioPacket: ['351', '173'], firstVideoFrame: ['651', '812'], datagrams: ['70-93', '34-43'], resume: ['250', '250'],
  ear: ['51-62', '65-86'], idle: ['64', '64'], call: ['111', '125'],
};
const kTitles = {
  firstMessage: 'WebSocket open to first message, ms', joinBytesAlone: 'JoinResponse alone, bytes', joinBytesWithPublisher: 'JoinResponse with a publisher of two tracks, bytes',
  connect: 'room.connect, ms', firstAudioPacket: 'connect to first audio packet, ms', firstVideoFrame: 'connect to first decoded video frame, ms',
  datagrams: 'STUN and DTLS datagrams before the first media packet', resume: 'resume: WebSocket open to ICE connected, ms',
  resumeAnswer: 'resume: WebSocket open to first message, ms', nativeConnect: 'room.connect of rtc-node, ms', ear: 'mouth to ear through rtc-node, ms',
  idle: 'resident memory idle, MB', call: 'resident memory with a call of two, MB',
};

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
const summary = (values) => ({ p50: quantile(values, 0.5), min: Math.min(...values), max: Math.max(...values), samples: values.length });

// Counts what passes until the first media packet towards the client. RFC 7983 tells them apart by the first byte.
class Counter {
  constructor() { this.reset(); }
  reset() { Object.assign(this, { datagrams: 0, media: false }); }
  on(up, bytes) {
    const first = bytes[0];
    this.media ||= !up && first >= 128 && first < 192 && !(bytes[1] >= 192 && bytes[1] < 224);  // 192 to 223 is RTCP.
    this.datagrams += !this.media && (first < 4 || (first >= 20 && first < 64)) ? 1 : 0;
  }
}

async function measure(lab, mode) {
  const single = mode === 'single';
  const values = Object.fromEntries(Object.keys(kTitles).map((name) => [name, []]));
  const server = await Server.start(`bench-join-${mode}`);
  await sleep(1000);
  values.idle.push(server.residentMegabytes());
  const join = async (id, room, { media, url = server.url }) => lab.run(page.join, { id, url, token: await server.token(id, room), single, media });
  const leave = (id) => lab.run(page.leave, id);

  await join('ann', 'bench', { media: false });
  await lab.run(page.publish, 'ann');
  await join('ben', 'bench', { media: true });
  await lab.run(page.publish, 'ben');
  await sleep(kCallSeconds * 1000);
  values.call.push(server.residentMegabytes());
  for (let round = 0; round < kResumes; round++) {
    const { resume, resumeAnswer } = await lab.run(page.resume, 'ben');
    values.resume.push(resume);
    values.resumeAnswer.push(resumeAnswer);
    await sleep(1000);
  }
  await leave('ben');

  for (let round = 0; round < kRounds; round++) {
    const alone = await join('ben', `bench-${round}`, { media: false });
    await leave('ben');
    const seen = await join('ben', 'bench', { media: true });
    await leave('ben');
    values.firstMessage.push(alone.firstMessage, seen.firstMessage);
    values.joinBytesAlone.push(alone.joinBytes);
    values.joinBytesWithPublisher.push(seen.joinBytes);
    values.connect.push(seen.connect);
    values.firstAudioPacket.push(seen.firstAudioPacket);
    values.firstVideoFrame.push(seen.firstVideoFrame);
  }

  const counter = new Counter();
  const relay = await Relay.start(server, { tcp: true, onDatagram: (up, bytes) => counter.on(up, bytes) });
  for (let round = 0; round < kRounds; round++) {
    counter.reset();
    await join('cleo', 'bench', { media: true, url: relay.url });
    values.datagrams.push(counter.datagrams);
    await leave('cleo');
    await sleep(500);  // What is still on its way belongs to this round.
  }
  await relay.close();
  await leave('ann');

  const { delays, joins } = await mouthToEar(server, mode);
  values.ear.push(...delays);
  values.nativeConnect.push(...joins);
  await server.stop();
  return Object.fromEntries(Object.entries(values).map(([name, list]) => [name, summary(list)]));
}

const ours = {};
const lab = await Lab.open('chromium');
const { version } = lab;
try {
  await lab.run(page.spyOnSockets);
  for (const mode of ['dual', 'single']) {
    console.log(`# ${version}, ${mode} mode`);
    ours[mode] = await measure(lab, mode);
  }
} finally {
  await lab.close();
}

const text = (value) => (Number.isNaN(value) || value === undefined ? '-' : value < 10 && value % 1 ? value.toFixed(1) : String(Math.round(value)));
const cell = ({ p50, min, max }) => (max - min < 1 ? text(p50) : `${text(p50)} (${text(min)}-${text(max)})`);
console.log('| figure: median (least-most) | ours, dual | ours, single | reference, dual | reference, single |\n|---|--:|--:|--:|--:|');
for (const [name, title] of Object.entries(kTitles)) {
  const [dual, single] = kReference[name] ?? ['-', '-'];
  console.log(`| ${title} | ${cell(ours.dual[name])} | ${cell(ours.single[name])} | ${dual} | ${single} |`);
}
console.log(`
The reference figures are of LiveKit 1.13.5, measured by others on another machine; compare sizes and counts, and times with care.
Ours: ${os.cpus().length} processors, load ${os.loadavg().map((load) => load.toFixed(1)).join(' ')}. Datagrams are counted on a relay that keeps the server's candidates
(UDP over IPv4 and IPv6, TCP) and hides the client's own.`);
const file = argument('--json');
if (file) {
  fs.writeFileSync(file, JSON.stringify({ date: new Date().toISOString(), browser: version, processors: os.cpus().length, load: os.loadavg(), rounds: kRounds, ours, reference: kReference }, null, 2));
}
process.exit(0);
