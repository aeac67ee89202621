// All players behind one interface: start(video, url, seen) begins to play, and returns what only the library knows.
// Each player runs with its own defaults, except for what `play.mjs` is asked for. `seen` gets errors, discontinuities
// and bit rate switches.

const script = (path) =>
  new Promise((done, failed) => {
    const element = document.createElement('script');
    element.src = path;
    element.onload = done;
    element.onerror = () => failed(new Error(`${path} is not there: run scripts/setup --browser`));
    document.head.append(element);
  });

const hls_js = {
  load: () => script('/hls.js'),
  start(video, url, seen, { behind_s, catch_up }) {
    const hls = new Hls({
      ...(behind_s && { lowLatencyMode: false, liveSyncDuration: behind_s }),
      ...(catch_up && { maxLiveSyncPlaybackRate: 1.5 }),
    });
    let counter = null;
    let level = null;
    hls.on(Hls.Events.ERROR, (_, data) => {
      const text = `${data.details} ${data.error?.message ?? data.reason ?? ''} ${data.response?.code ?? ''}`;
      seen.error(text, data.fatal, data.frag?.url ?? data.url);
    });
    hls.on(Hls.Events.FRAG_CHANGED, (_, { frag }) => {
      if (counter !== null && counter !== frag.cc) ++seen.discontinuities;
      counter = frag.cc;
    });
    hls.on(Hls.Events.LEVEL_SWITCHED, (_, data) => {
      if (level !== null && level !== data.level) ++seen.switches;
      level = data.level;
    });
    hls.loadSource(url);
    hls.attachMedia(video);
    video.play().catch((error) => seen.error(error.message, true));
    return {
      latency_s: () => hls.latency,
      bit_rate: () => hls.levels[hls.currentLevel]?.bitrate || null,
    };
  },
};

// The number of discontinuities that a playlist states; it grows by one with each.
const interruptions = (text) =>
  Number(/#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)/.exec(text)?.[1] ?? 0) +
  (text.match(/#EXT-X-DISCONTINUITY\s/g)?.length ?? 0);

const shaka_player = {
  load: () => script('/shaka.js'),
  start(video, url, seen) {
    const player = new shaka.Player();
    const fail = (error) => {
      const data = JSON.stringify(error.data ?? '').slice(0, 300);
      seen.error(`code ${error.code} ${data} ${error.message ?? ''}`, error.severity !== 1);
    };
    player.addEventListener('error', (event) => fail(event.detail));
    player.addEventListener('downloadfailed', (event) => {
      // shaka-player gives up downloads when it switches to another bit rate.
      if (!event.aborted) seen.error(`download failed, status ${event.httpResponseCode}`, false, event.request?.uris?.[0]);
    });
    player.addEventListener('adaptation', (event) => event.oldTrack && ++seen.switches);
    const first = new Map();
    const periods = new Set();
    player.getNetworkingEngine().registerResponseFilter((type, response) => {
      if (type !== shaka.net.NetworkingEngine.RequestType.MANIFEST) return;
      const text = new TextDecoder().decode(response.data);
      const path = response.originalUri.split('?')[0];
      if (!first.has(path)) first.set(path, interruptions(text));
      for (const [, id] of text.matchAll(/<Period[^>]*\bid="([^"]*)"/g)) periods.add(id);
      seen.discontinuities = Math.max(seen.discontinuities, interruptions(text) - first.get(path), periods.size - 1);
    });
    // shaka-player recognises low-latency HLS while it loads it, and then begins again with another media source.
    const play = () => video.play().catch((error) => (error.name === 'AbortError' ? play() : fail(error)));
    player
      .attach(video)
      .then(() => player.load(url))
      .then(play)
      .catch(fail);
    return {
      latency_s: () => player.getStats().liveLatency,
      bit_rate: () => player.getStats().streamBandwidth,
    };
  },
};

// The error of dash.js if a channel names no clock, or one that does not answer. It continues to play without a clock.
const time_sync_failed = 16;

const dash_js = {
  load: () => script('/dash.js'),
  start(video, url, seen) {
    const player = dashjs.MediaPlayer().create();
    const events = dashjs.MediaPlayer.events;
    let periods = 0;
    let quality = null;
    player.updateSettings({ debug: { logLevel: dashjs.Debug.LOG_LEVEL_NONE } });
    player.on(events.ERROR, ({ error }) => {
      seen.error(`code ${error.code} ${error.message}`, error.code !== time_sync_failed, error.data?.request?.url);
    });
    player.on(events.FRAGMENT_LOADING_COMPLETED, ({ error, request }) => {
      if (error) seen.error(`download failed: ${error.message ?? error}`, false, request.url);
    });
    player.on(events.PERIOD_SWITCH_COMPLETED, () => {
      if (periods++) ++seen.discontinuities;
    });
    player.on(events.QUALITY_CHANGE_RENDERED, ({ mediaType, newRepresentation }) => {
      if (mediaType !== 'video') return;
      if (quality !== null && quality !== newRepresentation.id) ++seen.switches;
      quality = newRepresentation.id;
    });
    player.initialize(video, url, true);
    return {
      latency_s: () => player.getCurrentLiveLatency(),
      bit_rate: () => player.getCurrentRepresentationForType('video')?.bandwidth,
    };
  },
};

// The browser's own player. It tells nothing but what every video element tells.
const native = {
  load: () => {},
  start(video, url, seen) {
    seen.discontinuities = null;
    seen.switches = null;
    video.src = url;
    video.play().catch((error) => seen.error(error.message, true));
    return {};
  },
};

export const players = { 'hls.js': hls_js, shaka: shaka_player, dashjs: dash_js, native };
