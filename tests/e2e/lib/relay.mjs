// A bad network between clients and the server, without the kernel's help: signalling passes through a proxy that replaces the UDP
// candidates the server announces by relays of its own, which lose what they are told to and see every datagram.
import dgram from 'node:dgram';
import http from 'node:http';
import { SignalRequest, SignalResponse } from '@livekit/protocol';
import WebSocket, { WebSocketServer } from 'ws';

const kIdleMs = 60_000;                        // A flow without datagrams for so long is forgotten.
const kReceiveBuffer = 2 << 20;
const kNoCode = [1004, 1005, 1006];            // Closes that happened without a code; none may be sent.

const newCount = () => ({ packets: 0, lost: 0, bytes: 0 });

function boundSocket(family, address) {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket({ type: family, recvBufferSize: kReceiveBuffer });
    socket.once('error', reject);
    socket.bind(0, address, () => {
      socket.off('error', reject);
      socket.on('error', () => {});  // What cannot be delivered is lost, as on any network.
      resolve(socket);
    });
  });
}

export class Relay {
  // `loss` is a share, 0 to 1, in each direction. With `tcp` the server's TCP candidates stay, and bypass the relay.
  // `onDatagram(up, bytes)` is called for each datagram that comes in.
  static async start(server, { loss = 0, tcp = false, onDatagram = () => {} } = {}) {
    const relay = new Relay();
    Object.assign(relay, { server, loss, tcp, onDatagram, up: newCount(), down: newCount(), relays: new Map(), flows: new Map() });
    await relay.#listen();
    relay.sweep = setInterval(() => relay.#forgetIdle(), kIdleMs / 4).unref();
    return relay;
  }

  token(...values) { return this.server.token(...values); }

  async #listen() {
    this.sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    this.front = http.createServer((request, response) => this.#forward(request, response));
    this.front.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    await new Promise((resolve) => this.front.listen(0, '127.0.0.1', resolve));
    const { port } = this.front.address();
    Object.assign(this, { http: `http://127.0.0.1:${port}`, url: `ws://127.0.0.1:${port}` });
  }

  #forward(request, response) {
    const headers = { ...request.headers, host: `127.0.0.1:${this.server.port}` };
    const onward = http.request({ host: '127.0.0.1', port: this.server.port, path: request.url, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }

  #upgrade(request, socket, head) {
    const { authorization } = request.headers;
    const server = new WebSocket(`ws://127.0.0.1:${this.server.port}${request.url}`, { headers: authorization ? { authorization } : {}, perMessageDeflate: false });
    let client = null, order = Promise.resolve();
    const early = [];
    // Messages stay in order, although a new relay has to be waited for.
    const toClient = (data, binary) => {
      order = order.then(async () => {
        const message = binary ? await this.#fromServer(data) : data;
        if (message && client.readyState === WebSocket.OPEN) {
          client.send(message, { binary });
        }
      });
    };
    const pass = (to) => (code, reason) => (kNoCode.includes(code) ? to.terminate() : to.close(code, reason));
    server.once('unexpected-response', (_, answer) => {
      answer.resume();
      socket.end(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    });
    server.on('error', () => (client ? client.terminate() : socket.destroy()));
    server.on('message', (data, binary) => (client ? toClient(data, binary) : early.push([data, binary])));
    server.once('open', () => this.sockets.handleUpgrade(request, socket, head, (accepted) => {
      client = accepted;
      early.forEach(([data, binary]) => toClient(data, binary));
      client.on('message', (data, binary) => {
        const message = binary ? this.#fromClient(data) : data;
        if (message && server.readyState === WebSocket.OPEN) {
          server.send(message, { binary });
        }
      });
      client.on('error', () => server.terminate());
      client.on('close', pass(server));
      server.on('close', (code, reason) => order.then(() => pass(client)(code, reason)));
    }));
  }

  async #fromServer(data) {
    const response = SignalResponse.fromBinary(new Uint8Array(data));
    const { case: kind, value } = response.message;
    if (kind === 'trickle') {
      const init = JSON.parse(value.candidateInit);
      if (init.candidate) {
        init.candidate = await this.#replaced(init.candidate);
        if (!init.candidate) {
          return null;
        }
        value.candidateInit = JSON.stringify(init);
      }
      return response.toBinary();
    }
    if (kind !== 'offer' && kind !== 'answer') {
      return data;
    }
    const lines = await Promise.all(value.sdp.split('\r\n').map(async (line) => {
      const candidate = line.startsWith('a=candidate:') ? await this.#replaced(line.slice(2)) : null;
      return line.startsWith('a=candidate:') ? candidate && `a=${candidate}` : line;
    }));
    value.sdp = lines.filter((line) => line !== null).join('\r\n');
    return response.toBinary();
  }

  // The server must not hear of the clients' own addresses, or it would find a way around.
  #fromClient(data) {
    const request = SignalRequest.fromBinary(new Uint8Array(data));
    const { case: kind, value } = request.message;
    if (kind === 'trickle') {
      return JSON.parse(value.candidateInit).candidate ? null : data;
    }
    if (kind !== 'offer' && kind !== 'answer') {
      return data;
    }
    value.sdp = value.sdp.split('\r\n').filter((line) => !line.startsWith('a=candidate:')).join('\r\n');
    return request.toBinary();
  }

  // "candidate:foundation component protocol priority address port typ ...", now of a relay; null: not to be announced.
  async #replaced(candidate) {
    const fields = candidate.split(' ');
    if (fields[2].toLowerCase() !== 'udp') {
      return this.tcp ? candidate : null;
    }
    fields[5] = String((await this.#relayTo(fields[4], Number(fields[5]))).address().port);
    return fields.join(' ');
  }

  #relayTo(address, port) {
    const key = `${address} ${port}`;
    if (!this.relays.has(key)) {
      this.relays.set(key, this.#newRelay(address, port));
    }
    return this.relays.get(key);
  }

  async #newRelay(address, port) {
    const family = address.includes(':') ? 'udp6' : 'udp4';
    const socket = await boundSocket(family, address);
    socket.on('message', async (bytes, { address: from, port: fromPort }) => {
      const key = `${port} ${address} ${from} ${fromPort}`;
      if (!this.flows.has(key)) {  // A socket for each client, so that the server sees them apart.
        this.flows.set(key, { last: Date.now(), onward: this.#newFlow(family, address, socket, from, fromPort) });
      }
      const flow = this.flows.get(key);
      flow.last = Date.now();
      const onward = await flow.onward;
      this.#pass(this.up, true, bytes, () => onward.send(bytes, port, address, () => {}));
    });
    return socket;
  }

  async #newFlow(family, address, back, client, clientPort) {
    const onward = await boundSocket(family, address);
    onward.on('message', (bytes) => this.#pass(this.down, false, bytes, () => back.send(bytes, clientPort, client, () => {})));
    return onward;
  }

  #pass(count, up, bytes, deliver) {
    count.packets++;
    count.bytes += bytes.length;
    this.onDatagram(up, bytes);
    if (Math.random() < this.loss) {
      count.lost++;
    } else {
      deliver();
    }
  }

  #forgetIdle(olderThan = Date.now() - kIdleMs) {
    for (const [key, flow] of this.flows) {
      if (flow.last < olderThan) {
        this.flows.delete(key);
        flow.onward.then((socket) => socket.close());
      }
    }
  }

  async close() {
    clearInterval(this.sweep);
    this.sockets.clients.forEach((client) => client.terminate());
    this.front.closeAllConnections();
    this.front.close();
    this.#forgetIdle(Infinity);
    for (const relay of this.relays.values()) {
      (await relay).close();
    }
  }
}
