#!/usr/bin/env node
// Reads a channel's playlists, manifest and segments with parsers of others, and prints each claim that does not hold.
// usage: cross_read.mjs URL [--verbose]
//   URL        of a channel's rendition or ladder, without an ending: http://127.0.0.1:8080/live/demo/main
//   --verbose  also prints the claims that hold
// hls-parser and m3u8-parser must agree on each playlist, mpd-parser must find the same segments in the manifest, and
// mp4box must find in their bytes what the texts say. Exit status 1 if a claim does not hold.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { libraries } from './libraries.mjs';

const require = createRequire(join(libraries(), 'any.js'));
const HLS = require('hls-parser');
const { Parser } = require('m3u8-parser');
const { parse: parse_mpd } = require('mpd-parser');
const mp4box = require('mp4box');

const verbose = process.argv.includes('--verbose');
const base = process.argv.slice(2).find((word) => !word.startsWith('--'))?.replace(/\/$/, '');
if (!base) {
  console.error('usage: cross_read.mjs URL [--verbose]');
  process.exit(2);
}

// Texts have three decimals, and a picture or a block of sound may lie across a boundary.
const rounding_s = 0.002;
const block_s = 0.045;
const segments_read = 3; // of each track
// hls-parser counts segments where the rule counts seconds: "EXT-X-PART [...] greater than three target durations".
const known_complaints = [/Remove EXT-X-PART tags/];
const complaints = [];
console.error = (text) => complaints.push(text);
let held = 0;
let failed = 0;

function claim(holds, text, detail = '') {
  if (holds) held += 1;
  else failed += 1;
  if (!holds || verbose) console.log(`${holds ? 'ok     ' : 'FAILED '} ${text}${detail && !holds ? `: ${detail}` : ''}`);
}

function equal(left, right, text) {
  const [a, b] = [JSON.stringify(left), JSON.stringify(right)];
  claim(a === b, text, `${a} against ${b}`);
}

const near = (left, right, tolerance) => Math.abs(left - right) <= tolerance;
const name_of = (url) => String(url).split('/').pop().split('?')[0];

async function get(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) });
  if (!answer.ok) throw new Error(`${url}: status ${answer.status}`);
  return { url: answer.url, body: Buffer.from(await answer.arrayBuffer()) };
}

// Waits until a channel that has just begun lists enough segments.
async function until_filled(url) {
  for (let tries = 0; tries < 60; tries += 1) {
    const { one } = await read_playlist(url);
    // The first one may begin in the middle of its cell, and the last one may still be in the making.
    if (one.segments.filter((segment) => segment.uri).length >= segments_read + 2) return;
    await new Promise((done) => setTimeout(done, 500));
  }
  throw new Error(`${url} does not fill`);
}

// One playlist as both parsers see it, in the words of hls-parser.
async function read_playlist(url) {
  const { url: final, body } = await get(url);
  const text = body.toString();
  const parser = new Parser();
  const warnings = [];
  parser.on('warn', (warning) => warnings.push(warning.message));
  parser.push(text);
  parser.end();
  equal(warnings, [], `m3u8-parser has no complaint about ${name_of(url)}`);
  complaints.length = 0;
  const one = HLS.parse(text);
  equal(complaints.filter((complaint) => !known_complaints.some((known) => known.test(complaint))), [],
    `hls-parser has no complaint about ${name_of(url)}`);
  return { url: final, one, other: parser.manifest };
}

function compare_multivariant({ one, other }, name) {
  const variants = one.variants.filter((variant) => !variant.isIFrameOnly);
  const facts = (uri, bandwidth, average, codecs, width, height, rate) => ({ uri, bandwidth, average, codecs, width, height, rate });
  equal(
    variants.map((v) => facts(v.uri, v.bandwidth, v.averageBandwidth, v.codecs, v.resolution?.width, v.resolution?.height, v.frameRate)),
    other.playlists.map(({ uri, attributes: a }) => facts(uri, a.BANDWIDTH, Number(a['AVERAGE-BANDWIDTH']), a.CODECS,
      a.RESOLUTION?.width, a.RESOLUTION?.height, a['FRAME-RATE'])),
    `the parsers agree on the variants of ${name}`);
  claim(variants.every((v) => v.averageBandwidth <= v.bandwidth), `no average of ${name} is above its peak`);
  equal(one.variants.filter((v) => v.isIFrameOnly).map((v) => v.uri), (other.iFramePlaylists ?? []).map((v) => v.uri),
    `the parsers agree on the playlists of key pictures of ${name}`);
  const sounds = new Map(variants.flatMap((v) => v.audio).map((audio) => [audio.name, audio]));
  const groups = Object.values(other.mediaGroups?.AUDIO ?? {});
  const names = new Map(groups.flatMap((group) => Object.entries(group)));
  equal([...sounds.keys()], [...names.keys()], `the parsers agree on the sounds of ${name}`);
  for (const [key, audio] of sounds) {
    equal([audio.uri, audio.language, audio.isDefault], [names.get(key)?.uri, names.get(key)?.language, names.get(key)?.default],
      `the parsers agree on sound ${key} of ${name}`);
  }
}

function compare_media({ one, other }, name) {
  equal([one.targetDuration, one.mediaSequenceBase, one.discontinuitySequenceBase ?? 0, one.partTargetDuration],
    [other.targetDuration, other.mediaSequence, other.discontinuitySequence, other.partTargetDuration],
    `the parsers agree on the head of ${name}`);
  // The last entry of a low-latency playlist is a segment in the making, which has only parts.
  const whole = (segments) => segments.filter((segment) => segment.uri);
  const ours = whole(one.segments);
  equal(ours.map((s) => [s.uri, s.duration, s.map?.uri, s.parts.length]),
    whole(other.segments).map((s) => [s.uri, s.duration, s.map?.uri, s.parts?.length ?? 0]),
    `the parsers agree on the segments of ${name}`);
  claim(ours.every((s) => Math.round(s.duration) <= one.targetDuration), `no segment of ${name} is longer than its target`);
  claim(ours.every((s) => !s.parts.length || near(s.parts.reduce((sum, part) => sum + part.duration, 0), s.duration, rounding_s * s.parts.length)),
    `the parts of ${name} are as long as their segments`);
  const dated = ours.filter((s) => s.programDateTime);
  claim(dated.length > 0, `${name} has a date`);
  claim(dated.every((s, i) => i === 0 || s.discontinuity
      || near((s.programDateTime - dated[i - 1].programDateTime) / 1000, dated[i - 1].duration, 2 * rounding_s)),
    `the dates of ${name} are as far apart as its segments are long`);
  return ours;
}

// What mp4box finds in an init segment and one media segment.
function read_mp4(init, segment) {
  const file = mp4box.createFile();
  let info = null;
  let samples = [];
  file.onError = (error) => { throw new Error(error); };
  file.onReady = (ready) => {
    info = ready;
    file.setExtractionOptions(ready.tracks[0].id, null, { nbSamples: 1 });
    file.start();
  };
  file.onSamples = (_, __, more) => { samples = samples.concat(more); };
  let at = 0;
  for (const bytes of [init, segment]) {
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    buffer.fileStart = at;
    at = file.appendBuffer(buffer) ?? at + bytes.length;
  }
  file.flush();
  const [track] = info.tracks;
  return { tracks: info.tracks.length, codec: track.codec, timescale: track.timescale, samples };
}

async function read_segments(playlist_url, segments, name, codecs) {
  const beginnings = new Map();
  for (const segment of segments.slice(-segments_read)) {
    const init = (await get(new URL(segment.map.uri, playlist_url))).body;
    const { body } = await get(new URL(segment.uri, playlist_url));
    const media = read_mp4(init, body);
    equal(media.tracks, 1, `${segment.uri} of ${name} has one track`);
    claim(codecs.some((list) => list.split(',').includes(media.codec)), `mp4box's codec of ${name} is announced`,
      `${media.codec} is in none of ${codecs.join(' | ')}`);
    const seconds = media.samples.reduce((sum, sample) => sum + sample.duration, 0) / media.timescale;
    claim(near(seconds, segment.duration, block_s), `the samples of ${segment.uri} of ${name} last as long as the text says`,
      `${seconds} s against ${segment.duration} s`);
    claim(media.samples[0]?.is_sync, `${segment.uri} of ${name} begins with a random-access point`);
    const parts = [];
    for (const part of segment.parts) parts.push((await get(new URL(part.uri, playlist_url))).body);
    if (parts.length) claim(Buffer.concat(parts).equals(body), `the parts of ${segment.uri} of ${name} are its bytes`);
    beginnings.set(name_of(segment.uri), { time: media.samples[0]?.dts / media.timescale, body });
  }
  return beginnings;
}

async function read_hls() {
  const multivariant = await read_playlist(`${base}/index.m3u8`);
  compare_multivariant(multivariant, 'index.m3u8');
  const variants = multivariant.one.variants.filter((variant) => !variant.isIFrameOnly);
  const codecs = variants.map((variant) => variant.codecs);
  const uris = new Set([...variants.map((v) => v.uri), ...variants.flatMap((v) => v.audio.map((audio) => audio.uri)).filter(Boolean)]);
  const dates = [];
  const bytes = new Map();
  await until_filled(new URL(variants[0].uri, multivariant.url));
  for (const uri of uris) {
    const playlist = await read_playlist(new URL(uri, multivariant.url));
    const name = new URL(uri, multivariant.url).pathname.split('/').slice(-2).join('/');
    const segments = compare_media(playlist, name);
    dates.push(new Map(segments.filter((s) => s.programDateTime).map((s) => [s.mediaSequenceNumber, s.programDateTime.getTime()])));
    for (const [key, value] of await read_segments(playlist.url, segments, name, codecs)) bytes.set(`${name.split('/')[0]}/${key}`, value);
  }
  for (const other of dates.slice(1)) {
    const shared = [...other].filter(([number]) => dates[0].has(number));
    claim(shared.length > 0 && shared.every(([number, date]) => near(date, dates[0].get(number), 45)),
      'segments of one number have one date in all tracks', JSON.stringify(shared.map(([n, d]) => [n, d - dates[0].get(n)])));
  }
  for (const { uri } of multivariant.one.variants.filter((variant) => variant.isIFrameOnly)) {
    const { one, other } = await read_playlist(new URL(uri, multivariant.url));
    equal(one.segments.map((s) => [s.uri, s.byterange?.length]), other.segments.map((s) => [s.uri, s.byterange?.length]),
      `the parsers agree on ${name_of(uri)}`);
  }
  return { bytes, videos: variants.length };
}

async function read_transport_streams(videos) {
  const multivariant = await read_playlist(`${base}/index.m3u8?container=ts`);
  equal(multivariant.one.variants.length, videos, 'MPEG-TS has as many variants as MP4');
  for (const { uri } of multivariant.one.variants) {
    const playlist = await read_playlist(new URL(uri, multivariant.url));
    const segments = playlist.one.segments;
    equal(segments.map((s) => [s.uri, s.duration]), playlist.other.segments.map((s) => [s.uri, s.duration]), `the parsers agree on ${uri}`);
    const { body } = await get(new URL(segments.at(-1).uri, playlist.url));
    claim(body.length % 188 === 0 && body[0] === 0x47 && body[188] === 0x47, 'a segment in MPEG-TS consists of packets');
  }
}

async function read_dash(bytes) {
  const { url, body } = await get(`${base}/manifest.mpd`);
  const warnings = [];
  const manifest = parse_mpd(body.toString(), { manifestUri: url, eventHandler: ({ type, message }) => warnings.push(`${type}: ${message}`) });
  equal(warnings.filter((text) => text.startsWith('warn')), [], 'mpd-parser has no complaint about the manifest');
  const sounds = Object.values(manifest.mediaGroups.AUDIO.audio ?? {}).flatMap((group) => group.playlists);
  claim(manifest.playlists.length > 0, 'mpd-parser finds videos');
  let compared = 0;
  for (const playlist of [...manifest.playlists, ...sounds]) {
    const { segments, attributes } = playlist;
    claim(segments.length > 0, `mpd-parser finds segments of ${attributes.NAME}`);
    for (const segment of segments.slice(-segments_read)) {
      const init = (await get(segment.map.resolvedUri)).body;
      const data = (await get(segment.resolvedUri)).body;
      const media = read_mp4(init, data);
      equal(media.codec, attributes.CODECS, `mp4box's codec of ${attributes.NAME} is that of the manifest`);
      const seconds = media.samples.reduce((sum, sample) => sum + sample.duration, 0) / media.timescale;
      claim(near(seconds, segment.duration, block_s), `${name_of(segment.resolvedUri)} of ${attributes.NAME} is as long as the manifest says`,
        `${seconds} s against ${segment.duration} s`);
      for (const { body: other } of bytes.values()) if (other.equals(data)) compared += 1;
    }
  }
  claim(compared >= manifest.playlists.length + sounds.length, 'segments of DASH are the bytes of HLS', `${compared} are`);
}

const { bytes, videos } = await read_hls();
await read_dash(bytes);
await read_transport_streams(videos);
console.log(`${held} claims hold, ${failed} do not`);
process.exit(failed ? 1 : 0);
