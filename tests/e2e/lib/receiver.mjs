// Receives webhooks, as an application would: checks the signature of each with the server SDK and keeps them in order.
import http from 'node:http';
import https from 'node:https';
import { WebhookReceiver } from 'livekit-server-sdk';
import { sleep, until } from './suite.mjs';

export class Receiver {
  // `tls`: { key, cert } in PEM.
  constructor(key, secret, tls) {
    this.tls = tls;
    this.verifier = new WebhookReceiver(key, secret);
    this.seen = [];  // What was answered with 200: { event, type, at }, or { problem }.
    this.refused = 0;  // Posts that were answered with something else.
    this.status = () => 200;
    this.delay = 0;
  }

  // Listens, on the same port as before if there was one.
  async open() {
    const receive = (request, response) => this.#receive(request, response);
    this.server = this.tls ? https.createServer(this.tls, receive) : http.createServer(receive);
    await new Promise((resolve, reject) => this.server.once('error', reject).listen(this.port ?? 0, '127.0.0.1', resolve));
    ({ port: this.port } = this.server.address());
    this.url = `${this.tls ? 'https' : 'http'}://127.0.0.1:${this.port}/hook`;
    return this;
  }

  // Nobody listens any more.
  async close() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  async #receive(request, response) {
    const parts = [];
    for await (const part of request) {
      parts.push(part);
    }
    const body = Buffer.concat(parts).toString();
    await sleep(this.delay);
    const status = this.status();
    if (status === 200) {
      const entry = { at: Date.now(), type: request.headers['content-type'], agent: request.headers['user-agent'], body };
      try {
        entry.event = await this.verifier.receive(body, request.headers.authorization);
      } catch (error) {
        entry.problem = error.message;
      }
      this.seen.push(entry);
    } else {
      this.refused++;
    }
    response.writeHead(status).end('noted');
  }

  of(room) { return this.seen.filter((entry) => entry.problem || entry.event.room?.name === room); }
  names(room) { return this.of(room).map((entry) => entry.problem ?? entry.event.event); }
  async untilNames(room, expected, ms = 15_000) {
    await until(`webhooks of ${room}: ${expected}`, () => this.of(room).length >= expected.length || null, { ms, every: 50 })
      .catch((error) => { throw new Error(`${error.message}; came: ${this.names(room)}`); });
    const names = this.names(room);
    if (names.join() !== expected.join()) {
      throw new Error(`webhooks of ${room}: ${names}, expected ${expected}`);
    }
    return this.of(room);
  }
}
