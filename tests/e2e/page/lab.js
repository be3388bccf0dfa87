// In the page: participants made of the stock livekit-client, driven from outside by window.lab.
import * as LiveKit from 'livekit-client';
import { loopback, loudnessOf, pictureOf } from './measure.js';

const people = {};

const brief = (value) => {
  if (value instanceof Uint8Array) {
    return new TextDecoder().decode(value.subarray(0, 4000));
  }
  if (Array.isArray(value)) {
    return value.map(brief);
  }
  if (value?.trackSid) {
    return { sid: value.trackSid, kind: value.kind, source: value.source };
  }
  if (value?.identity !== undefined) {
    return { identity: value.identity };
  }
  if (value?.info?.sid) {
    return { sid: value.info.sid, name: value.info.name };  // A data track.
  }
  if (value?.toJson) {
    return value.toJson();
  }
  if (value && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, brief(part)]));
  }
  return value === null || ['string', 'number', 'boolean'].includes(typeof value) ? value : undefined;
};

// Room options that cannot be written as JSON: how long the signalling stays down, and the key of end-to-end encryption.
async function optionsOf({ retryAfterMs, key, ...options }) {
  if (retryAfterMs) {
    options.reconnectPolicy = { nextRetryDelayInMs: ({ retryCount }) => (retryCount === 0 ? retryAfterMs : 300) };
  }
  if (key) {
    const keyProvider = new LiveKit.ExternalE2EEKeyProvider();
    await keyProvider.setKey(key);
    options.encryption = { keyProvider, worker: new Worker('/e2ee-worker.js') };
  }
  return options;
}

// A connection of a browser that knows this video codec alone.
const narrowTo = (mime) => class extends RTCPeerConnection {
  #narrow() {
    const codecs = RTCRtpReceiver.getCapabilities('video').codecs.filter((codec) => codec.mimeType.toLowerCase() === mime);
    this.getTransceivers().filter((transceiver) => transceiver.receiver.track.kind === 'video').forEach((transceiver) => transceiver.setCodecPreferences(codecs));
  }
  createOffer(...values) {
    this.#narrow();
    return super.createOffer(...values);
  }
  createAnswer(...values) {
    this.#narrow();
    return super.createAnswer(...values);
  }
};

// Writes down what the server says on the signalling connection, as JSON.
function recordSignals(person) {
  const { client } = person.room.engine;
  const handle = client.handleSignalResponse;
  client.handleSignalResponse = function (response) {
    const { case: name, value } = response.message;
    person.signals.push({ at: performance.now(), name, value: value?.toJson ? value.toJson() : String(value) });  // A pong is a BigInt.
    return handle.call(this, response);
  };
}

async function join(id, { url, token, room: roomOptions = {}, connect = {}, onlyCodec }) {
  const options = await optionsOf(roomOptions);
  const room = new LiveKit.Room(options);
  const person = { id, room, LiveKit, events: [], signals: [], elements: new Map() };
  people[id] = person;
  recordSignals(person);
  if (options.encryption) {
    await room.setE2EEEnabled(true);
  }
  for (const name of Object.values(LiveKit.RoomEvent)) {
    room.on(name, (...values) => person.events.push({ at: performance.now(), name, values: values.slice(0, 4).map(brief) }));
  }
  room.on(LiveKit.RoomEvent.TrackSubscribed, (track, publication) => {
    const element = track.attach();
    element.muted = false;  // A muted element lets the browser skip the decoder's energy figures.
    element.style.cssText = 'width:640px;height:360px';
    document.body.append(element);
    person.elements.set(publication.trackSid, element);
  });
  room.on(LiveKit.RoomEvent.TrackUnsubscribed, (track, publication) => {
    track.detach().forEach((element) => element.remove());
    person.elements.delete(publication.trackSid);
  });
  if (!onlyCodec) {
    await room.connect(url, token, connect);
    return;
  }
  const stock = window.RTCPeerConnection;
  window.RTCPeerConnection = narrowTo(onlyCodec);  // For all who join at this time: such a one joins alone.
  try {
    await room.connect(url, token, connect);
  } finally {
    window.RTCPeerConnection = stock;
  }
}

const publicationInfo = (publication) => ({
  sid: publication.trackSid, kind: publication.kind, source: publication.source, muted: publication.isMuted,
  subscribed: publication.isSubscribed, simulcast: publication.simulcasted, mime: publication.mimeType,
});
const participantInfo = (participant) => ({
  sid: participant.sid, identity: participant.identity, name: participant.name, metadata: participant.metadata,
  attributes: { ...participant.attributes }, speaking: participant.isSpeaking,
  tracks: [...participant.trackPublications.values()].map(publicationInfo),
});

function info(id) {
  const { room } = people[id];
  return {
    state: room.state, mode: room.engine?.pcManager?.mode, name: room.name,
    server: room.serverInfo && { version: room.serverInfo.version, protocol: room.serverInfo.protocol },
    local: participantInfo(room.localParticipant),
    remotes: [...room.remoteParticipants.values()].map(participantInfo),
  };
}

const kPlainSound = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, voiceIsolation: false };

async function publish(id, track, options) {
  try {
    return publicationInfo(await people[id].room.localParticipant.publishTrack(track, options));
  } catch (error) {
    track.stop();  // A device that stays open would burden the tests that follow.
    throw error;
  }
}

async function publishMicrophone(id, { muted = false, ...options } = {}) {
  const track = await LiveKit.createLocalAudioTrack(kPlainSound);  // Noise suppression takes a fake beep for noise.
  if (muted) {
    await track.mute();
  }
  return publish(id, track, options);
}

async function publishCamera(id, { muted = false, ...options } = {}, { width = 960, height = 540, frameRate = 15 } = {}) {
  const track = await LiveKit.createLocalVideoTrack({ resolution: { width, height, frameRate } });
  if (muted) {
    await track.mute();
  }
  return publish(id, track, options);
}

const publicationsOf = (id, from) => [...people[id].room.remoteParticipants.values()]
  .filter((participant) => !from || participant.identity === from)
  .flatMap((participant) => [...participant.trackPublications.values()].map((publication) => ({ participant, publication })));

const findPublication = (id, sid) => publicationsOf(id).map(({ publication }) => publication).find((p) => p.trackSid === sid);

// What arrives, by the receivers' own statistics.
async function received(id, from) {
  const tracks = [];
  for (const { participant, publication } of publicationsOf(id, from)) {
    const receiver = publication.track?.receiver;
    const stats = receiver ? [...(await receiver.getStats()).values()] : [];
    const stream = stats.find((s) => s.type === 'inbound-rtp');
    if (stream) {
      tracks.push({
        from: participant.identity, sid: publication.trackSid, kind: publication.kind, source: publication.source,
        mime: stats.find((s) => s.id === stream.codecId)?.mimeType, packets: stream.packetsReceived, lost: stream.packetsLost,
        frames: stream.framesDecoded ?? 0, width: stream.frameWidth ?? 0, energy: stream.totalAudioEnergy ?? 0,
        ssrc: stream.ssrc,
      });
    }
  }
  return tracks;
}

const transportsOf = (id) => {
  const manager = people[id].room.engine?.pcManager;
  return [manager?.publisher, manager?.subscriber].filter(Boolean).map((transport) => transport._pc).filter(Boolean);
};
const ufragOf = (description) => /a=ice-ufrag:(\S+)/.exec(description?.sdp ?? '')?.[1] ?? null;

// What leaves, and over which path.
async function sent(id) {
  const result = { streams: [], paths: [] };
  for (const connection of transportsOf(id)) {
    const stats = [...(await connection.getStats()).values()];
    const byId = (key) => stats.find((s) => s.id === key);
    for (const s of stats.filter((x) => x.type === 'outbound-rtp')) {
      const report = stats.find((x) => x.type === 'remote-inbound-rtp' && x.ssrc === s.ssrc);
      result.streams.push({ kind: s.kind, rid: s.rid ?? null, width: s.frameWidth ?? 0, frames: s.framesEncoded ?? 0, bytes: s.bytesSent, mime: byId(s.codecId)?.mimeType, rtt: report?.roundTripTime ?? null });
    }
    for (const s of stats.filter((x) => x.type === 'transport')) {
      const pair = byId(s.selectedCandidatePairId);
      result.paths.push({
        dtls: s.dtlsState, cipher: s.srtpCipher, state: connection.connectionState,
        protocol: pair && byId(pair.localCandidateId)?.protocol, remote: pair && byId(pair.remoteCandidateId)?.address,
        localUfrag: ufragOf(connection.localDescription), remoteUfrag: ufragOf(connection.remoteDescription),
      });
    }
  }
  return result;
}

async function leave(id) {
  const person = people[id];
  if (!person) {
    return;
  }
  delete people[id];
  await person.room.disconnect();
  person.elements.forEach((element) => element.remove());
}

window.lab = {
  LiveKit, people, join, info, publishMicrophone, publishCamera, findPublication, received, sent, leave,
  picture: (id, sid) => pictureOf(people[id].elements.get(sid)),
  loudness: (id, sid) => loudnessOf(findPublication(id, sid).track.mediaStreamTrack),
  events: (id, name, since) => people[id].events.filter((event) => (!name || event.name === name) && event.at >= since),
  signals: (id, name, since) => people[id].signals.filter((signal) => (!name || signal.name === name) && signal.at >= since),
  request: (id, name, value) => people[id].room.engine.client.sendRequest({ case: name, value }),
  now: () => performance.now(),
  measure: { loopback, loudnessOf, pictureOf },
};
