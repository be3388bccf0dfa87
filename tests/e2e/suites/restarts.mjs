// A server that is started and stopped time and again, on the same ports, is up and gone within a moment. `--full` or
// WEIR_RESTARTS_FULL=1: 70 times within a second each; else 20 times with the patience that a shared machine needs.
import { Server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';

const kFull = process.env.WEIR_RESTARTS_FULL === '1' || process.argv.includes('--full');
const [kTimes, kLimitMs] = kFull ? [70, 1000] : [20, 3000];

function figures(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: Math.round(sorted[sorted.length >> 1]), max: Math.round(sorted.at(-1)) };
}

export async function run(suite) {
  const starts = [], stops = [];
  await suite.test(`${kTimes} starts and stops in a row, each within ${kLimitMs} ms`, async () => {
    const server = await Server.start(suite.name);
    suite.onTestEnd(() => server.stop());
    for (let round = 1; ; round++) {
      starts.push(server.startedInMs);
      await server.stop();
      stops.push(server.stoppedInMs);
      assert(starts.at(-1) < kLimitMs, `start ${round} took ${Math.round(starts.at(-1))} ms`);
      assert(stops.at(-1) < kLimitMs, `stop ${round} took ${Math.round(stops.at(-1))} ms`);
      if (round === kTimes) {
        break;
      }
      await server.startAgain();
    }
    return { times: starts.length, startMs: figures(starts), stopMs: figures(stops) };
  }, { ms: kTimes * kLimitMs * 2 + 10_000 });
}
