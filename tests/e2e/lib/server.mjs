// A weir of one's own on free ports, with a configuration file and a log that is kept.
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk';
import { assert, until } from './suite.mjs';

export const kRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const kArtefacts = path.join(kRoot, 'build', 'artefacts');
const kBinary = process.env.WEIR_BIN || path.join(kRoot, 'build', 'release', 'weir');
const kKey = 'devkey', kSecret = 'secret';
const kUdpPorts = 8;  // One for each worker; a machine with more cores has fewer workers here.

export const freeTcpPort = () => new Promise((resolve, reject) => {
  const probe = net.createServer().once('error', reject).listen(0, () => {  // On every address, as the server will.
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});

const udpPortIsFree = (port) => new Promise((resolve) => {
  const probe = dgram.createSocket('udp4').once('error', () => resolve(false));
  probe.bind(port, () => probe.close(() => resolve(true)));
});

async function freeUdpRange() {
  for (let attempt = 0; attempt < 200; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await Promise.all(Array.from({ length: kUdpPorts }, (_, i) => udpPortIsFree(first + i)));
    if (free.every(Boolean)) {
      return first;
    }
  }
  throw new Error('no free range of UDP ports');
}

// A process that is asked to end stops its servers on the way out ('exit' below).
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.once(signal, () => process.exit(1));
}

export async function issueToken(identity, room, { name = identity, metadata, attributes, kind, roomConfig, roomPreset, ...grant } = {}) {
  const token = new AccessToken(kKey, kSecret, { identity, name, metadata, attributes, ttl: '30m' });
  token.addGrant({ roomJoin: true, room, canUpdateOwnMetadata: true, ...grant });
  Object.assign(token, kind && { kind }, roomConfig && { roomConfig }, roomPreset && { roomPreset });
  return token.toJwt();
}

export class Server {
  // `config` is laid over the generated one, key by key.
  static async start(name, config = {}) {
    const server = new Server();
    const [port, tcpPort, udpPort] = [await freeTcpPort(), await freeTcpPort(), await freeUdpRange()];
    const folder = path.join(kArtefacts, 'servers');
    fs.mkdirSync(folder, { recursive: true });
    const { rtc = {}, ...rest } = config;
    const file = path.join(folder, `${name}.yaml`);
    // JSON is YAML, too.
    fs.writeFileSync(file, JSON.stringify({
      port,
      keys: { [kKey]: kSecret },
      rtc: { udp_port: `${udpPort}-${udpPort + kUdpPorts - 1}`, tcp_port: tcpPort, enable_loopback_candidate: true, ...rtc },
      logging: { level: process.env.WEIR_LOG || 'info' },
      ...rest,
    }, null, 2));
    Object.assign(server, { key: kKey, secret: kSecret, file, udpRange: [udpPort, udpPort + kUdpPorts - 1] });
    Object.assign(server, { name, port, tcpPort, udpPort, http: `http://127.0.0.1:${port}`, url: `ws://127.0.0.1:${port}`, logFile: path.join(folder, `${name}.log`) });
    server.api = new RoomServiceClient(server.http, kKey, kSecret);
    process.once('exit', () => server.exit || server.child?.kill('SIGKILL'));  // A suite that broke off leaves nothing behind.
    await server.#begin('w');
    return server;
  }

  // The same server once more, after stop(): on the same ports, with the same log.
  async startAgain() {
    assert(this.exit, 'the server is still running');
    await this.#begin('a');
  }

  async #begin(logMode) {
    const start = performance.now();
    this.#spawn(['serve', '--dev', '--config', this.file], logMode);
    await this.#untilHealthy();
    this.startedInMs = performance.now() - start;
  }

  #spawn(flags, logMode) {
    assert(fs.existsSync(kBinary), `no server at ${kBinary}: ./dev build`);
    const log = fs.openSync(this.logFile, logMode);
    this.child = spawn(kBinary, flags, { stdio: ['ignore', log, log] });
    fs.closeSync(log);
    this.exit = null;
    this.ended = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
  }

  async #untilHealthy() {
    await until(`${this.name}: GET / answers OK`, async () => {
      assert(!this.exit, `the server ended at its start: ${JSON.stringify(this.exit)}\n${this.logTail()}`);
      const answer = await fetch(this.http).catch(() => null);
      return answer?.ok && (await answer.text()) === 'OK';
    }, { ms: 10_000, every: 10 });
  }

  logTail(lines = 20) {
    return fs.readFileSync(this.logFile, 'utf8').split('\n').slice(-lines).join('\n');
  }

  residentMegabytes() {
    const status = fs.readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1]) / 1024;
  }

  // A call of the server API by its name on the wire, for what the SDK does not offer and for answers as they are.
  async twirp(method, body, grant) {
    const token = new AccessToken(kKey, kSecret, { identity: 'service', ttl: '5m' });
    token.addGrant(grant);
    const answer = await fetch(`${this.http}/twirp/livekit.${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await token.toJwt()}` },
      body: JSON.stringify(body),
    });
    return { status: answer.status, ...(await answer.json()) };
  }

  // What /debug/rooms tells of one room; undefined once it is gone.
  async debugRoom(name) {
    const workers = await (await fetch(`${this.http}/debug/rooms`)).json();
    return workers.flat().find((room) => room.name === name);
  }

  // How long the server's threads were ready to run and had no processor, all together: the machine's share of a delay.
  starvedMs() {
    const folder = `/proc/${this.child.pid}/task`;
    const waited = fs.readdirSync(folder).map((task) => Number(fs.readFileSync(`${folder}/${task}/schedstat`, 'utf8').split(' ')[1]));
    return waited.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6;
  }

  // The media ports that this server has really opened, of those it may.
  udpPorts() {
    const lines = fs.readFileSync(`/proc/${this.child.pid}/net/udp`, 'utf8') + fs.readFileSync(`/proc/${this.child.pid}/net/udp6`, 'utf8');
    const ports = [...lines.matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /gm)].map((match) => parseInt(match[1], 16));
    return [...new Set(ports)].filter((port) => port >= this.udpRange[0] && port <= this.udpRange[1]);
  }

  token(...values) { return issueToken(...values); }

  // The end that an operator asks for. A server that crashed, hangs or leaks ends otherwise.
  async stop() {
    const start = performance.now();
    if (!this.exit) {
      this.child.kill('SIGTERM');
      const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
      await this.ended;
      clearTimeout(timer);
    }
    this.stoppedInMs = performance.now() - start;
    assert(this.exit.code === 0, `the server ended with ${JSON.stringify(this.exit)}\n${this.logTail()}`);
  }
}
