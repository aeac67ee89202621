// Plays a channel in this page as a viewer would, and reports once what the viewer saw: see play.mjs for the fields.
import { code_reader } from './frame_code.js';
import { players } from './players.js';

const query = new URLSearchParams(location.search);
const url = query.get('url');
const run_ms = 1000 * Number(query.get('seconds'));
const start_limit_ms = 1000 * Number(query.get('start_limit'));
const poll_ms = 50;
// A position that stands still for longer than this is a stall. The second limit applies if the element itself waits.
const still_ms_max = 200;
const waiting_ms_max = 100;
// A position may run ahead of the wall clock: players catch up with live by up to half as fast again.
const rate_max = 1.5;
const jump_s_min = 0.15;

const video = document.querySelector('video');
const seen = {
  errors: [],
  discontinuities: 0,
  switches: 0,
  error(what, fatal, url) {
    const text = what.trim();
    const same = seen.errors.find((error) => error.text === text);
    if (same) ++same.count;
    else if (seen.errors.length < 20) seen.errors.push({ at_ms: at_ms(performance.now()), count: 1, fatal, text, url });
    if (fatal) finish();
  },
};

let began = performance.now();
let first_picture = null;
let last_picture = null;
let freeze_ms = 0;
let played_s = 0;
let position = 0;
let advanced = 0; // when the position last moved
let polled = 0;
let waiting = false;
let waits = 0;
const stalls = [];
const jumps = [];
const latencies = [];
const glass = [];
let unreadable = 0;
let told = {};
let finished = false;

const at_ms = (time) => Math.round(time - began);

function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

function on_picture(now) {
  video.requestVideoFrameCallback(on_picture);
  if (first_picture === null) {
    first_picture = now;
    position = video.currentTime;
    advanced = polled = performance.now();
    setInterval(poll, poll_ms);
    setTimeout(finish, run_ms);
  } else {
    freeze_ms = Math.max(freeze_ms, now - last_picture);
  }
  last_picture = now;
  if (!reader) return;
  const code = reader.read(video);
  if (code === null) ++unreadable;
  else glass.push((Date.now() - code) % 2 ** 32);
}

function note_stall(still_ms) {
  const limit_ms = waiting ? waiting_ms_max : still_ms_max;
  if (still_ms > limit_ms) stalls.push({ at_ms: at_ms(advanced), ms: Math.round(still_ms) });
  waiting = false;
}

// Finds stalls by the position, whatever the player reports.
function poll() {
  const now = performance.now();
  const moved_s = video.currentTime - position;
  if (moved_s !== 0) {
    const passed_ms = now - advanced;
    // A player that seeks skips something, or repeats it.
    const jumped = moved_s < 0 || moved_s > ((now - polled) / 1000) * rate_max + jump_s_min;
    if (jumped) jumps.push({ at_ms: at_ms(now), seconds: Number(moved_s.toFixed(3)) });
    else played_s += moved_s;
    // A busy thread polls late, but then the position has moved just as far: that is not a stall.
    note_stall(jumped ? passed_ms : passed_ms - 1000 * moved_s);
    position = video.currentTime;
    advanced = now;
  }
  polled = now;
  const latency = told.latency_s?.();
  if (Number.isFinite(latency)) latencies.push(latency);
}

function finish() {
  if (finished) return;
  finished = true;
  const now = performance.now();
  if (first_picture !== null && !video.ended) note_stall(now - advanced);
  if (first_picture === null) seen.error('no picture was shown', true);
  else if (last_picture !== null && !video.ended) freeze_ms = Math.max(freeze_ms, now - last_picture);
  const quality = video.getVideoPlaybackQuality();
  const report = {
    start_ms: first_picture === null ? null : at_ms(first_picture),
    played_s: Number(played_s.toFixed(2)),
    stalls,
    stalled_ms: stalls.reduce((sum, stall) => sum + stall.ms, 0),
    waits,
    freeze_ms: Math.round(freeze_ms),
    jumps,
    errors: seen.errors,
    discontinuities: seen.discontinuities,
    switches: seen.switches,
    pictures: quality.totalVideoFrames,
    dropped: quality.droppedVideoFrames,
    audio_bytes: video.webkitAudioDecodedByteCount,
    latency_s: latencies.length ? Number(percentile(latencies, 0.5).toFixed(2)) : null,
    width: video.videoWidth,
    height: video.videoHeight,
    bit_rate: told.bit_rate?.() ?? null,
    rate: video.playbackRate,
    ended: video.ended,
  };
  if (reader)
    report.glass_ms = { p50: percentile(glass, 0.5), p95: percentile(glass, 0.95), pictures: glass.length, unreadable };
  fetch('/report', { method: 'POST', body: JSON.stringify(report) });
}

const reader = query.has('glass') ? new code_reader() : null;
addEventListener('error', (event) => seen.error(event.message, true));
addEventListener('unhandledrejection', (event) => seen.error(String(event.reason), true));
video.addEventListener('error', () => seen.error(`video element: ${video.error.message}`, true));
video.addEventListener('ended', finish);
video.addEventListener('waiting', () => {
  if (first_picture === null || video.seeking) return;
  waiting = true;
  ++waits;
});

try {
  const player = players[query.get('player')];
  await player.load();
  began = performance.now();
  setTimeout(() => first_picture ?? finish(), start_limit_ms);
  video.requestVideoFrameCallback(on_picture);
  told = player.start(video, url, seen, {
    behind_s: Number(query.get('behind')),
    catch_up: query.has('catch_up'),
  });
} catch (error) {
  seen.error(error.message, true);
}
