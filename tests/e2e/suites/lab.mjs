// The measures that the other suites rely on, held against signals that are known: a test of the tests. Needs no server.
import { Lab } from '../lib/browser.mjs';
import { assert } from '../lib/suite.mjs';
import { spectrumOf } from '../lib/tone.mjs';

async function look(lab, kind) {
  return lab.run(async (lab, kind) => {
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const streams = {
      devices: () => navigator.mediaDevices.getUserMedia({ video: true, audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } }),
      screen: () => navigator.mediaDevices.getDisplayMedia({ video: true }),
      still: async () => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
        const context = canvas.getContext('2d');
        const paint = () => {
          context.fillStyle = '#444';
          context.fillRect(0, 0, 640, 360);
        };
        paint();
        setInterval(paint, 50);
        const sound = new AudioContext();
        return new MediaStream([...canvas.captureStream(20).getTracks(), ...sound.createMediaStreamDestination().stream.getTracks()]);
      },
    };
    const stream = await streams[kind]();
    const loop = await lab.measure.loopback(stream);
    await wait(3000);
    const before = await loop.stats();
    const picture = await lab.measure.pictureOf(loop.element);
    const audio = loop.received.getAudioTracks()[0];
    const loudness = audio ? await lab.measure.loudnessOf(audio) : null;
    const after = await loop.stats();
    const grew = (type, field) => (after.find((s) => s.kind === type)?.[field] ?? 0) - (before.find((s) => s.kind === type)?.[field] ?? 0);
    const result = { picture, loudness, frames: grew('video', 'framesDecoded'), energy: grew('audio', 'totalAudioEnergy'), packets: grew('audio', 'packetsReceived') };
    loop.close();
    stream.getTracks().forEach((track) => track.stop());
    return result;
  }, kind);
}

export async function run(suite) {
  const lab = await Lab.open('chromium');
  try {
    await suite.test('a fake camera and microphone measure as moving and loud', async () => {
      const seen = await look(lab, 'devices');
      assert(seen.picture.changed > 0.001 && seen.picture.detail > 0.01 && seen.frames > 10, JSON.stringify(seen));
      assert(seen.loudness > 0.005 && seen.energy > 1e-4 && seen.packets > 40, JSON.stringify(seen));
      return seen;
    }, { attempts: 2 });
    await suite.test('a shared screen measures as moving', async () => {
      const seen = await look(lab, 'screen');
      assert(seen.picture.changed > 0.001 && seen.picture.detail > 0.01 && seen.frames > 5, JSON.stringify(seen));
      return seen;
    }, { attempts: 2 });
    await suite.test('a still picture and silence measure as still and silent', async () => {
      const seen = await look(lab, 'still');
      assert(seen.frames > 5, 'the still picture did not arrive at all');
      assert(seen.picture.changed < 0.001 && seen.picture.detail < 0.01, JSON.stringify(seen));
      assert(seen.loudness < 0.005 && seen.energy < 1e-4, JSON.stringify(seen));
      return seen;
    });
  } finally {
    await lab.close();
  }
  await suite.test('the tone measure finds frequency, gaps and noise', async () => {
    const rate = 16_000;
    const tone = Int16Array.from({ length: rate * 2 }, (_, n) => 12_000 * Math.sin((2 * Math.PI * 1000 * n) / rate));
    const clean = spectrumOf(tone, rate);
    assert(Math.abs(clean.hertz - 1000) < 1 && clean.purity > 0.99 && clean.gaps === 0, JSON.stringify(clean));
    const holed = tone.slice();
    holed.fill(0, rate, rate + rate / 25);
    assert(spectrumOf(holed, rate).gaps >= 3, `40 ms of silence are ${spectrumOf(holed, rate).gaps} gaps`);
    const noise = Int16Array.from({ length: rate }, () => 20_000 * (Math.random() - 0.5));
    assert(spectrumOf(noise, rate).purity < 0.2, 'noise passes as a tone');
  });
}
