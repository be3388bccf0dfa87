// A process of its own that floods a server: node sender.mjs JSON, with the parts of kDefaults. Writes what it did as JSON on its
// standard output when it is asked to stop (SIGTERM) or its time is up.
import dgram from 'node:dgram';
import net from 'node:net';
import { stockOfDatagrams } from './datagrams.mjs';
import { requestMaker } from './requests.mjs';

const kDefaults = { host: '127.0.0.1', udpPorts: [], httpPort: 0, tcpPort: 0, datagramsPerSecond: 10_000, requestsPerSecond: 1000, seconds: 10, tokens: {} };
const kTickMs = 4, kSockets = 16, kStock = 4000, kPatienceMs = 3000, kMostOpen = 1500, kMostBehindMs = 200;
const kTcpShare = 0.03;  // Of the requests, those that go to the ICE/TCP port instead.

const options = { ...kDefaults, ...JSON.parse(process.argv[2] ?? '{}') };
const seen = { datagrams: 0, datagramBytes: 0, sendErrors: 0, requests: 0, held: 0, answers: {}, accepted: {} };
const start = performance.now();
let running = true;

// Calls `act` so often a second, in batches; what cannot be made up for is given up rather than sent in one burst.
function paced(perSecond, act) {
  let done = 0, lost = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - start) / 1000) * perSecond) - lost;
    if (due - done > (perSecond * kMostBehindMs) / 1000) {
      lost += due - done - Math.floor((perSecond * kMostBehindMs) / 1000);
    }
    for (const end = Math.floor(((performance.now() - start) / 1000) * perSecond) - lost; done < end && running; done++) {
      act();
    }
  }, kTickMs);
  return () => clearInterval(timer);
}

const stock = stockOfDatagrams(kStock);
const sockets = await Promise.all(Array.from({ length: kSockets }, () => new Promise((resolve) => {
  const socket = dgram.createSocket('udp4');
  socket.on('error', () => seen.sendErrors++);
  socket.bind(0, () => resolve(socket));
})));
const sent = (error) => {
  seen.sendErrors += error ? 1 : 0;
};
function sendDatagram() {
  const datagram = stock[seen.datagrams % stock.length];
  sockets[seen.datagrams % kSockets].send(datagram, options.udpPorts[seen.datagrams % options.udpPorts.length], options.host, sent);
  seen.datagrams++;
  seen.datagramBytes += datagram.length;
}

const nextRequest = requestMaker(options.tokens);
const open = new Set();
function count(name, bytes) {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(bytes)?.[1] ?? (bytes ? 'other' : 'none');
  seen.answers[status] = (seen.answers[status] ?? 0) + 1;
  if (/^[12]/.test(status) && status !== '100') {
    seen.accepted[name] = (seen.accepted[name] ?? 0) + 1;
  }
}
function sendRequest() {
  if (open.size >= kMostOpen) {
    seen.held++;
    return;
  }
  const { name, bytes } = nextRequest();
  const toIce = options.tcpPort && Math.random() < kTcpShare;
  const socket = net.connect(toIce ? options.tcpPort : options.httpPort, options.host);
  let answer = '';
  // A reset rather than an orderly close leaves no port in TIME_WAIT, of which there are not enough for a minute.
  const end = () => {
    if (open.delete(socket)) {
      clearTimeout(timer);
      count(name, toIce ? 'ice' : answer);
      socket.resetAndDestroy();
    }
  };
  const timer = setTimeout(end, kPatienceMs);
  open.add(socket);
  socket.on('error', end);
  socket.on('end', end);
  socket.on('close', end);
  socket.on('data', (data) => {
    answer ||= data.toString('latin1', 0, 40);
    end();
  });
  socket.write(bytes);
  seen.requests++;
}

const stops = [options.udpPorts.length && paced(options.datagramsPerSecond, sendDatagram), options.httpPort && paced(options.requestsPerSecond, sendRequest)];
process.send?.('started');

function finish() {
  if (!running) {
    return;
  }
  running = false;
  const seconds = (performance.now() - start) / 1000;
  stops.forEach((stop) => stop && stop());
  seen.seconds = Number(seconds.toFixed(2));
  seen.datagramsPerSecond = Math.round(seen.datagrams / seconds);
  seen.requestsPerSecond = Math.round(seen.requests / seconds);
  process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
}
process.on('SIGTERM', finish);
process.on('disconnect', finish);
setTimeout(finish, options.seconds * 1000);
