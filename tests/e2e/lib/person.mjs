// A participant in a browser, seen from the test: joins, publishes, and tells what it sees and hears.
import { assert, sleep, until } from './suite.mjs';

// What counts as media: a second of packets whose decoded sound has energy, and pictures that were decoded and move.
const kMinPackets = 40, kMinEnergy = 1e-4, kMinFrames = 10, kMinChange = 0.001, kMinDetail = 0.002;

export class Person {
  constructor(lab, server, id) {
    Object.assign(this, { lab, server, id });
  }

  #call(method, ...values) {
    return this.lab.run(`(lab, [method, id, values]) => lab[method](id, ...values)`, [method, this.id, values]);
  }

  // Runs a self-contained function in the page: await ann.run((person, argument) => ..., argument).
  run(body, argument = null) {
    return this.lab.page.evaluate(`(${body})(window.lab.people[${JSON.stringify(this.id)}], ${JSON.stringify(argument)})`);
  }

  async join(room, { mode = 'single', options = {}, connect = {}, onlyCodec, token, ...claims } = {}) {
    this.room = room;
    this.identity = claims.identity ?? this.id;
    const { identity, ...grant } = claims;
    await this.#call('join', {
      url: this.server.url,
      token: token ?? await this.server.token(this.identity, room, grant),
      room: { singlePeerConnection: mode === 'single', ...options },
      connect,
      onlyCodec,
    });
  }

  info() { return this.#call('info'); }
  received(from) { return this.#call('received', from?.identity ?? null); }
  sent() { return this.#call('sent'); }
  microphone(options) { return this.#call('publishMicrophone', options ?? {}); }
  camera(options, capture) { return this.#call('publishCamera', options ?? {}, capture ?? {}); }
  loudness(sid) { return this.#call('loudness', sid); }
  picture(sid) { return this.#call('picture', sid); }
  leave() { return this.#call('leave'); }
  now() { return this.lab.run((lab) => lab.now()); }
  events(name, since = 0) { return this.#call('events', name, since); }
  // What the server has said on the signalling connection, below the SDK, and a request of the same kind.
  signals(name, since = 0) { return this.#call('signals', name, since); }
  request(name, value) { return this.#call('request', name, value); }

  async participant(other) {
    return (await this.info()).remotes.find((remote) => remote.identity === other.identity);
  }
  sees(other) {
    return until(`${this.id} knows ${other.id}`, () => this.participant(other));
  }
  async trackOf(other, source) {
    return (await this.participant(other))?.tracks.find((track) => track.source === source);
  }
  event(name, { since = 0, where = () => true, ms = 10_000 } = {}) {
    return until(`${this.id} is told ${name}`, async () => (await this.events(name, since)).find((event) => where(event.values)), { ms });
  }

  signal(name, { since = 0, where = () => true, ms = 10_000 } = {}) {
    return until(`${this.id} is sent ${name}`, async () => (await this.signals(name, since)).map(({ value }) => value).find(where), { ms });
  }

  // Asks for a change of one subscription: setSubscribed, setEnabled, setVideoQuality.
  subscription(sid, method, value) {
    return this.lab.run((lab, [id, sid, method, value]) => {
      lab.findPublication(id, sid)[method](value);
    }, [this.id, sid, method, value]);
  }

  // New sound from `other` since this call: packets came, and what was decoded of them has energy.
  async hears(other, { ms = 20_000 } = {}) {
    let first = null;
    return until(`${this.id} hears ${other.id}`, async () => {
      const now = (await this.received(other)).find((track) => track.source === 'microphone');
      if (!now) {
        return undefined;
      }
      if (!first || first.sid !== now.sid || now.packets < first.packets) {
        first = now;  // The receiver is a new one.
      }
      const packets = now.packets - first.packets, energy = now.energy - first.energy;
      return packets >= kMinPackets && energy >= kMinEnergy && { packets, energy: Number(energy.toFixed(4)), lost: now.lost, mime: now.mime };
    }, { ms });
  }

  // New pictures from `other` since this call: frames were decoded, and the picture on the page moves and is not flat.
  async watches(other, { source = 'camera', mime, minWidth = 1, maxWidth = Infinity, ms = 20_000 } = {}) {
    let first = null;
    const frames = await until(`${this.id} watches the ${source} of ${other.id}${mime ? ` in ${mime}` : ''}${minWidth > 1 ? `, ${minWidth} wide or more` : ''}${maxWidth < Infinity ? `, ${maxWidth} wide or less` : ''}`, async () => {
      const now = (await this.received(other)).find((track) => track.source === source);
      if (!now || now.width < minWidth || now.width > maxWidth) {
        first = null;
        return undefined;
      }
      if (!first || first.sid !== now.sid || now.frames < first.frames) {
        first = now;
      }
      return now.frames - first.frames >= kMinFrames && { ...now, frames: now.frames - first.frames };
    }, { ms });
    if (mime) {
      assert(frames.mime?.toLowerCase() === mime.toLowerCase(), `decoded as ${frames.mime}, expected ${mime}`);
    }
    const picture = await until(`the picture of ${other.id} at ${this.id} moves`, async () => {
      const seen = await this.picture(frames.sid);
      return seen.changed >= kMinChange && seen.detail >= kMinDetail && seen;
    }, { ms: 8000 });
    return { width: frames.width, frames: frames.frames, mime: frames.mime, changed: Number(picture.changed.toFixed(4)) };
  }

  // No picture is decoded any more, measured over 1.5 s after what was on its way has arrived.
  async watchesNothingOf(other, source = 'camera') {
    await sleep(1500);
    const frames = async () => (await this.received(other)).find((track) => track.source === source)?.frames ?? 0;
    const before = await frames();
    await sleep(1500);
    const more = (await frames()) - before;
    assert(more <= 1, `${more} pictures of ${other.id} still arrived at ${this.id}`);
  }
}

// Makes people for one test and lets them leave at its end. Every test gets a room of its own.
export class Cast {
  static #rooms = 0;

  constructor(suite, lab, server, mode) {
    Object.assign(this, { suite, lab, server, mode });
    this.room = `room-${mode}-${++Cast.#rooms}-${Math.random().toString(36).slice(2, 7)}`;
  }

  async person(name, options = {}) {
    const person = new Person(options.lab ?? this.lab, this.server, `${name}-${this.room}`);
    this.suite.onTestEnd(() => person.leave());
    const { lab, ...rest } = options;
    await person.join(this.room, { mode: this.mode, ...rest });
    return person;
  }

  // Two people who know each other; the second one publishes what is asked for.
  async pair({ microphone = false, camera = false, ...options } = {}) {
    const [ann, ben] = await Promise.all([this.person('ann', options), this.person('ben', options)]);
    await Promise.all([ann.sees(ben), ben.sees(ann)]);
    if (microphone) {
      await ben.microphone();
    }
    if (camera) {
      await ben.camera({ simulcast: true, videoCodec: 'vp8' });
    }
    return [ann, ben];
  }
}
