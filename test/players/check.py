#!/usr/bin/env python3
"""Plays a channel of Troupe, in every form, with every player, and reads it with parsers of others.

usage: check.py BUILD_FOLDER [--seconds=N] [--only=WORD,...]
BUILD_FOLDER is that of caf-node and caf-bench, such as build/release. --only runs the claims whose name has one of the words.
Starts one node with a ladder of two renditions, and ends it afterwards. Exit status 1 if a claim does not hold.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONFIG = """
role: all
node: {{name: players, state_dir: {folder}/state}}
cluster: {{listen: "127.0.0.1:0"}}
http: {{listen: "127.0.0.1:0", port_file: {folder}/http.port, open_channels: true}} # players are in pages of other origins
worker: {{slots: 8}}
profiles:
  hd: {{video: {{codec: libx264, preset: ultrafast, bit_rate: 1500k}}, audio: {{codec: aac, bit_rate: 128k}}}}
  sd: {{video: {{codec: libx264, preset: ultrafast, bit_rate: 500k, height: 240}}, audio: {{codec: aac, bit_rate: 128k}}}}
ladders: {{main: [hd, sd]}}
channels:
  demo: {{title: Demonstration, url: {folder}/sample.ts, loop: true}}
"""
# Form, path, players in the browser, other players.
FORMS = [
    ("low-latency HLS", "main/index.m3u8", ["hls.js", "shaka"], ["ffmpeg", "mpv", "vlc", "gstreamer", "streamlink"]),
    ("HLS in MPEG-TS", "hd/index.m3u8?container=ts", ["hls.js", "shaka"], ["ffmpeg", "vlc"]),
    ("a ladder in MPEG-TS", "main/index.m3u8?container=ts", ["hls.js", "shaka"], ["ffmpeg", "mpv", "vlc", "gstreamer"]),
    ("DASH", "main/manifest.mpd", ["shaka", "dashjs"], ["ffmpeg", "mpv", "vlc"]),
    ("MPEG-TS", "hd.ts", [], ["ffmpeg", "mpv", "vlc", "gstreamer"]),
]


def start(build, folder):
    """Starts the node and waits until a worker can work; returns the process and the address of the channel."""
    subprocess.run([build / "bin/caf-bench", "sample", folder / "sample.ts", "--size=640x360", "--seconds=60", "--gop=50"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (folder / "node.yaml").write_text(CONFIG.format(folder=folder))
    with open(folder / "node.log", "w", encoding="utf-8") as log:
        node = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", build / "bin/caf-node", f"--config={folder}/node.yaml"],
                                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    limit = time.monotonic() + 120
    while time.monotonic() < limit and node.poll() is None:
        try:
            address = f"http://127.0.0.1:{(folder / 'http.port').read_text().strip()}"
            with urllib.request.urlopen(address + "/readyz", timeout=2):
                return node, address + "/live/demo/"
        except (OSError, ValueError):
            time.sleep(0.1)
    sys.exit("the node did not become ready:\n" + (folder / "node.log").read_text()[-4000:])


def claims(address, seconds):
    """Yields (name, command) for each claim."""
    for path in ("main", "hd"):
        yield f"parsers read {path}", ["node", HERE / "cross_read.mjs", address + path]
    for form, path, browser, others in FORMS:
        for player in browser:
            yield (f"{player} plays {form}",
                   ["node", HERE / "play.mjs", address + path, f"--player={player}", f"--seconds={seconds}", "--json"])
        for player in others:
            yield f"{player} plays {form}", [HERE / "others.sh", address + path, str(seconds), player]


def report(output):
    """The last line of a command; of a browser's JSON the fields that count."""
    line = (output.strip().splitlines() or [""])[-1]
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    return ", ".join(f"{key} {fields.get(key)}" for key in ("start_ms", "played_s", "latency_s", "waits", "faults"))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("build", type=Path)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--only", default="")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    wanted = [word for word in options.only.split(",") if word]
    failed = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.chmod(folder, 0o755)  # VLC runs as another user
        node, address = start(options.build.resolve(), folder)
        try:
            for claim, command in claims(address, options.seconds):
                if wanted and not any(word in claim for word in wanted):
                    continue
                run = subprocess.run(command, capture_output=True, text=True, check=False)
                good = run.returncode == 0
                print(f"{'ok     ' if good else 'FAILED '} {claim}: {report(run.stdout)}", flush=True)
                if not good:
                    failed.append(claim)
                    print(run.stdout[-2000:] + run.stderr[-2000:], flush=True)
            if node.poll() is not None:
                failed.append("the node lives")
        finally:
            node.terminate()
            node.wait()
        if failed:
            print((folder / "node.log").read_text()[-4000:])
    print(f"{len(failed)} claims do not hold: {', '.join(failed)}" if failed else "all claims hold")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
