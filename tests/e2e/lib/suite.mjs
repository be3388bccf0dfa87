// A suite of checks: runs them in order, prints a line for each and the counts at the end.

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function assert(condition, message) {
  if (!condition) {
    throw new Error(message);
  }
}

export function assertEqual(actual, expected, what) {
  assert(actual === expected, `${what}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
}

// Asks until the answer is truthy and gives that answer. The error tells what was seen last.
export async function until(what, ask, { ms = 10_000, every = 100 } = {}) {
  const end = Date.now() + ms;
  let last;
  do {
    last = await ask();
    if (last) {
      return last;
    }
    await sleep(every);
  } while (Date.now() < end);
  throw new Error(`${what}: not within ${ms} ms${last === undefined ? '' : `, last ${JSON.stringify(last)}`}`);
}

export class Suite {
  constructor(name, { only } = {}) {
    this.name = name;
    this.only = only;
    this.passed = 0;
    this.failed = 0;
    this.cleanups = [];
  }

  // Called after the test that is running, last one first.
  onTestEnd(cleanup) {
    this.cleanups.push(cleanup);
  }

  wants(title) {
    return !this.only || title.includes(this.only);
  }

  // `attempts` is for what a busy machine alone can spoil, like the purity of a tone; each attempt starts from nothing.
  async test(title, body, { ms = 45_000, attempts = 1 } = {}) {
    if (!this.wants(title)) {
      return;
    }
    let outcome;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      outcome = await this.#run(body, ms);
      await this.#cleanUp();
      if (!outcome.problem) {
        break;
      }
      if (attempt < attempts) {
        console.log(`# ${title}: again after: ${outcome.problem.message}`);
      }
    }
    this.#report(title, outcome);
  }

  // Tests that wait more than they work, all at once: [[title, body], ...].
  async together(tests, { ms = 60_000 } = {}) {
    const wanted = tests.filter(([title]) => this.wants(title));
    const outcomes = await Promise.all(wanted.map(([, body]) => this.#run(body, ms)));
    await this.#cleanUp();
    wanted.forEach(([title], index) => this.#report(title, outcomes[index]));
  }

  async #run(body, ms) {
    const start = Date.now();
    let timer;
    const limit = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the test did not end within ${ms} ms`)), ms);
    });
    try {
      return { detail: await Promise.race([body(), limit]), ms: Date.now() - start };
    } catch (problem) {
      return { problem, ms: Date.now() - start };
    } finally {
      clearTimeout(timer);
    }
  }

  #report(title, { problem, detail, ms }) {
    const number = this.passed + this.failed + 1;
    if (problem) {
      this.failed++;
      console.log(`not ok ${number} - ${title} (${ms} ms)`);
      console.log(String(problem.stack ?? problem).split('\n').slice(0, 6).map((line) => `    ${line}`).join('\n'));
    } else {
      this.passed++;
      console.log(`ok ${number} - ${title} (${ms} ms)${detail === undefined ? '' : ` ${JSON.stringify(detail)}`}`);
    }
  }

  async #cleanUp() {
    for (const cleanup of this.cleanups.splice(0).reverse()) {
      await Promise.race([Promise.resolve().then(cleanup).catch((error) => console.log(`# clean-up: ${error.message}`)), sleep(8000)]);
    }
  }
}

// What a test leaves behind may still fail after it, when its browser closes; that changes nothing about the counts.
process.on('unhandledRejection', (error) => console.log(`# late: ${String(error?.message ?? error).split('\n')[0]}`));
