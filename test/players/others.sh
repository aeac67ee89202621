#!/usr/bin/env bash
# Plays a channel with the players that are not browsers, one after the other, and prints a line for each.
# usage: others.sh URL [SECONDS] [PLAYER...]
#   PLAYER   ffmpeg, mpv, vlc, gstreamer, streamlink; if none is named, all of them, but for DASH see below
# A player passes if it showed pictures and sound for about SECONDS and wrote no error. Exit status 1 if one did not.
set -euo pipefail

url=${1:?usage: others.sh URL [SECONDS] [PLAYER...]}
seconds=${2:-20}
shift $(($# < 2 ? $# : 2))
if [ $# = 0 ]; then
  case $url in
    # GStreamer 1.22 adds the channel's age to the first listed segment's time, and waits for a segment of that time.
    *.mpd*) set -- ffmpeg mpv vlc streamlink ;;
    *) set -- ffmpeg mpv vlc gstreamer streamlink ;;
  esac
fi

# Some players take two seconds to begin. This many pictures must be shown, and half as many blocks of sound.
rate=$(ffprobe -v quiet -select_streams v:0 -show_entries stream=avg_frame_rate -of csv=p=0 "$url" \
  | grep -om 1 '^[1-9][0-9/]*') || rate=10
pictures_min=$(((seconds - 2) * rate * 9 / 10))
limit=$((seconds + 30))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log

# VLC refuses to run as root. The user "nobody" cannot open files in our folder, so VLC's log comes through a pipe.
unprivileged=()
[ "$(id -u)" != 0 ] || unprivileged=(setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME=/nonexistent)

# fail TEXT: notes why the present player failed; the first reason counts.
fail() { [ -n "$why" ] || why=$*; }
no_lines() { [ ! -s "$1" ] || fail "$(wc -l <"$1") lines in its log, such as: $(head -n 1 "$1" | cut -c 1-200)"; }
at_least() { [ "${1:-0}" -ge "$2" ] 2>/dev/null || fail "$3: ${1:-none}, expected $2"; }

# Whenever libavformat reads a live HLS playlist again, it gives its MP4 demuxer the init segment again. For DASH it
# logs the third message when mpv ends while libavformat waits for a segment.
known='Found duplicated MOOV Atom|Last message repeated|Error when loading first fragment of playlist'
without_known() { grep -vE "$known" || true; }

play_ffmpeg() {
  timeout "$limit" ffmpeg -nostdin -v warning -progress "$work/progress" -re -i "$url" -t "$seconds" \
    -map 0:v:0 -map 0:a:0 -f null - >/dev/null 2>"$log" || fail "exit status $?"
  without_known <"$log" >"$work/errors"
  no_lines "$work/errors"
  at_least "$(sed -n 's/^out_time_us=//p' "$work/progress" | tail -n 1)" $((seconds * 1000000 - 500000)) microseconds
  pictures=$(sed -n 's/^frame=//p' "$work/progress" | tail -n 1)
}

play_mpv() {
  timeout "$limit" mpv --no-config --vo=null --ao=null --length="$seconds" --msg-level=all=warn,statusline=status \
    --term-status-msg='pictures ${estimated-frame-number} sound ${audio-codec-name} late ${frame-drop-count}' \
    "$url" </dev/null >"$log" 2>&1 || fail "exit status $?"
  tr '\r' '\n' <"$log" | sed 's/\x1b\[[0-9;]*[A-Za-z]//g' >"$work/lines"
  grep '^\[' "$work/lines" | without_known >"$work/errors" || true
  no_lines "$work/errors"
  grep -q 'sound [a-z]' "$work/lines" || fail "no sound"
  pictures=$(sed -n 's/^pictures \([0-9]*\).*/\1/p' "$work/lines" | tail -n 1)
}

play_vlc() {
  { sleep "$seconds"; echo stats; echo quit; sleep 2; } \
    | timeout "$limit" "${unprivileged[@]}" \
      vlc -I oldrc --rc-fake-tty --no-dbus --vout=vdummy --aout=adummy -v "$url" \
      >"$log" 2>&1 || fail "exit status $?"
  # VLC's messages while it quits are about its own threads.
  sed '/^quit: returned/,$d' "$log" >"$work/lines"
  grep -E ' (error|generic error): |\] .*(failed|error)$' "$work/lines" \
    | grep -vE 'libvlc error: interface|interface error' >"$work/errors" || true
  no_lines "$work/errors"
  count() { sed -n "s/^| $1 *: *\([0-9]*\).*/\1/p" "$work/lines"; }
  [ "$(count 'demux corrupted')$(count discontinuities)" = 00 ] \
    || fail "$(count 'demux corrupted') corrupted packets, $(count discontinuities) discontinuities"
  at_least "$(count 'buffers played')" "$((pictures_min / 2))" "buffers of sound"
  pictures=$(count 'frames displayed')
}

play_gstreamer() {
  timeout --signal=INT --kill-after=10 "$seconds" gst-launch-1.0 -v playbin3 uri="$url" \
    video-sink='fpsdisplaysink video-sink=fakesink text-overlay=false sync=true' audio-sink='fakesink sync=true' \
    >"$log" 2>&1 || true
  grep -E '^(ERROR|WARNING|Missing element)' "$log" >"$work/errors" || true
  no_lines "$work/errors"
  grep -q 'fakesink.*caps = audio/x-raw' "$log" || fail "no sound"
  pictures=$(sed -n 's/.*last-message = rendered: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
}

play_streamlink() {
  local kind=hls # its own guess goes by the name of the file
  case $url in *.mpd*) kind=dash ;; esac
  timeout --signal=INT --kill-after=10 "$seconds" streamlink --loglevel warning --stdout "$kind://$url" best 2>"$log" \
    | ffprobe -v error -count_packets -show_entries stream=codec_type,nb_read_packets -of csv=p=0 - \
      >"$work/streams" 2>"$work/probe" || true
  # streamlink is interrupted, and its output ends within a packet: messages about that are no faults.
  grep -hvE 'Interrupted! Exiting|File ended prematurely|running as root' "$log" "$work/probe" >"$work/errors" || true
  no_lines "$work/errors"
  at_least "$(sed -n 's/^audio,//p' "$work/streams" | sort -n | tail -n 1)" "$((pictures_min / 2))" "packets of sound"
  pictures=$(sed -n 's/^video,//p' "$work/streams" | sort -n | tail -n 1)
}

failed=0
for player in "$@"; do
  why='' pictures='' began=$SECONDS
  rm -rf "${work:?}"/*
  case $player in
    ffmpeg|mpv|vlc|gstreamer|streamlink) "play_$player" ;;
    *) echo "others.sh: unknown player $player" >&2; exit 2 ;;
  esac
  at_least "$pictures" "$pictures_min" pictures
  if [ -z "$why" ]; then
    printf '%-10s ok      %s pictures in %s s\n' "$player" "$pictures" $((SECONDS - began))
  else
    printf '%-10s FAILED  %s\n' "$player" "$why"
    failed=1
    tr '\r' '\n' <"$log" | tail -n 10 | cut -c 1-200 >&2
  fi
done
exit $failed
