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

// Samples are signed 16 bit, mono. `purity` is the share of the energy at `hertz`; a gap is a block of 10 ms whose loudness
// is below a fifth of the usual one.
export function spectrumOf(samples, rate) {
  const second = samples.subarray(0, rate);
  const coarse = peak(second, rate, 100, 4000, 10);
  const fine = peak(second, rate, coarse.hertz - 10, coarse.hertz + 10, 0.25);
  const energy = second.reduce((sum, sample) => sum + sample * sample, 0);
  const size = Math.round(rate * kBlockSeconds);
  const loudness = [];
  for (let at = 0; at + size <= samples.length; at += size) {
    const block = samples.subarray(at, at + size);
    loudness.push(Math.sqrt(block.reduce((sum, sample) => sum + sample * sample, 0) / size));
  }
  const usual = [...loudness].sort((a, b) => a - b)[loudness.length >> 1] ?? 0;
  return {
    hertz: fine.hertz,
    purity: energy > 0 ? (2 * fine.power) / (second.length * energy) : 0,
    gaps: loudness.filter((value) => value < usual / 5).length,
    blocks: loudness.length,
    loudness: Math.round(usual),
  };
}
