// A participant of the native SDK (@livekit/rtc-node): raw samples and pictures in and out, no browser.
process.env.RUST_LOG ??= 'off';
process.env.NODE_ENV ??= 'production';  // The SDK logs to the standard output otherwise.
const rtc = await import('@livekit/rtc-node');
const { sleep, until } = await import('./suite.mjs');

export const { RoomEvent, SimulateScenarioKind, TrackKind, TrackSource, VideoCodec, ConnectionState } = rtc;

const kFrameSeconds = 0.01;
const kAmplitude = 12_000;

export class Native {
  constructor(server, id) {
    Object.assign(this, { server, id, events: [], stops: [] });
  }

  // `key` is the shared key of end-to-end encryption.
  async join(room, { mode = 'dual', key, ...claims } = {}) {
    this.room = new rtc.Room();
    for (const name of Object.values(RoomEvent)) {
      this.room.on(name, (...values) => this.events.push({ at: Date.now(), name, values }));
    }
    const token = await this.server.token(this.id, room, claims);
    await this.room.connect(this.server.url, token, { autoSubscribe: true, dynacast: false, singlePeerConnection: mode === 'single', ...(key && { encryption: { keyProviderOptions: { sharedKey: new TextEncoder().encode(key) } } }) });
  }

  get local() { return this.room.localParticipant; }
  remote(other) { return this.room.remoteParticipants.get(other.id); }
  sees(other) { return until(`${this.id} knows ${other.id}`, () => this.remote(other)); }

  event(name, { since = 0, where = () => true, ms = 10_000 } = {}) {
    return until(`${this.id} is told ${name}`, () => this.events.find((event) => event.name === name && event.at >= since && where(...event.values)), { ms, every: 20 });
  }

  async trackOf(other, kind) {
    const publication = await until(`${this.id} gets a track of ${other.id}`, () => [...(this.remote(other)?.trackPublications.values() ?? [])].find((p) => p.kind === kind && p.track), { ms: 15_000, every: 20 });
    return publication.track;
  }

  // Publishes an endless tone from samples of this rate, paced by the clock.
  async tone({ hertz = 1000, rate = 16_000, amplitude = kAmplitude, aheadMs = 60 } = {}) {
    const source = new rtc.AudioSource(rate, 1, 200);
    const track = rtc.LocalAudioTrack.createAudioTrack('tone', source);
    const options = new rtc.TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE, dtx: false, red: true });
    const publication = await this.local.publishTrack(track, options);
    let running = true;
    const size = Math.round(rate * kFrameSeconds);
    const play = async () => {
      const start = performance.now();
      for (let frame = 0; running; frame++) {
        const samples = Int16Array.from({ length: size }, (_, i) => Math.round(amplitude * Math.sin((2 * Math.PI * hertz * (frame * size + i)) / rate)));
        await source.captureFrame(new rtc.AudioFrame(samples, rate, 1, size)).catch(() => {
          running = false;
        });
        const ahead = start + (frame + 1) * kFrameSeconds * 1000 - performance.now() - aheadMs;  // So much is kept in the source.
        if (ahead > 0) {
          await sleep(ahead);
        }
      }
    };
    const done = play();
    this.stops.push(async () => {
      running = false;
      await done;
    });
    return publication;
  }

  // Publishes a picture whose brightness runs up and down, with a square that moves.
  async camera({ width = 640, height = 360, fps = 15, codec = VideoCodec.VP8, simulcast = false } = {}) {
    const source = new rtc.VideoSource(width, height);
    const track = rtc.LocalVideoTrack.createVideoTrack('camera', source);
    const options = new rtc.TrackPublishOptions({ source: TrackSource.SOURCE_CAMERA, videoCodec: codec, simulcast, videoEncoding: { maxBitrate: 900_000n, maxFramerate: fps } });
    const publication = await this.local.publishTrack(track, options);
    const picture = new Uint8Array((width * height * 3) / 2);
    let count = 0;
    const timer = setInterval(() => {
      count++;
      picture.fill(60 + ((count * 4) % 120), 0, width * height);
      picture.fill(128, width * height);
      const left = (count * 8) % (width - 40);
      for (let row = 100; row < 140; row++) {
        picture.fill(235, row * width + left, row * width + left + 40);
      }
      source.captureFrame(new rtc.VideoFrame(picture, width, height, rtc.VideoBufferType.I420));
    }, 1000 / fps);
    this.stops.push(() => clearInterval(timer));
    return publication;
  }

  // The decoded samples of `seconds`, from the first sound on; `skip` drops the start, in which the jitter buffer settles.
  async listen(track, rate, seconds, { skip = 1 } = {}) {
    const reader = new rtc.AudioStream(track, rate, 1).getReader();
    const parts = [];
    const wanted = Math.round((seconds + skip) * rate);
    let have = 0, heard = false;
    const end = Date.now() + (seconds + skip) * 1000 + 8000;
    while (have < wanted && Date.now() < end) {
      const next = await Promise.race([reader.read(), sleep(Math.max(1, end - Date.now())).then(() => null)]);
      if (!next || next.done) {
        break;
      }
      const { data } = next.value;
      heard ||= data.some((sample) => Math.abs(sample) > 1000);
      if (heard) {
        parts.push(data);
        have += data.length;
      }
    }
    await reader.cancel().catch(() => {});
    const samples = new Int16Array(have);
    let at = 0;
    for (const part of parts) {
      samples.set(part, at);
      at += part.length;
    }
    return samples.subarray(Math.min(have, Math.round(skip * rate)));
  }

  // The largest sample that is decoded within this time; 0 when nothing is.
  async loudest(track, ms) {
    const reader = new rtc.AudioStream(track, 16_000, 1).getReader();
    let peak = 0;
    for (const end = Date.now() + ms; Date.now() < end;) {
      const next = await Promise.race([reader.read(), sleep(Math.max(1, end - Date.now())).then(() => null)]);
      if (!next || next.done) {
        break;
      }
      peak = next.value.data.reduce((most, sample) => Math.max(most, Math.abs(sample)), peak);
    }
    await reader.cancel().catch(() => {});
    return peak;
  }

  // What the receivers of sound say so far: packets and samples, and of these the ones that were made up.
  async soundStats() {
    const { subscriberStats = [], publisherStats = [] } = await this.room.getRtcStats();
    const sum = { packets: 0, lost: 0, samples: 0, concealed: 0, clock: 48_000 };
    for (const { stats } of [...subscriberStats, ...publisherStats]) {
      if (stats?.case === 'inboundRtp' && stats.value.stream?.kind === 'audio') {
        const { received, inbound } = stats.value;
        sum.packets += Number(received.packetsReceived);
        sum.lost += Number(received.packetsLost);
        sum.samples += Number(inbound.totalSamplesReceived);
        sum.concealed += Number(inbound.concealedSamples);
      }
    }
    return sum;
  }

  // Waits for decoded pictures that differ from each other; tells how many came and of what size.
  async watch(track, { count = 15, minWidth = 1, ms = 15_000 } = {}) {
    const reader = new rtc.VideoStream(track).getReader();
    const end = Date.now() + ms;
    let frames = 0, width = 0, height = 0;
    const looks = new Set();
    while ((frames < count || width < minWidth || looks.size < 3) && Date.now() < end) {
      const next = await Promise.race([reader.read(), sleep(Math.max(1, end - Date.now())).then(() => null)]);
      if (!next || next.done) {
        break;
      }
      const { frame } = next.value;
      frames++;
      ({ width, height } = frame);
      looks.add(frame.data[0] >> 3);  // The brightness of the first pixel.
    }
    await reader.cancel().catch(() => {});
    if (frames < count || width < minWidth || looks.size < 3) {
      throw new Error(`${frames} pictures in ${ms} ms, the last ${width}x${height}, ${looks.size} different ones`);
    }
    return { frames, width, height };
  }

  async leave() {
    for (const stop of this.stops.splice(0)) {
      await stop();
    }
    await this.room?.disconnect().catch(() => {});
  }
}
