// Runs suites with real clients: node run.mjs [--list] [--only=TEXT] [SUITE...]
// WEIR_BIN names the server; WEIR_LOG=debug makes it talk; WEIR_E2E_VERBOSE=1 shows the pages' consoles.
import { Suite } from './lib/suite.mjs';

const kSuites = ['lab', 'call-page', 'chromium-dual', 'chromium-single', 'chromium-features', 'firefox', 'metrics', 'guards', 'agents',
  'webhooks', 'server-api', 'flood', 'restarts', 'rtc-node-features', 'rtc-node'];
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));

if (flags.includes('--list')) {
  console.log(kSuites.join('\n'));
  process.exit(0);
}
const unknown = names.filter((name) => !kSuites.includes(name));
if (unknown.length) {
  console.error(`no suite is called ${unknown.join(', ')}; there are ${kSuites.join(', ')}`);
  process.exit(2);
}
const only = flags.find((flag) => flag.startsWith('--only='))?.slice('--only='.length);

let passed = 0, failed = 0;
for (const name of names.length ? names : kSuites) {
  const suite = new Suite(name, { only });
  console.log(`# suite ${name}`);
  try {
    const { run } = await import(`./suites/${name}.mjs`);
    await run(suite);
  } catch (error) {
    suite.failed++;
    console.log(`not ok - suite ${name} broke off: ${error.stack ?? error}`);
  }
  passed += suite.passed;
  failed += suite.failed;
}
console.log(`${passed} passed, ${failed} failed`);
// Handles of the SDKs (sockets, worker threads) would keep the process; everything of ours has been closed. The native SDK can't be
// used again once it was disposed of, so no suite does that.
process.exit(failed === 0 && passed > 0 ? 0 : 1);
