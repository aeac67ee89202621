#include "test/cluster/odd_source.hpp"

#include "rig/process.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <random>

namespace troupe::test {

namespace {

/// What every recipe may use: ffmpeg, three seconds of pictures and of sound, and an encoder for pictures.
constexpr const char* prelude = R"(
set -e
F="ffmpeg -v error -nostdin -y"
P="testsrc2=s=192x108:r=25:d=3"
# S is a tone whose pitch rises, so that each moment differs from all others.
S="aevalsrc=0.3*sin(2*PI*(200*t+150*t*t)):d=3:s=48000"
V="-f lavfi -i $P"
A="-f lavfi -i $S"
X="-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p"
# hole FILE SEEK COUNT: zeros over COUNT blocks of 188 bytes
hole() { dd if=/dev/zero of="$1" bs=188 seek="$2" count="$3" conv=notrunc 2>/dev/null; }
cut_to() { head -c "$2" "$1" > "$3"; }
)";

struct codec {
  const char* name;
  const char* options;
};

struct family {
  const char* extension;
  std::vector<codec> pictures;
  std::vector<codec> sounds;
};

/// Each family gives one row for each of its picture codecs and one for each of its sound codecs.
std::vector<family> families() {
  const codec h264{"h264", "-c:v libx264 -preset ultrafast -g 25 -bf 2 -pix_fmt yuv420p"};
  const codec hevc{"hevc", "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25 -pix_fmt yuv420p"};
  const codec vp8{"vp8", "-c:v libvpx -deadline realtime -cpu-used 8 -g 25 -b:v 500k"};
  const codec vp9{"vp9", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 25 -b:v 500k"};
  const codec av1{"av1", "-c:v libsvtav1 -preset 12 -g 25"};
  const codec mpeg1{"mpeg1", "-c:v mpeg1video -b:v 1M -g 12 -bf 2"};
  const codec mpeg2{"mpeg2", "-c:v mpeg2video -b:v 1M -g 12 -bf 2"};
  const codec mpeg4{"mpeg4", "-c:v mpeg4 -b:v 1M -g 25 -bf 2"};
  const codec xvid{"xvid", "-c:v libxvid -b:v 1M -g 25 -bf 2"};
  const codec msmpeg4{"msmpeg4v2", "-c:v msmpeg4v2 -b:v 1M -g 25"};
  const codec mjpeg{"mjpeg", "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p"};
  const codec prores{"prores", "-c:v prores_ks -profile:v 1"};
  const codec dnxhr{"dnxhr", "-c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p -s 320x240"};
  const codec ffv1{"ffv1", "-c:v ffv1 -g 25"};
  const codec huffyuv{"huffyuv", "-c:v huffyuv -pix_fmt yuv422p"};
  const codec theora{"theora", "-c:v libtheora -q:v 7 -g 25"};
  const codec wmv2{"wmv2", "-c:v wmv2 -b:v 1M -g 25"};
  const codec flv1{"flv1", "-c:v flv -b:v 1M -g 25"};
  const codec h263{"h263", "-c:v h263 -s 176x144 -b:v 500k -g 25"};
  const codec aac{"aac", "-c:a aac"};
  const codec mp3{"mp3", "-c:a libmp3lame"};
  const codec mp2{"mp2", "-c:a mp2"};
  const codec ac3{"ac3", "-c:a ac3"};
  const codec eac3{"eac3", "-c:a eac3"};
  const codec dts{"dts", "-c:a dca -strict -2 -ac 2"};
  const codec truehd{"truehd", "-c:a truehd -strict -2 -ac 2"};
  const codec opus{"opus", "-c:a libopus"};
  const codec vorbis{"vorbis", "-c:a libvorbis"};
  const codec flac{"flac", "-c:a flac"};
  const codec alac{"alac", "-c:a alac"};
  const codec s16{"s16", "-c:a pcm_s16le"};
  const codec s24{"s24", "-c:a pcm_s24le"};
  const codec alaw{"alaw", "-c:a pcm_alaw -ar 8000 -ac 1"};
  const codec wma{"wma", "-c:a wmav2"};
  const codec adpcm{"adpcm", "-c:a adpcm_ms"};
  return {
    {"mkv",
     {h264, hevc, vp9, av1, mpeg2, mpeg4, mjpeg, ffv1, huffyuv},
     {mp3, ac3, eac3, dts, truehd, opus, vorbis, flac, alac, s16, s24}},
    {"mp4", {h264, hevc, av1, mpeg2, mpeg4, vp9}, {aac, mp3, ac3, alac}},
    {"mov", {h264, prores, mjpeg, dnxhr}, {aac, s16, s24, alaw}},
    {"ts", {h264, hevc, mpeg2, mpeg4}, {aac, mp2, mp3, ac3, eac3}},
    {"avi", {xvid, mpeg4, msmpeg4, mjpeg, huffyuv}, {mp3, s16, ac3, adpcm}},
    {"flv", {flv1, h264}, {mp3, aac}},
    {"wmv", {wmv2}, {wma}},
    {"webm", {vp8, vp9}, {vorbis, opus}},
    {"mpg", {mpeg1, mpeg2}, {mp2, ac3}},
    {"ogv", {theora}, {vorbis}},
    {"3gp", {h263}, {}},
    {"mxf", {mpeg2}, {s16}},
  };
}

void add_families(std::vector<odd_source>& rows) {
  for (auto& f : families()) {
    const std::string end = std::string{"."} + f.extension;
    auto add = [&](const std::string& name, const std::string& pictures, const std::string& sound) {
      rows.push_back(
        {name + end, std::string{"$F $V "} + (sound.empty() ? "" : "$A ") + pictures + " " + sound + " $O"});
      if (end == ".avi" && pictures.find("-bf") != std::string::npos)
        rows.back().shown_late_s = 1.0 / 25;
    };
    // Each row tests one codec; its other track gets the first codec of the container.
    const std::string sound = f.sounds.empty() ? "" : f.sounds.front().options;
    for (auto& x : f.pictures)
      add("pictures-" + std::string{x.name}, x.options, sound);
    for (auto& x : f.sounds)
      add("sound-" + std::string{x.name}, f.pictures.front().options, x.options);
  }
}

constexpr auto by_content = judged_by::content;
constexpr auto by_count = judged_by::count;
constexpr auto by_words = judged_by::words;
constexpr auto refused = judged_by::refusal;

/// A channel passes pictures on as they are, and MPEG-TS cannot say how they are rotated, or which are not shown.
constexpr bool no_channel = false;

std::vector<odd_source> layouts() {
  return {
    {"444.mkv", "$F $V -c:v libx264 -preset ultrafast -pix_fmt yuv444p $O"},
    {"422-10.mkv", "$F $V -c:v libx264 -preset ultrafast -pix_fmt yuv422p10le $O"},
    {"420-10.mp4", "$F $V -c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p10le $O"},
    {"odd-size.mkv", "$F $V -vf crop=191:107:0:0 -c:v libx264 -preset ultrafast -pix_fmt yuv444p $O"},
    {"grey.mkv", "$F $V -c:v ffv1 -pix_fmt gray $O"},
    {"rgb.mov", "$F $V -c:v qtrle -pix_fmt rgb24 $O", by_count},
    {"full-range.mp4", "$F $V $X -vf scale=out_range=full -color_range pc $O"},
    {"rotated-90.mp4", "$F $V $X a.mp4; $F -i a.mp4 -c copy -metadata:s:v rotate=90 $O", by_content, no_channel},
    {"rotated-180.mp4", "$F $V $X a.mp4; $F -i a.mp4 -c copy -metadata:s:v rotate=180 $O", by_content, no_channel},
    {"rotated-270.mov", "$F $V $X a.mov; $F -i a.mov -c copy -metadata:s:v rotate=270 $O", by_content, no_channel},
    {"anamorphic.mkv", "$F $V $A $X -aspect 2.35 $O"},
    {"container-aspect.mp4", "$F $V $A $X a.mp4; $F -i a.mp4 -c copy -aspect 2.35 $O"},
    {"interlaced.ts", "$F $V $A -vf interlace -c:v mpeg2video -flags +ildct+ilme -b:v 1M $O", by_count},
    {"paff.ts", "$F $V $A -vf interlace $X -x264-params tff=1 $O", by_count},
    {"alpha.mov", "$F $V -vf format=yuva444p10le -c:v prores_ks -profile:v 4444 $O", by_count},
    {"alpha.webm", "$F $V -vf format=yuva420p -c:v libvpx-vp9 -deadline realtime -cpu-used 8 $O", by_count},
    {"one-picture.mp4", "$F $V $X -frames:v 1 $O"},
    {"two-pictures.mkv", "$F $V $X -frames:v 2 $O"},
    {"tiny.mkv", "$F -f lavfi -i testsrc2=s=16x16:r=25:d=2 $X $O"},
    {"slow.mp4", "$F -f lavfi -i testsrc2=s=192x108:r=1:d=5 $X $O"},
    {"fast.mkv", "$F -f lavfi -i testsrc2=s=192x108:r=120:d=2 $X $O"},
    {"size-changes.ts", "$F $V $X a.ts; $F $V -s 320x180 $X -output_ts_offset 3 b.ts; cat a.ts b.ts > $O", by_count},
    {"mono.mkv", "$F $V $A $X -ac 1 -c:a aac $O"},
    {"5.1.mp4", "$F $V $A $X -af aformat=channel_layouts=5.1 -c:a aac $O"},
    {"7.1.mkv", "$F $V $A $X -af aformat=channel_layouts=7.1 -c:a flac $O"},
    {"5.0.mkv", "$F $V $A $X -af aformat=channel_layouts=5.0 -c:a flac $O"},
    {"8-khz.mkv", "$F $V $A $X -ar 8000 -c:a aac $O"},
    {"96-khz.mkv", "$F $V $A $X -ar 96000 -c:a flac $O"},
    {"sound-only.mp3", "$F $A -c:a libmp3lame $O"},
    {"sound-only.m4a", "$F $A -c:a aac $O"},
    {"sound-only.ogg", "$F $A -c:a libvorbis $O"},
    {"sound-only.flac", "$F $A -c:a flac $O"},
    {"sound-only.wav", "$F $A -c:a pcm_s16le $O"},
    {"sound-only.ts", "$F $A -c:a mp2 $O"},
  };
}

std::vector<odd_source> times() {
  return {
    {"rounded-60.mkv", "$F -f lavfi -i testsrc2=s=192x108:r=60:d=3 $A $X -c:a aac $O"},
    {"rounded-24.mkv",
     "$F -f lavfi -i testsrc2=s=192x108:r=24000/1001:d=3 $A $X -c:a aac a.mp4; $F -i a.mp4 -c copy $O"},
    {"variable.mkv", "$F $V $A -vf \"select='not(mod(n,3))+not(mod(n,7))'\" -vsync vfr $X -c:a aac $O"},
    {"variable.mp4", "$F $V $A -vf \"select='not(mod(n,3))+not(mod(n,7))'\" -vsync vfr $X -c:a aac $O"},
    {"stands-still.mp4",
     "$F -f lavfi -i testsrc2=s=192x108:r=25:d=9 $A -vf \"select='lt(t,1)+gt(t,8)'\" -vsync vfr $X -c:a aac $O"},
    {"starts-late.mkv", "$F $V $A $X -c:a aac -output_ts_offset 100 $O"},
    {"starts-late.ts", "$F $V $A $X -c:a aac -output_ts_offset 1000 $O"},
    {"wraps.ts", "$F $V $A $X -c:a aac -output_ts_offset 95442 $O"},
    {"jumps.ts", "$F $V $A $X -c:a mp2 a.ts; $F $V $A $X -c:a mp2 -output_ts_offset 500 b.ts; cat a.ts b.ts > $O",
     by_count},
    {"jumps-back.ts", "$F $V $A $X -c:a mp2 -output_ts_offset 500 a.ts; $F $V $A $X -c:a mp2 b.ts; cat a.ts b.ts > $O",
     by_count},
    {"trimmed.mp4", "$F $V $A $X -g 100 -bf 2 -c:a aac a.mp4; $F -ss 1.02 -i a.mp4 -c copy $O", by_content, no_channel},
    {"trimmed-open.mp4",
     "$F $V $A $X -g 30 -bf 2 -x264-params open-gop=1 -c:a aac a.mp4; $F -ss 1.5 -i a.mp4 -c copy $O", by_content,
     no_channel},
    {"trimmed.mov", "$F $V $A $X -g 50 -c:a aac a.mov; $F -ss 0.5 -i a.mov -c copy $O", by_content, no_channel},
    {"delayed.mp4", "$F $V -itsoffset 0.7 $A $X -c:a aac $O"},
    {"sound-first.mp4", "$F -itsoffset 0.7 $V $A $X -c:a aac $O"},
    {"late-sound.ts",
     "$F -f lavfi -i testsrc2=s=192x108:r=25:d=9 $A -f lavfi -i $S -filter_complex '[2:a]asetpts=PTS+5/TB[b]' "
     "-map 0:v -map 1:a -map '[b]' $X -c:a mp2 $O"},
    {"open-groups.mkv", "$F $V $A $X -bf 2 -x264-params open-gop=1:keyint=20 -c:a aac $O"},
    {"open-groups.ts", "$F $V $A -c:v mpeg2video -b:v 1M -g 12 -bf 2 -c:a mp2 $O"},
    {"open-groups-hevc.mkv",
     "$F $V $A -c:v libx265 -preset ultrafast -x265-params log-level=none:open-gop=1:keyint=20 -c:a aac $O"},
    {"one-group.mkv", "$F -f lavfi -i testsrc2=s=192x108:r=25:d=12 -c:v libx264 -preset ultrafast -g 1000 $O"},
    {"intra-refresh.mkv", "$F $V -c:v libx264 -preset ultrafast -x264-params intra-refresh=1:keyint=25 $O"},
    {"many-b.mkv", "$F $V -c:v libx264 -preset fast -bf 8 -b_strategy 2 -x264-params b-pyramid=normal $O"},
    {"packed-b.avi", "$F $V $A -c:v libxvid -bf 2 -b:v 1M -c:a libmp3lame $O", by_content, true, 1.0 / 25},
    {"fragmented.mp4", "$F $V $A $X -c:a aac -movflags frag_keyframe+empty_moov $O"},
    {"no-times.h264", "$F $V -c:v libx264 -preset ultrafast -bf 2 -f h264 $O"},
    {"no-times.m2v", "$F $V -c:v mpeg2video -b:v 1M -bf 2 -f mpeg2video $O"},
    {"starts-inside.ts", "$F $V $A $X -g 25 -c:a mp2 a.ts; tail -c +60000 a.ts > $O", by_words},
    {"short-sound.mp4", "$F $V $A $X -c:a aac -af atrim=end=1 $O"},
    {"long-sound.mkv", "$F -f lavfi -i testsrc2=s=192x108:r=25:d=1 $A $X -c:a aac $O"},
  };
}

std::vector<odd_source> streams() {
  const std::string words =
    "printf '1\\n00:00:00,500 --> 00:00:01,000\\nhello\\n\\n2\\n00:00:01,500 --> 00:00:02,000\\nworld\\n' > a.srt; ";
  return {
    {"four-sounds.mkv", "$F $V $A -map 0 -map 1 -map 1 -map 1 -map 1 $X -c:a aac -metadata:s:a:1 language=deu $O"},
    {"twenty-sounds.mkv", "$F $V $A $X -c:a aac a.mkv; M=; for i in $(seq 20); do M=\"$M -map 0:a\"; done; "
                          "$F -i a.mkv -map 0:v $M -c copy $O"},
    {"language.mkv", "$F $V $A $X -c:a aac -metadata:s:a language=pt-BR $O"},
    {"words.mkv", words + "$F $V $A -i a.srt -map 0 -map 1 -map 2 $X -c:a aac -c:s srt $O"},
    {"typeset.mkv", words + "$F $V $A -i a.srt -map 0 -map 1 -map 2 $X -c:a aac -c:s ass $O"},
    {"words.mp4", words + "$F $V $A -i a.srt -map 0 -map 1 -map 2 $X -c:a aac -c:s mov_text $O"},
    {"words.mov", words + "$F $V $A -i a.srt -map 0 -map 1 -map 2 $X -c:a aac -c:s mov_text $O"},
    {"words.webm", words
                     + "$F $V $A -i a.srt -map 0 -map 1 -map 2 -c:v libvpx -deadline realtime -cpu-used 8 "
                       "-c:a libvorbis -c:s webvtt $O"},
    {"fonts.mkv",
     "head -c 500 /dev/urandom > f.ttf; M=; for i in $(seq 0 69); do M=\"$M -attach f.ttf -metadata:s:t:$i "
     "mimetype=application/x-truetype-font -metadata:s:t:$i filename=f$i.ttf\"; done; $F $V $A $X -c:a aac a.mkv; "
     "$F -i a.mkv $M -map 0 -c copy $O"},
    {"chapters.mkv", "printf ';FFMETADATA1\\n"
                     "[CHAPTER]\\nTIMEBASE=1/1\\nSTART=0\\nEND=1\\ntitle=one\\n[CHAPTER]\\nTIMEBASE=1/1\\nSTART=1\\n"
                     "END=3\\ntitle=two\\n' > c.txt; $F $V $A -i c.txt -map 0 -map 1 -map_metadata 2 $X -c:a aac $O"},
    {"cover.mp4",
     "$F -f lavfi -i color=red:s=64x64:d=1 -frames:v 1 c.png; $F $V $A -i c.png -map 0 -map 1 -map 2 $X -c:a aac "
     "-c:v:1 png -disposition:v:1 attached_pic $O"},
    {"cover.mp3", "$F -f lavfi -i color=red:s=64x64:d=1 -frames:v 1 c.png; $F $A -i c.png -map 0 -map 1 "
                  "-c:a libmp3lame -c:v png $O"},
    {"time-code.mov", "$F $V $A $X -c:a aac -timecode 01:00:00:00 $O"},
    {"two-pictures-streams.mkv", "$F $V $V $A -map 0 -map 1 -map 2 $X -c:a aac $O"},
    {"no-sound.mp4", "$F $V $X $O"},
    {"programs.ts",
     "$F $V $A $V $A -map 0 -map 1 -map 2 -map 3 $X -c:a mp2 -program title=a:st=0:st=1 -program title=b:st=2:st=3 $O"},
  };
}

std::vector<odd_source> faults() {
  return {
    {"cut.mkv", "$F $V $A $X -c:a aac a.mkv; cut_to a.mkv 60000 $O", by_words},
    {"cut.ts", "$F $V $A $X -c:a mp2 a.ts; cut_to a.ts 60000 $O", by_words},
    {"cut.avi", "$F $V $A -c:v mpeg4 -b:v 1M -c:a libmp3lame a.avi; cut_to a.avi 100000 $O", by_words},
    {"cut-fragments.mp4", "$F $V $A $X -c:a aac -movflags frag_keyframe+empty_moov a.mp4; cut_to a.mp4 60000 $O",
     by_words},
    {"cut-before-index.mp4", "$F $V $A $X -c:a aac a.mp4; cut_to a.mp4 40000 $O", refused, false},
    {"holes.ts", "$F $V $A $X -c:a mp2 $O; hole $O 100 3; hole $O 300 2", by_words},
    {"holes.mkv", "$F $V $A $X -c:a aac $O; hole $O 100 2; hole $O 300 2", by_words},
    {"holes.mp4", "$F $V $A $X -c:a aac $O; hole $O 100 2; hole $O 300 2", by_words},
    {"lost-packets.ts",
     "$F $V $A $X -c:a mp2 a.ts; { dd if=a.ts bs=188 count=150; dd if=a.ts bs=188 skip=153 count=200; "
     "dd if=a.ts bs=188 skip=355; } 2>/dev/null > $O",
     by_words},
    {"noise-before.ts", "$F $V $A $X -c:a mp2 a.ts; { head -c 3000 /dev/zero; cat a.ts; } > $O", by_words},
    {"noise-behind.mkv", "$F $V $A $X -c:a aac a.mkv; { cat a.mkv; head -c 5000 /dev/zero; } > $O", by_words},
    {"noise-behind.mp4", "$F $V $A $X -c:a aac a.mp4; { cat a.mp4; head -c 5000 /dev/zero; } > $O", by_words},
    {"encrypted.mp4",
     "$F $V $A $X -c:a aac -encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb "
     "-encryption_kid a7e61c373e219033c21091fa607bf3b8 $O",
     refused, false},
    {"empty.mp4", ": > $O", refused, false},
    {"text.mkv", "echo 'this is no film' > $O", refused, false},
    {"header-only.mkv", "$F $V $A $X -c:a aac a.mkv; cut_to a.mkv 900 $O", refused, false},
  };
}

void append(std::vector<odd_source>& to, std::vector<odd_source> rows) {
  to.insert(to.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
}

} // namespace

std::vector<odd_source> odd_sources() {
  std::vector<odd_source> rows;
  add_families(rows);
  append(rows, layouts());
  append(rows, times());
  append(rows, streams());
  append(rows, faults());
  return rows;
}

odd_source random_source(uint64_t seed) {
  std::mt19937_64 random{seed};
  auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  auto one_of = [&](std::initializer_list<const char*> x) { return std::string{x.begin()[below(x.size())]}; };
  auto all = families();
  auto& f = all[below(all.size())];
  auto& pictures = f.pictures[below(f.pictures.size())];
  // MPEG-1 and MPEG-2 video have no other picture rates.
  auto rate = one_of({"25", "30000/1001", "24000/1001", "50", "60", "24", "30"});
  auto is = [&](const char* name) { return std::string_view{pictures.name} == name; };
  if (!is("mpeg1") && !is("mpeg2") && below(3) == 0)
    rate = one_of({"15", "12", "8"});
  std::string size = std::to_string(64 + 16 * below(16)) + "x" + std::to_string(64 + 16 * below(11));
  auto seconds = std::to_string(1 + below(5));
  odd_source x;
  if (std::string_view{f.extension} == "avi"
      && std::string_view{pictures.options}.find("-bf") != std::string_view::npos) {
    auto slash = rate.find('/');
    x.shown_late_s = (slash == std::string::npos ? 1.0 : std::stod(rate.substr(slash + 1))) / std::stod(rate);
  }
  x.name = "random-" + std::to_string(seed) + "." + f.extension;
  x.recipe = "$F -f lavfi -i testsrc2=s=" + size + ":r=" + rate + ":d=" + seconds + " ";
  if (!f.sounds.empty() && below(4) != 0) {
    if (below(3) == 0)
      x.recipe += "-itsoffset 0." + std::to_string(below(10)) + " ";
    x.recipe += "$A " + std::string{f.sounds[below(f.sounds.size())].options} + " ";
  }
  x.recipe += pictures.options + std::string{" -g "} + std::to_string(1 + below(60)) + " ";
  if (below(3) == 0)
    x.recipe += "-output_ts_offset " + std::to_string(below(1'000)) + " ";
  x.recipe += "whole." + std::string{f.extension} + "; ";
  const std::string whole = std::string{"whole."} + f.extension;
  switch (below(4)) {
  case 0: // cut off somewhere
    x.recipe +=
      "n=$(stat -c %s " + whole + "); head -c $((n * " + std::to_string(30 + below(70)) + " / 100)) " + whole + " > $O";
    x.judge = judged_by::words;
    break;
  case 1: // holes
    x.recipe += "cp " + whole + " $O; n=$(stat -c %s $O); for i in 1 2 3; do hole $O $((n / 188 * i * "
                + std::to_string(10 + below(20)) + " / 100)) " + std::to_string(1 + below(4)) + "; done";
    x.judge = judged_by::words;
    break;
  default:
    x.recipe += "mv " + whole + " $O";
  }
  // A program stream may give two packets of sound the same time. The second one is dropped, and a note says so.
  if (x.judge == judged_by::content && std::string_view{f.extension} == "mpg")
    x.judge = judged_by::words;
  return x;
}

std::string make_source(const odd_source& source, const std::string& folder) {
  // A folder of its own: recipes write files beside the result.
  auto own = folder + "/" + source.name + ".d";
  std::filesystem::create_directories(own);
  auto path = own + "/" + source.name;
  auto made = bench::run_process({"sh", "-c", "cd '" + own + "'\nO='" + path + "'\n" + prelude + source.recipe},
                                 scaled(milliseconds{60'000}));
  BOOST_REQUIRE_MESSAGE(made.ok() && std::filesystem::exists(path), source.name << " cannot be made: " << made.out);
  return path;
}

} // namespace troupe::test
