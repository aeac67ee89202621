// The rules of multivariant playlists: what a variant states, and what its groups hold.
#include "rig/delivery/hls_rules.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace troupe::bench::delivery {

namespace {

using std::string_view;

constexpr std::array video_codecs{"avc1", "avc3", "hvc1", "hev1", "av01", "vp09", "dvh1", "dvhe", "mp4v"};
constexpr std::array audio_codecs{"mp4a", "ac-3", "ec-3", "ac-4", "opus", "Opus", "fLaC", "flac", "alac"};

template <class T>
bool has_codec_of(const T& all, string_view codecs) {
  return std::any_of(all.begin(), all.end(), [&](string_view x) { return codecs.find(x) != string_view::npos; });
}

struct groups {
  std::map<std::pair<std::string, std::string>, std::vector<const attributes*>> members; ///< by TYPE and GROUP-ID
};

groups groups_of(const multivariant_playlist& x) {
  groups result;
  for (auto& each : x.media)
    result.members[{std::string{each.text("TYPE")}, std::string{each.text("GROUP-ID")}}].push_back(&each);
  return result;
}

void check_variant(verdict& to, string_view place, const variant_stream& x, const groups& of) {
  auto& with = x.with;
  if (std::isnan(with.number("BANDWIDTH")) || x.uri.empty())
    to.add("hls-11.13", place, "variant \"" + x.uri + "\"");
  if (!with.has("AVERAGE-BANDWIDTH"))
    to.add("hls-11.6", place, "variant " + x.uri);
  auto codecs = with.text("CODECS");
  if (codecs.empty())
    to.add("hls-11.3", place, "variant " + x.uri);
  auto video = has_video(codecs) || (codecs.empty() && !with.has("AUDIO"));
  if (video && !with.has("RESOLUTION"))
    to.add("hls-11.4", place, "variant " + x.uri);
  if (video && !with.has("FRAME-RATE"))
    to.add("hls-11.5", place, "variant " + x.uri);
  if (codecs.find("hev1") != string_view::npos)
    to.add("hls-11.12", place, "CODECS of " + x.uri + " is " + std::string{codecs});
  for (auto type : {"AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"}) {
    auto group = with.text(type);
    if (group.empty() || group == "NONE")
      continue;
    if (of.members.find({type, std::string{group}}) == of.members.end())
      to.add("hls-12.1", place, x.uri + " names " + type + " group " + std::string{group});
  }
  if (with.has("AUDIO") && !codecs.empty() && !has_codec_of(audio_codecs, codecs))
    to.add("hls-12.2", place, x.uri + " has an audio group, but CODECS is " + std::string{codecs});
}

void check_groups(verdict& to, string_view place, const groups& of) {
  std::map<std::string, std::set<std::string_view>> names_of_type;
  for (auto& [key, members] : of.members) {
    auto& [type, group] = key;
    std::set<string_view> names;
    auto defaults = 0;
    for (auto* each : members) {
      names.insert(each->text("NAME"));
      defaults += each->yes("DEFAULT") ? 1 : 0;
      if (each->has("FORCED") && type != "SUBTITLES")
        to.add("hls-12.5", place, type + " " + std::string{each->text("NAME")});
      if ((type == "AUDIO" || type == "SUBTITLES") && !each->has("LANGUAGE"))
        to.add("hls-11.7", place, type + " " + std::string{each->text("NAME")});
    }
    if (defaults > 1)
      to.add("hls-12.4", place, type + " group " + group + " has " + std::to_string(defaults));
    auto [first, added] = names_of_type.try_emplace(type, names);
    if (!added && first->second != names)
      to.add("hls-12.3", place, type + " group " + group);
  }
}

} // namespace

bool has_video(string_view codecs) {
  return has_codec_of(video_codecs, codecs);
}

void check_multivariant(verdict& to, string_view place, const multivariant_playlist& x) {
  for (auto& fault : x.faults)
    to.add("hls-0.1", place, fault);
  auto of = groups_of(x);
  auto video = false;
  for (auto& variant : x.variants) {
    check_variant(to, place, variant, of);
    video = video || has_video(variant.with.text("CODECS")) || variant.with.has("RESOLUTION");
  }
  check_groups(to, place, of);
  constexpr int i_frames_since = 4; // RFC 8216, 7
  if (video && x.i_frames.empty() && x.version >= i_frames_since)
    to.add("hls-11.8", place, "no EXT-X-I-FRAME-STREAM-INF");
}

} // namespace troupe::bench::delivery
