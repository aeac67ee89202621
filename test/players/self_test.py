#!/usr/bin/env python3
"""Proves the players without Troupe: a live channel that ffmpeg makes plays clean, and each kind of fault is noticed.

usage: self_test.py [--seconds=N] [--codecs=h264|av1|vp9] [--serve]
--serve only makes and serves the channel, until it is interrupted, and prints its addresses.
"""
import argparse
import datetime
import functools
import http.server
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CODECS = {
    "h264": ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-maxrate", "800k", "-bufsize", "800k",
             "-c:a", "aac"],
    "av1": ["-c:v", "libsvtav1", "-preset", "12", "-c:a", "libopus"],
    "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"],
}
PLAYERS = {
    "fmp4/index.m3u8": ["hls.js", "shaka", "native"],
    "dash/manifest.mpd": ["shaka", "dashjs"],
    "ts/index.m3u8": ["hls.js", "shaka", "native"],
}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the channel, and the same with faults: below /closed/ without the header that lets pages of another origin
    read, below /holed/ without every fourth segment, below /torn/ with a discontinuity before every fourth."""
    protocol_version = "HTTP/1.1"
    extensions_map = {".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml", ".ts": "video/mp2t",
                      "": "video/mp4"}

    def translate_path(self, path):
        return super().translate_path(re.sub(r"^/(closed|holed|torn)/", "/", path))

    def end_headers(self):
        if not self.path.startswith("/closed/"):
            self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def do_GET(self):
        if self.path == "/time":
            return self.answer(datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"))
        number = re.search(r"(\d+)\.(?:ts|m4s)$", self.path)
        if self.path.startswith("/holed/") and number and int(number[1]) % 4 == 0:
            return self.send_error(404)
        file = Path(self.translate_path(self.path))
        if self.path.startswith("/dash/"):
            # libavformat asks for the next segment early, and skips it if it is not there: so the answer waits until
            # the segment is there.
            limit = time.monotonic() + 5
            while not file.exists() and time.monotonic() < limit:
                time.sleep(0.05)
        try:
            text = file.read_text()
        except (OSError, UnicodeDecodeError):
            return super().do_GET()
        if self.path.endswith(".mpd"):
            # ffmpeg asks players to stay two seconds behind live, which is not enough for segments of two seconds. Its
            # own demuxer skips segments if the start number grows, which templates with $Time$ do not need. GStreamer
            # does not recognise a manifest with the location of its schema.
            text = re.sub(r'(suggestedPresentationDelay=")[^"]*', r"\1PT8S", text)
            text = re.sub(r'\s*(xsi:schemaLocation|startNumber)="[^"]*"', "", text)
        elif self.path.startswith("/torn/"):
            text = torn(text)
        return self.answer(text)

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(self.path))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Players leave in the middle of an answer."""


def torn(playlist):
    first = int(re.search(r"MEDIA-SEQUENCE:(\d+)", playlist)[1])
    number = first
    result = []
    for line in playlist.splitlines():
        if "INDEPENDENT" in line:
            # Counts the discontinuities before the playlist, without that of the first listed segment, whose tag is
            # still listed.
            result.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{(first + 3) // 4}")
        if line.startswith("#EXTINF"):
            if number % 4 == 0:
                result.append("#EXT-X-DISCONTINUITY")
            number += 1
        result.append(line)
    return "\n".join(result) + "\n"


def channel(folder, codecs, address):
    """Starts ffmpeg: one encode, shown as HLS with TS, HLS with fMP4, and DASH."""
    graph = subprocess.run([HERE / "clock.sh", "640", "360", "25"], capture_output=True, text=True, check=True).stdout
    hls = ("f=hls:hls_time=2:hls_list_size=10:hls_delete_threshold=20:"
           "hls_flags=delete_segments+independent_segments+program_date_time")
    clock = f"{address}time".replace(":", r"\\:")
    outputs = [
        f"[{hls}:hls_segment_type=fmp4:hls_fmp4_init_filename=init.mp4]{folder}/fmp4/index.m3u8",
        "[f=dash:seg_duration=2:window_size=10:extra_window_size=10:use_template=1:use_timeline=1:"
        f"media_seg_name=$RepresentationID$-$Time$.m4s:utc_timing_url={clock}]{folder}/dash/manifest.mpd",
    ]
    if codecs == "h264":
        outputs.append(f"[{hls}:bsfs/v=dump_extra]{folder}/ts/index.m3u8")
    for name in ("ts", "fmp4", "dash"):
        (folder / name).mkdir()
    return subprocess.Popen(
        ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", graph, "-f", "lavfi", "-i", "sine=sample_rate=48000",
         *CODECS[codecs], "-pix_fmt", "yuv420p", "-b:v", "800k", "-b:a", "96k",
         "-g", "50", "-keyint_min", "50", "-flags", "+global_header", "-map", "0:v", "-map", "1:a",
         "-f", "tee", "|".join(outputs)])


def play(url, player, seconds):
    """What play.mjs reports; its exit status says the same."""
    run = subprocess.run([HERE / "play.mjs", url, f"--player={player}", f"--seconds={seconds}", "--glass", "--json"],
                         capture_output=True, text=True)
    try:
        report = json.loads(run.stdout)
    except ValueError:
        return {"ok": False, "faults": [run.stderr.strip()]}
    assert report["ok"] == (run.returncode == 0), run
    return report


def check(name, good, detail):
    print(f"{'ok     ' if good else 'FAILED '} {name}: {detail}", flush=True)
    return bool(good)


def plays_clean(address, codecs, seconds):
    for path, players in PLAYERS.items():
        if codecs != "h264" and path.startswith("ts/"):
            continue
        for player in players:
            report = play(address + path, player, seconds)
            fields = ("start_ms", "played_s", "latency_s", "glass_ms", "dropped", "faults")
            good = report["ok"] and report["glass_ms"]["pictures"] > 10 * seconds
            yield check(f"{player} plays {path}", good, {field: report.get(field) for field in fields})
        if codecs == "h264":
            run = subprocess.run([HERE / "others.sh", address + path, str(seconds)], capture_output=True, text=True)
            for line in run.stdout.splitlines():
                yield check(f"{path} without a browser", " ok " in line, line)


def faults_are_noticed(address, source):
    hls = "fmp4/index.m3u8"
    for place in ("closed/" + hls, "nowhere/index.m3u8", "holed/" + hls):
        report = play(address + place, "hls.js", 15)
        yield check(f"{place} is an error", report["faults"] and report["errors"], report.get("errors", report))
    for player in ("hls.js", "shaka"):
        report = play(f"{address}torn/{hls}", player, 20)
        counted = report.get("discontinuities") or 0
        yield check(f"{player} counts discontinuities", counted >= 2, counted)
    for path, player in ((hls, "hls.js"), (hls, "shaka"), ("dash/manifest.mpd", "dashjs"), (hls, "native")):
        stop = threading.Timer(12, source.send_signal, [signal.SIGSTOP])
        stop.start()
        report = play(address + path, player, 25)
        stop.join()
        source.send_signal(signal.SIGCONT)
        time.sleep(20)  # until the channel is whole again
        stalls = report.get("stalls", report)
        yield check(f"{player} notices that the source stands still", "stalls" in report["faults"], stalls)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=int, default=20)
    arguments.add_argument("--codecs", choices=CODECS, default="h264")
    arguments.add_argument("--serve", action="store_true")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        server = Server(("127.0.0.1", 0), functools.partial(Handler, directory=name))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        source = channel(Path(name), options.codecs, address)
        try:
            if options.serve:
                print("\n".join(address + path for path in PLAYERS), flush=True)
                sys.exit(source.wait())
            time.sleep(25)  # until the playlists are as long as they get
            results = list(plays_clean(address, options.codecs, options.seconds))
            if options.codecs == "h264":
                results += faults_are_noticed(address, source)
        finally:
            source.kill()
            source.wait()
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
