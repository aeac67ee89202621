#!/usr/bin/env bash
# Plays a channel with every player that is meant for it, one after the other, and prints a line for each.
# usage: all.sh URL [SECONDS]
# The URL ends in .m3u8 (HLS) or .mpd (DASH). Exit status 1 if a player saw an error, a stall or a jump.
set -euo pipefail

url=${1:?usage: all.sh URL [SECONDS]}
seconds=${2:-20}
here=$(dirname "$0")

case $url in
  *.m3u8*) browser=(hls.js shaka native) ;;
  *.mpd*) browser=(shaka dashjs) ;;
  *) echo "all.sh: $url is neither .m3u8 nor .mpd" >&2; exit 2 ;;
esac

failed=0
for player in "${browser[@]}"; do
  result=ok
  report=$(node "$here/play.mjs" "$url" --player="$player" --seconds="$seconds" --json) || result=FAILED failed=1
  printf '%-10s %-7s %s\n' "$player" "$result" "$report"
done
"$here/others.sh" "$url" "$seconds" || failed=1
exit $failed
