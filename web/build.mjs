// Bundles the call page into one self-contained HTML file: node build.mjs [OUTPUT_FOLDER]
// Runs on Node 18, which is what Debian 12 ships.
import { build } from 'esbuild';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(here, 'dist'));

async function bundle(entry, options = {}) {
  const result = await build({
    entryPoints: [path.join(here, 'src', entry)],
    bundle: true,
    minify: true,
    write: false,
    legalComments: 'none',
    logLevel: 'warning',
    absWorkingDir: here,
    ...options,
  });
  return result.outputFiles[0].text;
}

const [html, style, script] = await Promise.all([
  readFile(path.join(here, 'src', 'index.html'), 'utf8'),
  bundle('style.css'),
  bundle('main.js', { format: 'iife', target: ['es2021'], platform: 'browser' }),
]);

// A function as the replacement: a string would give "$&" inside the bundle a meaning.
const inline = (text, marker, body) => {
  if (!text.includes(marker)) {
    throw new Error(`src/index.html has no ${marker}`);
  }
  return text.replace(marker, () => body);
};
// The parser ends a script at "</script" wherever it stands, in a string of the bundle too.
const safeScript = script.replaceAll('</script', '<\\/script');
const page = inline(inline(html, '<!-- style -->', `<style>${style}</style>`), '<!-- script -->', `<script>${safeScript}</script>`);

await mkdir(out, { recursive: true });
await writeFile(path.join(out, 'index.html'), page);
console.log(`call page: ${Math.round(page.length / 1024)} KiB`);
