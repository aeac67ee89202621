#!/usr/bin/env node
// Plays a channel in headless Chromium and prints what a viewer saw as one JSON object. Exit status 1: it has `faults`.
// usage: play.mjs URL --player=hls.js|shaka|dashjs|native [--seconds=60] [--start-limit=20] [--behind=SECONDS]
//          [--catch-up] [--glass] [--json]
//        play.mjs --check    only says whether the browser and its players are installed
//   --behind    hls.js stays so far behind live, without low latency, and has as much in its buffer
//   --catch-up  hls.js plays faster until it is as close to live as the playlist asks, which is not its default
//   --glass     also reads the clock that clock.sh draws: milliseconds from the drawing of a picture until it is shown
//   --json      prints the object on one line
// The report: `start_ms` until the first picture; `played_s`, `stalls` and `jumps` of the position; `waits`, how often
// the buffer ran dry, whether a viewer noticed or not; `freeze_ms`, the longest time with one picture; `latency_s`, the
// median of the latencies that the library reports; `discontinuities` and `switches` of the bit rate, null if the
// player does not tell; `faults`, what a viewer would have noticed.
// The page comes from another origin than the channel, so the channel's CORS headers are tested too.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { libraries } from './libraries.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const names = ['hls.js', 'shaka', 'dashjs', 'native'];
const flags = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--no-first-run', '--autoplay-policy=no-user-gesture-required', '--disable-quic',
  '--disable-dev-shm-usage', '--disable-crash-reporter', '--enable-logging=stderr',
];
// Added to the time limits for start and playing: Chromium's own start on a busy machine, and the report.
const spare_s = 60;

function die(text) {
  console.error(`play.mjs: ${text}`);
  process.exit(2);
}

function options() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        player: { type: 'string' },
        seconds: { type: 'string', default: '60' },
        'start-limit': { type: 'string', default: '20' },
        behind: { type: 'string' },
        'catch-up': { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        glass: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    if (values.check) return values;
    if (positionals.length !== 1) die('expects one URL');
    if (!names.includes(values.player)) die(`--player is one of ${names.join(', ')}`);
    for (const name of ['behind', 'catch-up'])
      if (values[name] && values.player !== 'hls.js') die(`--${name} is for hls.js`);
    for (const name of ['seconds', 'start-limit', 'behind'])
      if (values[name] !== undefined && !(Number(values[name]) > 0)) die(`--${name} is a number above 0`);
    return { ...values, url: positionals[0], start_limit: values['start-limit'] };
  } catch (error) {
    return die(error.message);
  }
}

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-headless-shell'].find(existsSync);
if (!chromium) die('Chromium is not installed: run scripts/setup --browser');

const wanted = options();
let modules;
try {
  modules = libraries();
} catch (error) {
  die(error.message);
}
if (wanted.check) process.exit(0);
const files = {
  '/page.js': join(here, 'page.js'),
  '/players.js': join(here, 'players.js'),
  '/frame_code.js': join(here, 'frame_code.js'),
  '/hls.js': join(modules, 'hls.js/dist/hls.min.js'),
  '/shaka.js': join(modules, 'shaka-player/dist/shaka-player.compiled.js'),
  '/dash.js': join(modules, 'dashjs/dist/modern/umd/dash.all.min.js'),
};
const html = '<!doctype html><video playsinline crossorigin="anonymous" width="640" height="360"></video>'
  + '<script type="module" src="/page.js"></script>';

const profile = mkdtempSync(join(tmpdir(), 'play-'));
let browser = null;
let log = '';

function leave(status) {
  browser?.removeAllListeners('exit');
  try {
    if (browser?.pid) process.kill(-browser.pid, 'SIGKILL'); // all of its processes, which would still write
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  } finally {
    process.exit(status);
  }
}

function without_report(text) {
  const words = log.split('\n').filter((line) => !line.includes('/dbus/'));
  console.error(`play.mjs: ${text}; Chromium's last words:\n${words.slice(-15).join('\n')}`);
  leave(1);
}

// Lists what a viewer would have noticed; empty if all was good.
function judge(report) {
  const faults = [];
  if (report.errors.length) faults.push('errors');
  if (report.stalls.length) faults.push('stalls');
  if (report.jumps.length) faults.push('jumps');
  if (report.freeze_ms > 1000) faults.push('freeze');
  if (!report.audio_bytes) faults.push('no sound');
  if (report.glass_ms && !report.glass_ms.pictures) faults.push('no clock in the picture');
  return faults;
}

function on_report(body) {
  const report = { player: wanted.player, url: wanted.url, ok: false, faults: [], ...JSON.parse(body) };
  report.faults = judge(report);
  report.ok = report.faults.length === 0;
  console.log(JSON.stringify(report, null, wanted.json ? 0 : 2));
  leave(report.ok ? 0 : 1);
}

const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  if (request.method === 'POST' && path === '/report') {
    let body = '';
    request.on('data', (data) => (body += data));
    request.on('end', () => on_report(body));
  } else if (path === '/') {
    response.setHeader('Content-Type', 'text/html; charset=utf-8').end(html);
  } else if (files[path]) {
    response.setHeader('Content-Type', 'text/javascript; charset=utf-8').end(readFileSync(files[path]));
  } else {
    response.writeHead(404).end();
  }
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => leave(1));
const limit_s = Number(wanted.start_limit) + Number(wanted.seconds) + spare_s;
setTimeout(() => without_report('no report came in time'), 1000 * limit_s);
server.listen(0, '127.0.0.1', () => {
  const { url, player, seconds, start_limit } = wanted;
  const query = new URLSearchParams({ url, player, seconds, start_limit });
  if (wanted.glass) query.set('glass', '');
  if (wanted['catch-up']) query.set('catch_up', '');
  if (wanted.behind) query.set('behind', wanted.behind);
  const page = `http://127.0.0.1:${server.address().port}/?${query}`;
  // The browser ends with this program, however this one ends.
  // No other host is reached: without UTCTiming in the manifest, dash.js would ask its maker's time server.
  const hosts = `MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE ${new URL(url).hostname}`;
  const more = [`--host-resolver-rules=${hosts}`, `--user-data-dir=${profile}`, page];
  browser = spawn('setpriv', ['--pdeathsig', 'KILL', chromium, ...flags, ...more], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: profile, TMPDIR: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile },
    detached: true,
  });
  browser.stderr.on('data', (data) => (log = (log + data).slice(-20000)));
  browser.on('error', (error) => without_report(error.message));
  browser.on('exit', (code, signal) => without_report(`Chromium ended (${signal ?? code})`));
});
