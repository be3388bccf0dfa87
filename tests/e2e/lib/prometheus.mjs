// Reads Prometheus' text format, strictly: what breaks a rule of it throws.
import { assert } from './suite.mjs';

const kSample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|[-+0-9.e]+)$/;
const kLabel = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/y;

function labelsOf(text, line) {
  const labels = {};
  kLabel.lastIndex = 0;
  while (kLabel.lastIndex < text.length) {
    const at = kLabel.lastIndex;
    const match = kLabel.exec(text);
    assert(match, `labels break off at ${at}: ${line}`);
    labels[match[1]] = match[2];
  }
  return labels;
}

export class Metrics {
  constructor(text) {
    this.types = new Map();
    this.samples = [];
    assert(text.endsWith('\n'), 'the last line has no end');
    let helpOf = null;
    for (const line of text.slice(0, -1).split('\n')) {
      const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
      if (comment) {
        const [, kind, name, rest] = comment;
        if (kind === 'HELP') {
          assert(rest.length > 0, `no help for ${name}`);
          helpOf = name;
        } else {
          assert(helpOf === name && !this.types.has(name), `TYPE without its HELP, or twice: ${line}`);
          this.types.set(name, rest);
        }
        continue;
      }
      const match = kSample.exec(line);
      assert(match, `no sample: ${line}`);
      const [, name, labels = '', value] = match;
      const family = this.types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
      assert(family === helpOf, `${name} stands outside of its family`);
      this.samples.push({ name, labels: labelsOf(labels, line), value: Number(value.replace('Inf', 'Infinity')) });
    }
    const keys = this.samples.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()]));
    assert(new Set(keys).size === keys.length, 'a series occurs twice');
  }

  // The sum over the series that have these labels.
  sum(name, labels = {}) {
    const found = this.samples.filter((sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value));
    assert(found.length > 0, `no series ${name} ${JSON.stringify(labels)}`);
    return found.reduce((sum, sample) => sum + sample.value, 0);
  }

  counters() {
    return this.samples.filter(({ name }) => this.types.get(name) === 'counter' || /_(bucket|count)$/.test(name));
  }
}
