// What can be measured about a track in the page: the picture's movement and the sound's strength.
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const kWidth = 160, kHeight = 90;

function grab(video) {
  const canvas = Object.assign(document.createElement('canvas'), { width: kWidth, height: kHeight });
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(video, 0, 0, kWidth, kHeight);
  return context.getImageData(0, 0, kWidth, kHeight).data;
}

// Two looks at a playing <video>: the share of pixels that changed between them, and how much of the picture is not one
// flat colour. A frozen, black or grey picture has a zero in one of the two.
export async function pictureOf(video, apartMs = 500) {
  if (!video || video.readyState < 2) {
    return { changed: 0, detail: 0, width: 0 };
  }
  const before = grab(video);
  await sleep(apartMs);
  const after = grab(video);
  let changed = 0, detail = 0;
  for (let i = 0; i < after.length; i += 4) {
    const delta = Math.abs(after[i] - before[i]) + Math.abs(after[i + 1] - before[i + 1]) + Math.abs(after[i + 2] - before[i + 2]);
    changed += delta > 40 ? 1 : 0;
    const from = Math.abs(after[i] - after[0]) + Math.abs(after[i + 1] - after[1]) + Math.abs(after[i + 2] - after[2]);
    detail += from > 40 ? 1 : 0;
  }
  const pixels = after.length / 4;
  return { changed: changed / pixels, detail: detail / pixels, width: video.videoWidth };
}

// The largest loudness (root mean square, 0 to 1) that Web Audio hears of a track within the time.
export async function loudnessOf(track, ms = 2500) {
  const context = new AudioContext();
  try {
    await context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    for (const end = performance.now() + ms; performance.now() < end;) {
      await sleep(40);
      analyser.getFloatTimeDomainData(samples);
      loudest = Math.max(loudest, Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length));
    }
    return loudest;
  } finally {
    await context.close();
  }
}

// A silent loopback of one's own: what the measures say about known signals (suites/lab.mjs).
export async function loopback(stream) {
  const [one, other] = [new RTCPeerConnection(), new RTCPeerConnection()];
  one.onicecandidate = (event) => event.candidate && other.addIceCandidate(event.candidate);
  other.onicecandidate = (event) => event.candidate && one.addIceCandidate(event.candidate);
  const received = new MediaStream();
  other.ontrack = (event) => received.addTrack(event.track);
  stream.getTracks().forEach((track) => one.addTrack(track, stream));
  await one.setLocalDescription();
  await other.setRemoteDescription(one.localDescription);
  await other.setLocalDescription();
  await one.setRemoteDescription(other.localDescription);
  const element = document.createElement('video');
  Object.assign(element, { autoplay: true, srcObject: received });
  document.body.append(element);
  const stats = async () => [...(await other.getStats()).values()].filter((s) => s.type === 'inbound-rtp');
  return { element, received, stats, close: () => { one.close(); other.close(); element.remove(); } };
}
