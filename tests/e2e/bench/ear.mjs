// Mouth to ear through the native SDK: bursts of a tone go in, and the time until each comes out decoded is taken. All in one process,
// so there is one clock.
import { Native, TrackKind, TrackSource } from '../lib/native.mjs';
import { AudioFrame, AudioSource, AudioStream, LocalAudioTrack, TrackPublishOptions } from '@livekit/rtc-node';  // After native.mjs, which keeps it quiet.
import { sleep } from '../lib/suite.mjs';

const kInRate = 16_000, kOutRate = 48_000, kHertz = 1000, kAmplitude = 12_000, kThreshold = 2000;
const kFrameMs = 10, kBurstFrames = 30, kPeriodFrames = 150, kSettleBursts = 2;
const kQuietMs = 300;  // Silence that must come before a burst.

// Frames of 10 ms at the pace of the clock, some of which begin a burst. `began` gets the time each burst went in.
async function speak(source, bursts, began) {
  const size = (kInRate * kFrameMs) / 1000;
  const start = performance.now();
  for (let frame = 0; frame < bursts * kPeriodFrames; frame++) {
    const loud = frame % kPeriodFrames < kBurstFrames;
    const samples = Int16Array.from({ length: size }, (_, i) => (loud ? Math.round(kAmplitude * Math.sin((2 * Math.PI * kHertz * (frame * size + i)) / kInRate)) : 0));
    if (frame % kPeriodFrames === 0) {
      began.push(performance.now());
    }
    await source.captureFrame(new AudioFrame(samples, kInRate, 1, size));
    await sleep(Math.max(0, start + (frame + 1) * kFrameMs - performance.now()));
  }
}

async function hear(reader, heard) {
  let lastLoud = -Infinity;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    if (value.data.some((sample) => Math.abs(sample) > kThreshold)) {
      const now = performance.now();
      if (now - lastLoud > kQuietMs) {
        heard.push(now);
      }
      lastLoud = now;
    }
  }
}

// The delays of the bursts in milliseconds, and the times of the two joins.
export async function mouthToEar(server, mode, bursts = 15) {
  const [ann, ben] = ['ann', 'ben'].map((name) => new Native(server, name));
  const joins = [];
  for (const person of [ann, ben]) {
    const start = performance.now();
    await person.join(`ear-${mode}`, { mode });
    joins.push(performance.now() - start);
  }
  const source = new AudioSource(kInRate, 1, 0);  // No queue: it would be part of the delay.
  const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE, dtx: false });
  await ann.local.publishTrack(LocalAudioTrack.createAudioTrack('burst', source), options);
  const began = [], heard = [];
  const speaking = speak(source, bursts + kSettleBursts, began);
  const track = await ben.trackOf(ann, TrackKind.KIND_AUDIO);
  const reader = new AudioStream(track, kOutRate, 1).getReader();
  const hearing = hear(reader, heard).catch(() => {});
  await speaking;
  await sleep(500);
  await reader.cancel().catch(() => {});
  await hearing;
  await ann.leave();
  await ben.leave();
  // Each burst with the first sound after it, which must come before the next burst.
  const delays = began.slice(kSettleBursts)
    .map((at) => heard.find((time) => time > at) - at)
    .filter((delay) => delay < kPeriodFrames * kFrameMs - kQuietMs);
  return { delays, joins };
}
