// Workers of LiveKit's agent framework, unmodified: they are registered, get jobs, and their agents join and speak.
import http from 'node:http';
import { AccessToken, AgentDispatchClient, RoomAgentDispatch, RoomConfiguration } from 'livekit-server-sdk';
import { Agent, JobType, kAgentHertz } from '../lib/agent.mjs';
import { Native, TrackKind } from '../lib/native.mjs';
import { Server } from '../lib/server.mjs';
import { assert, assertEqual, sleep, until } from '../lib/suite.mjs';
import { spectrumOf } from '../lib/tone.mjs';

const kRate = 48_000, kSeconds = 2, kPatience = { ms: 30_000 };
const kAgentKind = 4;  // ParticipantInfo.Kind
const kRunning = 1;  // JobStatus

// The status of a request to become a WebSocket.
const upgradeStatus = (server, token) => new Promise((resolve, reject) => {
  const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' };
  const request = http.get(`${server.http}/agent`, { headers: token ? { ...headers, authorization: `Bearer ${token}` } : headers });
  request.once('response', (response) => resolve(response.resume().statusCode)).once('error', reject);
  request.once('upgrade', (response, socket) => {
    socket.destroy();
    resolve(response.statusCode);
  });
});

const codeOf = (call) => call.then(() => 'ok', (error) => error.code);

export async function run(suite) {
  const server = await Server.start(suite.name);
  const dispatches = new AgentDispatchClient(server.http, server.key, server.secret);
  let rooms = 0;

  const worker = async (id, options) => {
    const agent = await Agent.start(server, id, options);
    suite.onTestEnd(() => agent.stop());
    return agent;
  };
  const guest = async (room, id = 'guest', claims = {}) => {
    const person = new Native(server, `${id}-${room}`);
    suite.onTestEnd(() => person.leave());
    await person.join(room, claims);
    return person;
  };
  const newRoom = () => `agents-${++rooms}`;
  const agentsIn = (person) => [...person.room.remoteParticipants.values()].filter((participant) => participant.info.kind === kAgentKind);
  const agentOf = (person) => until(`${person.id} sees an agent`, () => agentsIn(person)[0], kPatience);
  const running = (room, id) => until('a job runs', async () => (await dispatches.getDispatch(id, room))?.state?.jobs.find((job) => job.state?.status === kRunning), kPatience);

  const hears = async (person, agent) => {
    let tone;
    for (let attempt = 1; attempt <= 3; attempt++) {
      const samples = await person.listen(await person.trackOf({ id: agent.identity }, TrackKind.KIND_AUDIO), kRate, kSeconds);
      assert(samples.length >= kRate, `${samples.length} samples of ${kRate} a second in ${kSeconds} s`);
      tone = spectrumOf(samples, kRate);
      if (Math.abs(tone.hertz - kAgentHertz) < 3 && tone.purity > 0.9) {
        return { hertz: tone.hertz, purity: Number(tone.purity.toFixed(4)) };
      }
    }
    throw new Error(`heard ${JSON.stringify(tone)}, the agent spoke ${kAgentHertz} Hz`);
  };

  await suite.test('only a token for workers opens /agent', async () => {
    const forWorkers = new AccessToken(server.key, server.secret);
    forWorkers.addGrant({ agent: true });
    assertEqual(await upgradeStatus(server), 401, 'status without a token');
    assertEqual(await upgradeStatus(server, await server.token('guest', 'lobby')), 401, 'status with the token of a participant');
    assertEqual(await upgradeStatus(server, await forWorkers.toJwt()), 101, 'status with the token of a worker');
    assertEqual((await fetch(`${server.http}/agent`)).status, 404, 'status without an upgrade');
  });

  await suite.test('the dispatch API creates rooms and names what is missing', async () => {
    const room = newRoom();
    assertEqual(await codeOf(dispatches.listDispatch(room)), 'unavailable', 'listing without a room');
    const { id } = await dispatches.createDispatch(room, 'nobody', { metadata: 'm' });
    assert(/^AD_/.test(id), id);
    assertEqual((await dispatches.listDispatch(room)).map((dispatch) => dispatch.agentName).sort().join(), ',nobody', 'dispatches of the room');
    assertEqual(await codeOf(dispatches.deleteDispatch('AD_unknown', room)), 'not_found', 'deleting what is not there');
    await dispatches.deleteDispatch(id, room);
    assertEqual((await dispatches.listDispatch(room)).length, 1, 'dispatches after the deletion');
  });

  await suite.test('a worker without a name comes to every new room', async () => {
    const agent = await worker('nameless');
    const person = await guest(newRoom());
    const there = await agentOf(person);
    assertEqual(there.attributes['lk.agent_name'], '', 'agent name');
    assertEqual(agent.jobsOffered(), 1, 'jobs offered');
  }, { ms: 90_000 });

  await suite.test('an agent asked for by name joins and speaks, and is heard', async () => {
    await worker('speaker', { name: 'speaker' });
    const room = newRoom();
    const person = await guest(room);
    const { id } = await dispatches.createDispatch(room, 'speaker', { metadata: 'tone' });
    const there = await agentOf(person);
    assertEqual(there.attributes['lk.agent_name'], 'speaker', 'agent name');
    const heard = await hears(person, there);
    assertEqual(there.attributes['job.metadata'], 'tone', 'metadata of the dispatch');
    const job = await running(room, id);
    assertEqual(job.state.participantIdentity, there.identity, 'identity of the agent');
    assert(/^AW_/.test(job.state.workerId) && job.dispatchId === id && job.room.name === room, JSON.stringify(job));
    return heard;
  }, { ms: 120_000 });

  await suite.test('the voice pipeline of the framework is heard and tells its state', async () => {
    await worker('voice', { name: 'voice' });
    const room = newRoom();
    const person = await guest(room);
    await dispatches.createDispatch(room, 'voice', { metadata: 'say' });
    const there = await agentOf(person);
    const heard = await hears(person, there);
    return { ...heard, state: there.attributes['lk.agent.state'] };
  }, { ms: 120_000, attempts: 2 });

  await suite.test('a token asks for an agent in the room that it creates', async () => {
    await worker('wished', { name: 'wished' });
    const room = newRoom();
    const roomConfig = new RoomConfiguration({ agents: [new RoomAgentDispatch({ agentName: 'wished', metadata: 'of the token' })] });
    const person = await guest(room, 'host', { roomConfig });
    const there = await agentOf(person);
    await until('the agent tells its job', () => there.attributes['job.metadata'] === 'of the token');
    assertEqual((await dispatches.listDispatch(room)).length, 1, 'dispatches of the room');
  }, { ms: 90_000 });

  await suite.test('deleting a dispatch makes its agent leave', async () => {
    await worker('deleted', { name: 'deleted' });
    const room = newRoom();
    const person = await guest(room);
    const { id } = await dispatches.createDispatch(room, 'deleted', { metadata: 'tone' });
    await agentOf(person);
    await running(room, id);
    await dispatches.deleteDispatch(id, room);
    await until('the agent has left', () => agentsIn(person).length === 0, { ms: 6000 });
    assert(!(await dispatches.listDispatch(room)).some((dispatch) => dispatch.id === id), 'the dispatch is still listed');
  }, { ms: 90_000 });

  await suite.test('a worker above its load gets no jobs, and gets them again below it', async () => {
    const agent = await worker('busy', { name: 'busy', load: 0.95 });
    await until('the worker says that it is full', () => agent.log().includes('at full capacity'), kPatience);
    const room = newRoom();
    const person = await guest(room);
    await dispatches.createDispatch(room, 'busy');
    await sleep(4000);
    assertEqual(agent.jobsOffered(), 0, 'jobs offered to a full worker');
    agent.setLoad(0.1);
    await until('the worker says that it is free', () => agent.log().includes('below capacity'), kPatience);
    await sleep(300);  // It writes that line before it tells the server.
    await dispatches.createDispatch(room, 'busy');
    await agentOf(person);
    assertEqual(agentsIn(person).length, 1, 'agents: nothing is launched later for a worker that was full');
  }, { ms: 120_000 });

  await suite.test('who declines a job is not asked again, the next worker is', async () => {
    const [no, yes] = await Promise.all([worker('declines', { name: 'team', declines: true, load: 0 }), worker('accepts', { name: 'team', load: 0.6 })]);
    const room = newRoom();
    const people = [await guest(room)];
    for (let round = 0; round < 6 && no.jobsOffered() === 0; round++) {  // Which of the two is asked first is drawn.
      await dispatches.createDispatch(room, 'team');
    }
    await agentOf(people[0]);
    await until('as many agents as dispatches', () => agentsIn(people[0]).length === yes.jobsOffered(), { ms: 60_000 });
    return { declined: no.jobsOffered(), accepted: yes.jobsOffered() };
  }, { ms: 120_000 });

  await suite.test('a worker for publishers gets a job for each that publishes', async () => {
    await worker('publishers', { name: 'ear', type: JobType.kPublisher });
    const room = newRoom();
    const [quiet, loud] = [await guest(room, 'quiet'), await guest(room, 'loud')];
    await dispatches.createDispatch(room, 'ear');
    await sleep(1500);
    assertEqual(agentsIn(quiet).length, 0, 'agents before anybody publishes');
    await loud.tone();
    const there = await agentOf(quiet);
    await until('the agent names its publisher', () => there.attributes['job.participant'] === loud.id);
  }, { ms: 90_000 });

  await suite.test('the job of a worker that was killed goes to the next one', async () => {
    const [first, second] = await Promise.all([worker('killed', { name: 'pair' }), worker('survives', { name: 'pair' })]);
    await first.stop();
    const room = newRoom();
    const person = await guest(room);
    await dispatches.createDispatch(room, 'pair');
    await agentOf(person);
    assertEqual(second.jobsOffered(), 1, 'jobs offered to the one that is left');
  }, { ms: 90_000 });

  await suite.test('the server is still well and ends when asked to', () => server.stop());
}
