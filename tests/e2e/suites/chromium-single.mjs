import { chromiumSuite } from './chromium.mjs';

export const run = (suite) => chromiumSuite(suite, 'single');
