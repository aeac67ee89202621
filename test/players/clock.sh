#!/usr/bin/env bash
# Prints a libavfilter graph: a moving test picture that shows the machine's clock as a frame code (rig/frame_code.hpp).
# usage: ffmpeg -f lavfi -i "$(test/players/clock.sh WIDTH HEIGHT PICTURES_PER_SECOND)" ...
# The number of the code is the unix time in milliseconds modulo 2^32, taken when the picture is made, in real time.
set -euo pipefail

width=${1:-640} height=${2:-360} rate=${3:-25}

# The code is first drawn with one pixel per cell, 12 x 4. `crc` is CRC-16/CCITT-FALSE, most significant bit first.
number='st(0, mod(round(T*1000), 4294967296))'
crc='st(1, 65535); st(2, 2147483648);
  while(gte(ld(2), 1),
    st(3, mod(floor(ld(0)/ld(2)), 2) - gte(ld(1), 32768));
    st(1, mod(2*ld(1), 65536));
    if(ld(3), st(1, ld(1) + 4129 - 2*bitand(ld(1), 4129)));
    st(2, ld(2)/2))'
bit='st(5, 12*Y + X); mod(floor(if(lt(ld(5), 32), ld(0)/pow(2, 31 - ld(5)), ld(1)/pow(2, 47 - ld(5)))), 2)'

cat <<GRAPH
nullsrc=size=12x4:rate=$rate, format=yuv420p, realtime, settb=1/1000, setpts=RTCTIME/1000,
geq=lum='16 + 219*($number; $crc; $bit)':cb=128:cr=128,
settb=1/($rate), setpts=N, scale=$((width * 12 / 32 * 2)):$((height * 4 / 24 * 2)):flags=neighbor [code];
testsrc2=size=${width}x$height:rate=$rate, format=yuv420p [picture];
[picture][code] overlay=x=$((width * 2 / 32 * 2)):y=$((height / 24 * 2)):format=yuv420
GRAPH
