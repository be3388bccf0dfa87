// An agent of the stock framework, as its documentation has it: `node agent_main.mjs start --url ... --api-key ...`.
// What it does is said by the metadata of its job, what kind of worker it is by AGENT_* in the environment.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cli, defineAgent, ServerOptions, voice } from '@livekit/agents';
import { AudioFrame, AudioSource, LocalAudioTrack, TrackPublishOptions, TrackSource } from '@livekit/rtc-node';

const kRate = 48_000, kHertz = 700, kAmplitude = 12_000, kFrameSize = kRate / 100;

const frameAt = (number) => new AudioFrame(Int16Array.from({ length: kFrameSize }, (_, i) => Math.round(kAmplitude * Math.sin((2 * Math.PI * kHertz * (number * kFrameSize + i)) / kRate))), kRate, 1, kFrameSize);

// A track of its own, for as long as the job lasts.
async function tone(ctx) {
  const source = new AudioSource(kRate, 1, 200);
  const track = LocalAudioTrack.createAudioTrack('voice', source);
  await ctx.agent.publishTrack(track, new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE, dtx: false }));
  let running = true;
  ctx.addShutdownCallback(async () => {
    running = false;
  });
  for (let number = 0; running; number++) {
    await source.captureFrame(frameAt(number));
  }
}

// The framework's own voice pipeline, with sound that needs no model.
async function say(ctx) {
  const session = new voice.AgentSession({});
  await session.start({ agent: new voice.Agent({ instructions: 'say what you are told' }), room: ctx.room });
  let number = 0;
  const audio = new ReadableStream({
    pull(controller) {
      controller.enqueue(frameAt(number++));
      if (number === 600) {
        controller.close();
      }
    },
  });
  session.say('This is a tone.', { audio });
}

export default defineAgent({
  entry: async (ctx) => {
    await ctx.connect();
    await ctx.agent.setAttributes({ 'job.metadata': ctx.job.metadata, 'job.type': String(ctx.job.type), 'job.participant': ctx.job.participant?.identity ?? '' });
    const act = { tone, say }[ctx.job.metadata];
    await act?.(ctx);
  },
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { AGENT_NAME, AGENT_PORT, AGENT_LOAD_FILE, AGENT_TYPE, AGENT_DECLINES } = process.env;
  cli.runApp(new ServerOptions({
    agent: fileURLToPath(import.meta.url),
    agentName: AGENT_NAME,
    serverType: Number(AGENT_TYPE),
    port: Number(AGENT_PORT),
    host: '127.0.0.1',
    numIdleProcesses: 1,
    loadThreshold: 0.7,
    loadFunc: async () => Number(fs.readFileSync(AGENT_LOAD_FILE, 'utf8')),
    ...(AGENT_DECLINES && { requestFunc: async (request) => {
      console.log('DECLINED', request.id);
      await request.reject();
    } }),
  }));
}
