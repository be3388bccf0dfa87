// A native participant in a process of its own, which a test may freeze: its sockets stay open, and nothing leaves or is read.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from './suite.mjs';

const kHere = fileURLToPath(import.meta.url);

export class Apart {
  constructor(suite, server, id) {
    Object.assign(this, { server, id, texts: [], ready: false });
    suite.onTestEnd(() => this.end());
  }

  get identity() { return this.id; }

  // With `tone` it publishes a microphone; what messages it reads is in `texts`.
  async join(room, { mode = 'dual', tone = false } = {}) {
    const order = { id: this.id, url: this.server.url, token: await this.server.token(this.id, room), room, mode, tone };
    this.child = spawn(process.execPath, [kHere, JSON.stringify(order)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.child.on('message', ({ text }) => (text === undefined ? (this.ready = true) : this.texts.push(text)));
    this.child.on('exit', (code, signal) => (this.ended = { code, signal }));
    await until(`${this.id} has joined`, () => this.ready, { ms: 20_000 });
  }

  freeze() { this.child.kill('SIGSTOP'); }
  thaw() { this.child.kill('SIGCONT'); }
  end() { this.child?.kill('SIGKILL'); }  // Reaches a frozen process, too.
}

if (process.argv[1] === kHere) {
  const { Native, RoomEvent } = await import('./native.mjs');
  const { id, url, token, room, mode, tone } = JSON.parse(process.argv[2]);
  const self = new Native({ url, token: () => token }, id);
  process.once('disconnect', () => process.exit());
  await self.join(room, { mode });
  self.room.on(RoomEvent.DataReceived, (body) => process.send({ text: new TextDecoder().decode(body).slice(0, 40) }));
  if (tone) {
    await self.tone();
  }
  process.send({});
}
