// The clients' side of a rendition.
#include "packaging/rendition.hpp"

#include "packaging/compress.hpp"

#include <algorithm>
#include <charconv>

namespace troupe {

namespace {

constexpr std::string_view playlist_type = "application/vnd.apple.mpegurl";

/// Beyond it, viewers are not counted.
constexpr size_t viewers_max = 50'000;

/// How often the list is cleared of viewers that have left.
constexpr auto clearing_interval = std::chrono::seconds{1};

std::optional<int64_t> number_of(std::string_view text) {
  int64_t result = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (failure != std::errc{} || end != text.data() + text.size() || text.empty() || result < 0)
    return std::nullopt;
  return result;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix))
    return false;
  text.remove_suffix(suffix.size());
  return true;
}

std::chrono::seconds whole_seconds(int64_t ticks) {
  return std::chrono::seconds{ticks / ticks_per_second};
}

delivery_reply bad(std::string why) {
  return {.what = delivery_reply::outcome::bad_request, .why = std::move(why)};
}

} // namespace

bool delivery_holds(const std::string& codec) {
  return codec == text_codec || transport_holds(codec);
}

rendition::rendition(core::client_ring::limits max, std::string name, std::shared_ptr<rendition_group> group)
  : name_(std::move(name)), group_(std::move(group)), stream_(std::make_shared<variant_stream>(max)) {}

std::optional<rendition::file_name> rendition::parse(const std::string& file) {
  using kind = file_name::kind;
  std::string_view text{file};
  if (take_suffix(text, ".keys.m3u8"))
    return file_name{kind::keys, std::string{text}};
  if (take_suffix(text, ".m3u8"))
    return file_name{kind::playlist, std::string{text}};
  auto dash = text.find('-');
  if (dash == std::string_view::npos)
    return std::nullopt;
  file_name result{kind::segment, std::string{text.substr(0, dash)}};
  text.remove_prefix(dash + 1);
  result.transport = take_suffix(text, ".ts");
  if (take_suffix(text, ".mp4")) {
    result.what = kind::init;
    result.init = text;
    return result;
  }
  if (take_suffix(text, ".vtt"))
    result.what = kind::subtitles;
  else if (!result.transport && !take_suffix(text, ".m4s"))
    return std::nullopt;
  if (auto dot = text.find('.'); dot != std::string_view::npos && result.what == kind::segment) {
    auto part = number_of(text.substr(dot + 1));
    if (!part)
      return std::nullopt;
    result.what = kind::part;
    result.part = *part;
    text = text.substr(0, dot);
  }
  if (result.what == kind::segment && text.starts_with('t')) {
    result.what = kind::segment_at;
    text.remove_prefix(1);
  }
  auto number = number_of(text);
  if (!number)
    return std::nullopt;
  result.number = *number;
  return result;
}

delivery_reply rendition::get(const delivery_request& x) {
  std::lock_guard guard{mutex_};
  missing lacks;
  return look(x, lacks);
}

std::shared_ptr<void> rendition::notify(const delivery_request& x, std::function<void()> wake) {
  {
    std::lock_guard guard{mutex_};
    missing lacks;
    if (look(x, lacks).what == delivery_reply::outcome::wait) {
      if (waiters_.size() >= waiters_max)
        return nullptr;
      auto number = ++last_waiter_;
      waiters_.emplace(number, waiter{lacks, std::move(wake)});
      return {this, [weak = weak_from_this(), number](void*) {
                if (auto me = weak.lock())
                  me->forget(number);
              }};
    }
  }
  wake();
  return shared_from_this();
}

void rendition::forget(uint64_t waiter) {
  decltype(waiters_)::node_type gone; // what its call holds is destroyed without the mutex
  std::lock_guard guard{mutex_};
  gone = waiters_.extract(waiter);
}

size_t rendition::waiting() const {
  std::lock_guard guard{mutex_};
  return waiters_.size();
}

delivery_reply rendition::look(const delivery_request& x, missing& lacks) {
  using kind = file_name::kind;
  if (x.file.empty()) {
    lacks = {all_tracks, std::nullopt};
    if (ended_)
      return {.what = delivery_reply::outcome::ended};
    return {.what = is_there(lacks) ? delivery_reply::outcome::found : delivery_reply::outcome::wait};
  }
  auto name = parse(x.file);
  if (!name)
    return {};
  auto t = std::ranges::find(tracks_, name->track, &track::name);
  if (t == tracks_.end()) {
    if (!tracks_.empty() || ended_)
      return {};
    lacks = {};
    return {.what = delivery_reply::outcome::wait}; // the first samples are on the way
  }
  auto index = static_cast<size_t>(t - tracks_.begin());
  if (t->transport ? !name->transport && name->what != kind::playlist : name->transport)
    return {};
  if (name->what == kind::playlist || name->what == kind::keys)
    return playlist(index, name->what == kind::keys, x, lacks);
  return media(index, *name, x, lacks);
}

delivery_reply rendition::playlist(size_t index, bool keys, const delivery_request& x, missing& lacks) {
  auto& t = tracks_[index];
  auto answer = [&] {
    delivery_reply result{.what = delivery_reply::outcome::found, .content_type = std::string{playlist_type}};
    result.gzip = x.gzip;
    result.fresh = whole_seconds(x.msn ? 6 * times_.target() : times_.target() / 2);
    result.body.push_back(text_of(t, keys ? "keys" : x.skip ? "skip" : "all", x.gzip));
    return result;
  };
  if (x.part && !x.msn)
    return bad("_HLS_part needs _HLS_msn");
  auto latest = t.window.latest();
  if (ended_ || t.window.ended())
    return latest ? answer() : delivery_reply{.what = delivery_reply::outcome::ended};
  if (!latest || !t.window.has_segment()) {
    lacks = {index, std::nullopt};
    return {.what = delivery_reply::outcome::wait};
  }
  if (!x.msn || keys)
    return answer();
  // RFC 8216bis, 6.2.5.2
  auto parts_ahead = std::max<int64_t>(3, 3 * ticks_per_second / times_.part_target());
  if (*x.msn > latest->number + 2)
    return bad("_HLS_msn is too far ahead");
  if (x.part && *x.msn >= latest->number
      && *x.part > (*x.msn == latest->number ? latest->part.value_or(0) : 0) + parts_ahead)
    return bad("_HLS_part is too far ahead");
  playlist_place place{*x.msn, x.part};
  if (t.window.contains(place))
    return answer();
  lacks = {index, place};
  return {.what = delivery_reply::outcome::wait};
}

delivery_reply rendition::media(size_t index, const file_name& name, const delivery_request& x, missing& lacks) {
  using kind = file_name::kind;
  auto& t = tracks_[index];
  auto is_text = t.format.kind == track_kind::subtitle;
  delivery_reply result{.what = delivery_reply::outcome::found,
                        .content_type = t.transport                          ? "video/mp2t"
                                        : name.what == kind::subtitles       ? "text/vtt"
                                        : is_text                            ? "application/mp4"
                                        : t.format.kind == track_kind::audio ? "audio/mp4"
                                                                             : "video/mp4",
                        .fresh = whole_seconds(6 * times_.target())};
  if (name.what == kind::init) {
    auto* init = t.window.init(name.init);
    if (init == nullptr)
      return {};
    result.body.push_back(init->bytes);
    return result;
  }
  auto number = name.what == kind::segment_at ? t.window.number_at(name.number) : name.number;
  auto* segment = t.window.find(number);
  if ((name.what == kind::subtitles && !is_text) || (name.what == kind::part && is_text))
    return {};
  if (name.what == kind::segment || name.what == kind::segment_at || name.what == kind::subtitles) {
    auto whole = segment != nullptr && segment->complete;
    auto from = x.growing ? x.from : 0;
    result.open = x.growing && segment != nullptr && !whole && segment->parts.size() > from;
    if (!whole && !result.open) {
      // Players of DASH ask for the next segment by the clock.
      auto latest = t.window.latest();
      if (ended_ || t.window.ended() || !latest || number < latest->number || number > latest->number + 2)
        return {};
      auto part = x.growing ? std::optional{static_cast<int64_t>(from)} : std::nullopt;
      lacks = {index, playlist_place{number, part}, x.growing};
      return {.what = delivery_reply::outcome::wait};
    }
    if (segment->gap)
      return {};
    auto boxed = is_text && name.what != kind::subtitles;
    for (auto i = from; i < segment->parts.size(); ++i)
      result.body.push_back(boxed ? segment->parts[i].boxed : segment->parts[i].bytes);
    return result;
  }
  if (segment != nullptr && name.part < static_cast<int64_t>(segment->parts.size())) {
    result.body.push_back(segment->parts[static_cast<size_t>(name.part)].bytes);
    return result;
  }
  // Only the part that playlists announce is worth waiting for.
  auto next = t.window.next();
  if (ended_ || t.window.ended() || !next || next->number != name.number || next->part != name.part)
    return {};
  lacks = {index, next};
  return {.what = delivery_reply::outcome::wait};
}

shared_bytes rendition::text_of(track& t, const std::string& kind, bool gzip) {
  auto& [version, bytes] = t.texts[gzip ? kind + ".gz" : kind];
  if (version == t.version)
    return bytes;
  auto others = group_ ? group_->others(name_) : std::vector<rendition_report>{};
  for (auto& x : tracks_)
    if (auto latest = x.window.latest(); &x != &t && latest && !x.transport && !x.window.ended()) {
      if (x.format.kind == track_kind::subtitle)
        latest->part.reset();
      others.push_back({playlist_name(x.name), *latest});
    }
  playlist_options options{.skip = kind == "skip", .splices = &splices_};
  auto subtitles = t.format.kind == track_kind::subtitle;
  auto text = t.transport      ? transport_playlist(t.window, times_, clock_, splices_)
              : subtitles      ? subtitle_playlist(t.name, t.window, times_, clock_, others, options)
              : kind == "keys" ? key_playlist(t.name, t.window, times_, clock_)
                               : media_playlist(t.name, t.window, times_, clock_, others, options);
  version = t.version;
  bytes = gzip ? compressed(text) : bytes_of(text);
  return bytes;
}

bool rendition::is_there(const missing& x) const {
  if (ended_)
    return true;
  auto playable = [](const track& t) { return t.window.has_segment(); };
  if (x.track == all_tracks) {
    auto left_out = [](const track& t) { return t.transport || t.window.ended(); };
    return !std::ranges::all_of(tracks_, left_out)
           && std::ranges::all_of(tracks_, [&](const track& t) { return left_out(t) || playable(t); });
  }
  if (x.track >= tracks_.size())
    return false;
  auto& window = tracks_[x.track].window;
  if (window.ended())
    return true;
  if (x.growing) {
    auto* segment = window.find(x.place->number);
    if (segment == nullptr) // it comes, or it was left out
      return window.contains({x.place->number, std::nullopt});
    return segment->complete || static_cast<int64_t>(segment->parts.size()) > x.place->part.value_or(0);
  }
  return x.place ? window.contains(*x.place) : playable(tracks_[x.track]);
}

std::vector<std::function<void()>> rendition::take_ready() {
  std::vector<std::function<void()>> result;
  std::erase_if(waiters_, [&](auto& x) {
    if (!is_there(x.second.what))
      return false;
    result.push_back(std::move(x.second.wake));
    return true;
  });
  return result;
}

std::optional<rendition_summary> rendition::summary(std::string folder) const {
  std::lock_guard guard{mutex_};
  rendition_summary result{std::move(folder), {}};
  for (auto& t : tracks_) {
    if (t.transport || (t.window.ended() && !ended_))
      continue;
    if (!t.window.has_segment())
      return std::nullopt;
    result.tracks.push_back(
      {t.name, t.codec, t.format, t.window.peak_bit_rate(), t.window.mean_bit_rate(), t.captions});
  }
  if (result.tracks.empty())
    return std::nullopt;
  return result;
}

std::optional<transport_summary> rendition::transport(std::string folder) const {
  std::lock_guard guard{mutex_};
  transport_summary result{.folder = std::move(folder)};
  for (auto& t : tracks_) {
    if (t.transport && !t.window.has_segment())
      return std::nullopt;
    if (t.transport) {
      result.peak_bit_rate = t.window.peak_bit_rate();
      result.mean_bit_rate = t.window.mean_bit_rate();
    } else if ((!t.window.ended() || ended_) && t.format.kind != track_kind::subtitle) {
      result.tracks.push_back({t.name, transport_named_ ? t.codec : std::string{}, t.format});
    }
  }
  if (result.peak_bit_rate == 0)
    return std::nullopt;
  return result;
}

delivery_times rendition::times() const {
  std::lock_guard guard{mutex_};
  return times_;
}

clock_map rendition::clock_of_times() const {
  std::lock_guard guard{mutex_};
  return clock_;
}

splice_list rendition::splices() const {
  std::lock_guard guard{mutex_};
  return splices_;
}

std::optional<track_window> rendition::window(const std::string& name) const {
  std::lock_guard guard{mutex_};
  auto t = std::ranges::find(tracks_, name, &track::name);
  return t == tracks_.end() ? std::nullopt : std::optional{t->window};
}

void rendition::seen(const std::string& viewer, clock::time_point now) {
  std::lock_guard guard{mutex_};
  last_seen_ = now;
  if (auto known = viewers_.find(viewer); known != viewers_.end()) {
    known->second = now;
    return;
  }
  if (!last_cleared_ || now - *last_cleared_ >= clearing_interval) {
    last_cleared_ = now;
    std::erase_if(viewers_, [&](auto& x) { return now - x.second >= times_.absence(); });
  }
  if (viewers_.size() >= viewers_max)
    return;
  viewers_.emplace(viewer, now);
  ++viewers_total_;
}

uint32_t rendition::clients(clock::time_point now) const {
  auto streams = stream_->count().clients;
  std::lock_guard guard{mutex_};
  auto here = [&](clock::time_point seen) { return now - seen < times_.absence(); };
  auto viewers = std::ranges::count_if(viewers_, [&](auto& x) { return here(x.second); });
  auto wanted = !waiters_.empty() || (last_seen_ && here(*last_seen_));
  return streams + std::max(static_cast<uint32_t>(viewers), wanted ? 1u : 0u);
}

uint64_t rendition::clients_total() const {
  auto streams = stream_->count().clients_total;
  std::lock_guard guard{mutex_};
  return streams + viewers_total_;
}

bool rendition::ended() const {
  std::lock_guard guard{mutex_};
  return ended_;
}

} // namespace troupe
