// Floods a server from a process of its own, so that neither the flood nor what is measured meanwhile waits for the other.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AccessToken } from 'livekit-server-sdk';

const kSender = path.join(path.dirname(fileURLToPath(import.meta.url)), 'sender.mjs');

async function adminToken(server) {
  const token = new AccessToken(server.key, server.secret, { identity: 'flood', ttl: '30m' });
  token.addGrant({ roomCreate: true, roomList: true, roomAdmin: true });
  return token.toJwt();
}

// Resolves when the first bytes are about to leave. `ended` tells what was sent and what was answered.
export async function startFlood(server, options = {}) {
  const tokens = { join: await server.token('flood', 'flood'), admin: await adminToken(server) };
  const all = { udpPorts: server.udpPorts(), httpPort: server.port, tcpPort: server.tcpPort, tokens, ...options };
  const child = spawn(process.execPath, [kSender, JSON.stringify(all)], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      try {
        resolve(JSON.parse(output));
      } catch {
        reject(new Error(`the flood ended with ${code}: ${output.slice(0, 200)}`));
      }
    });
  });
  ended.catch(() => {});  // Whoever awaits it gets the error.
  await Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  return { ended, stop: () => child.kill('SIGTERM') };
}
