// What runs inside the browser for the join benchmark. Each function is handed to the page as its source text, so it may use
// nothing but its arguments and what the page has.

// Keeps the times and sizes of every WebSocket's beginning in window.sockets.
export function spyOnSockets() {
  window.sockets = [];
  window.rooms = {};
  window.WebSocket = class extends window.WebSocket {
    constructor(...values) {
      super(...values);
      const record = { created: performance.now() };
      window.sockets.push(record);
      this.addEventListener('open', () => {
        record.open = performance.now();
      });
      this.addEventListener('message', ({ data }) => {
        record.first ??= performance.now();
        record.bytes ??= data.byteLength ?? data.size ?? data.length;
      });
    }
  };
}

// Joins and waits for the first packet of sound and the first picture, where `media` says that there are some.
export async function join(lab, { id, url, token, single, media }) {
  const room = new lab.LiveKit.Room({ singlePeerConnection: single });
  window.rooms[id] = room;
  const start = performance.now();
  const times = {};
  let haveAudio, haveVideo;
  const audio = new Promise((resolve) => { haveAudio = resolve; });
  const video = new Promise((resolve) => { haveVideo = resolve; });
  room.on('trackSubscribed', (track) => {
    if (track.kind === 'audio') {
      const here = () => {
        times.firstAudioPacket ??= performance.now() - start;
        haveAudio();
      };
      track.attach();
      // A remote track is muted until its first packet.
      return track.mediaStreamTrack.muted ? track.mediaStreamTrack.addEventListener('unmute', here, { once: true }) : here();
    }
    const element = track.attach();
    document.body.append(element);
    element.requestVideoFrameCallback(() => {
      times.firstVideoFrame ??= performance.now() - start;
      haveVideo();
    });
    return undefined;
  });
  const socketsBefore = window.sockets.length;
  await room.connect(url, token);
  times.connect = performance.now() - start;
  if (media) {
    await Promise.race([Promise.all([audio, video]), new Promise((_, reject) => setTimeout(() => reject(new Error('no media within 20 s')), 20_000))]);
  }
  const socket = window.sockets.slice(socketsBefore).find(({ bytes }) => bytes);
  return { ...times, firstMessage: socket.first - socket.open, joinBytes: socket.bytes };
}

export async function publish(lab, id) {
  const { localParticipant } = window.rooms[id];
  const sound = await lab.LiveKit.createLocalAudioTrack({ echoCancellation: false, noiseSuppression: false, autoGainControl: false });
  const picture = await lab.LiveKit.createLocalVideoTrack({ resolution: { width: 640, height: 360, frameRate: 30 } });
  await localParticipant.publishTrack(sound);
  await localParticipant.publishTrack(picture, { simulcast: true, videoCodec: 'vp8' });
}

// Loses the signalling; tells how long it took from the open WebSocket until every connection had its path again: one found
// with the credentials of the ICE restart. Chromium's connection state does not change on the way, so the path itself is looked at.
export async function resume(lab, id) {
  const room = window.rooms[id];
  const { publisher, subscriber } = room.engine.pcManager;
  const connections = [publisher, subscriber].map((transport) => transport?._pc).filter(Boolean);
  const ufragOf = (connection) => /a=ice-ufrag:(\S+)/.exec(connection.localDescription.sdp)[1];
  const before = window.sockets.length;

  const pathOf = async (connection, old, end) => {
    let changed = 0;
    const transport = connection.sctp?.transport?.iceTransport ?? connection.getReceivers().find((receiver) => receiver.transport)?.transport.iceTransport;
    transport?.addEventListener('selectedcandidatepairchange', () => {
      changed = performance.now();
    });
    while (performance.now() < end) {
      const stats = await connection.getStats();  // The browser makes new ones every 50 ms, so the event's time is the better one.
      const pair = stats.get([...stats.values()].find(({ type, dtlsState }) => type === 'transport' && dtlsState)?.selectedCandidatePairId);
      const { usernameFragment } = stats.get(pair?.localCandidateId) ?? {};
      if (usernameFragment === ufragOf(connection) && usernameFragment !== old) {
        return changed || performance.now();
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error('no path with new credentials');
  };

  const paths = connections.map((connection) => pathOf(connection, ufragOf(connection), performance.now() + 20_000));
  const back = new Promise((resolve, reject) => {
    room.once('reconnected', resolve);
    setTimeout(() => reject(new Error('not back within 30 s')), 30_000);
  });
  await room.simulateScenario('signal-reconnect');
  const last = Math.max(...await Promise.all(paths));
  await back;
  const socket = window.sockets.slice(before).find(({ first }) => first);
  return { resume: last - socket.open, resumeAnswer: socket.first - socket.open };
}

export async function leave(lab, id) {
  await window.rooms[id]?.disconnect();
  delete window.rooms[id];
}
