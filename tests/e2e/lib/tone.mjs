// What a piece of decoded sound is: its strongest frequency, how pure that is, and where it has holes.

// The power of one frequency (Goertzel's algorithm).
function powerAt(samples, rate, hertz) {
  const coefficient = 2 * Math.cos((2 * Math.PI * hertz) / rate);
  let one = 0, two = 0;
  for (const sample of samples) {
    [one, two] = [sample + coefficient * one - two, one];
  }
  return one * one + two * two - coefficient * one * two;
}

function peak(samples, rate, from, to, step) {
  let best = { hertz: from, power: -1 };
  for (let hertz = from; hertz <= to; hertz += step) {
    const power = powerAt(samples, rate, hertz);
    if (power > best.power) {
      best = { hertz, power };
    }
  }
  return best;
}

const kBlockSeconds = 0.01;
const kFineSeconds = 0.0025;  // Long enough for the loudness of a tone from 400 Hz on.

function loudnessOf(samples, size) {
  const loudness = [];
  for (let at = 0; at + size <= samples.length; at += size) {
    const block = samples.subarray(at, at + size);
    loudness.push(Math.sqrt(block.reduce((sum, sample) => sum + sample * sample, 0) / size));
  }
  return loudness;
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

// The silences in a tone that should not pause: where each begins and how long it is, both in milliseconds. Silent is a
// quarter of a frame of 10 ms whose loudness is below a fifth of the usual one.
export function silencesOf(samples, rate) {
  const loudness = loudnessOf(samples, Math.round(rate * kFineSeconds));
  const limit = median(loudness) / 5;
  const silences = [];
  let length = 0;
  for (const [i, value] of [...loudness, Infinity].entries()) {
    if (value < limit) {
      length++;
    } else if (length > 0) {
      silences.push({ at: (i - length) * kFineSeconds * 1000, ms: length * kFineSeconds * 1000 });
      length = 0;
    }
  }
  return silences;
}

// Samples are signed 16 bit, mono. `purity` is the share of the energy at `hertz`; a gap is a block of 10 ms whose loudness
// is below a fifth of the usual one.
export function spectrumOf(samples, rate) {
  const second = samples.subarray(0, rate);
  const coarse = peak(second, rate, 100, 4000, 10);
  const fine = peak(second, rate, coarse.hertz - 10, coarse.hertz + 10, 0.25);
  const energy = second.reduce((sum, sample) => sum + sample * sample, 0);
  const size = Math.round(rate * kBlockSeconds);
  const loudness = loudnessOf(samples, size);
  const usual = median(loudness);
  return {
    hertz: fine.hertz,
    purity: energy > 0 ? (2 * fine.power) / (second.length * energy) : 0,
    gaps: loudness.filter((value) => value < usual / 5).length,
    blocks: loudness.length,
    loudness: Math.round(usual),
  };
}
