// A worker of LiveKit's agent framework (@livekit/agents) in a process of its own, with a log that is kept.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freeTcpPort, kArtefacts } from './server.mjs';
import { assert, until } from './suite.mjs';

const kProgram = path.join(path.dirname(fileURLToPath(import.meta.url)), 'agent_main.mjs');

export const JobType = { kRoom: 0, kPublisher: 1, kParticipant: 2 };
export const kAgentHertz = 700;  // What it speaks, see agent_main.mjs.

// A suite that broke off leaves nothing behind. A worker has processes of its own, so its whole group goes.
const alive = new Set();
process.once('exit', () => alive.forEach((agent) => agent.kill()));

export class Agent {
  // Without a name it is for every room. Resolves when the server has registered it.
  static async start(server, id, { name = '', type = JobType.kRoom, declines = false, load = 0.1 } = {}) {
    const agent = new Agent();
    const folder = path.join(kArtefacts, 'agents');
    fs.mkdirSync(folder, { recursive: true });
    const port = await freeTcpPort();
    Object.assign(agent, { id, name, port, logFile: path.join(folder, `${id}.log`), loadFile: path.join(folder, `${id}.load`) });
    agent.setLoad(load);
    const log = fs.openSync(agent.logFile, 'w');
    agent.child = spawn(process.execPath, [kProgram, 'start', '--url', server.url, '--api-key', server.key, '--api-secret', server.secret, '--log-level', 'debug'], {
      stdio: ['ignore', log, log],
      detached: true,
      env: { ...process.env, AGENT_NAME: name, AGENT_TYPE: type, AGENT_PORT: port, AGENT_LOAD_FILE: agent.loadFile, AGENT_DECLINES: declines ? '1' : '' },
    });
    fs.closeSync(log);
    alive.add(agent);
    agent.ended = new Promise((resolve) => agent.child.once('exit', (code, signal) => resolve((agent.exit = { code, signal }))));
    await until(`worker ${id} is registered`, () => {
      assert(!agent.exit, `the worker ended: ${JSON.stringify(agent.exit)}\n${agent.log()}`);
      return agent.log().includes('registered worker');
    }, { ms: 40_000 });
    return agent;
  }

  log() { return fs.readFileSync(this.logFile, 'utf8'); }
  setLoad(load) { fs.writeFileSync(this.loadFile, String(load)); }
  jobsOffered() { return this.log().split('received job request').length - 1; }

  kill() {
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }

  async stop() {
    this.kill();
    await this.ended;
    alive.delete(this);
  }
}
