// One rendition as players get it: its MPEG-TS stream, and each of its tracks in segments and parts for HLS and DASH.
//
// A channel session writes samples through `rendition_output`; HTTP threads read. What both share is guarded by a
// mutex, and bytes are immutable. A playlist is rendered once for each state, not for each viewer. A request for
// something that does not exist yet leaves a callback, which is called when it exists.
#pragma once

#include "packaging/fragment_muxer.hpp"
#include "packaging/hls_playlist.hpp"
#include "packaging/rendition_group.hpp"
#include "packaging/rendition_ptr.hpp"
#include "packaging/segment_clock.hpp"
#include "packaging/subtitle_segments.hpp"
#include "packaging/transport_order.hpp"
#include "packaging/ts_output.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The name of text of subtitles among codecs.
inline constexpr std::string_view text_codec = "webvtt";

/// True if at least one of the forms in which players get a rendition can hold the codec, by libav*'s name.
bool delivery_holds(const std::string& codec);

/// A request for a file of a rendition.
struct delivery_request {
  /// "v.m3u8", "v-1234.m4s", "v-1234.2.m4s", "v-0123456789abcdef.mp4", "s0-1234.vtt", "ts.m3u8", "ts-1234.ts". Empty:
  /// found if all tracks can be played.
  std::string file;
  std::optional<int64_t> msn;  ///< _HLS_msn
  std::optional<int64_t> part; ///< _HLS_part
  bool skip = false;           ///< _HLS_skip
  bool gzip = false;           ///< the client takes compressed text
  bool growing = false;        ///< the client takes a segment part by part while it is made
  size_t from = 0;             ///< parts of it that the client has
};

struct delivery_reply {
  enum class outcome : uint8_t {
    found,
    wait, ///< it will exist soon: ask again when `notify` calls
    bad_request,
    not_found,
    ended, ///< the rendition is over
  };
  outcome what = outcome::not_found;
  std::string why{}; ///< of a bad request
  std::string content_type{};
  bool gzip = false;
  std::chrono::seconds fresh{0}; ///< how long caches may keep it
  std::vector<shared_bytes> body{};
  bool open = false; ///< of a growing segment: more parts follow
};

class rendition : public std::enable_shared_from_this<rendition> {
public:
  using clock = std::chrono::steady_clock;

  /// `group`: the ladder to which it belongs, or none.
  rendition(core::client_ring::limits max, std::string name, std::shared_ptr<rendition_group> group = {});

  /// In the ladder, or of the profile.
  const std::string& name() const noexcept {
    return name_;
  }

  const variant_stream_ptr& stream() const noexcept {
    return stream_;
  }

  // -- for the clients' side; any thread ---------------------------------------

  delivery_reply get(const delivery_request& x);

  /// Calls `wake` once, from any thread and perhaps at once, when `get` would no longer answer `wait`. If the returned
  /// handle is dropped first, no new call begins, but one may still be running. Null if too many requests wait already.
  std::shared_ptr<void> notify(const delivery_request& x, std::function<void()> wake);

  /// How many requests wait now.
  size_t waiting() const;

  /// What a multivariant playlist or a manifest says about the tracks; empty until each of them can be played.
  std::optional<rendition_summary> summary(std::string folder) const;

  /// The same for all tracks in MPEG-TS.
  std::optional<transport_summary> transport(std::string folder) const;

  delivery_times times() const;
  clock_map clock_of_times() const;

  /// A copy, for manifests.
  splice_list splices() const;

  /// A copy of a track's window, for manifests; empty if there is no such track.
  std::optional<track_window> window(const std::string& track) const;

  /// A viewer asked for something just now.
  void seen(const std::string& viewer, clock::time_point now);

  /// Clients of the MPEG-TS stream, and viewers that asked for something lately; at least 1 if anybody did.
  uint32_t clients(clock::time_point now) const;

  uint64_t clients_total() const;

  bool ended() const;

private:
  friend class rendition_output;

  /// A track, or all of them in the transport stream.
  struct track {
    std::string name;
    track_format format;
    std::string codec;
    track_window window;
    bool transport = false;
    bool captions = false; ///< closed captions were seen in its pictures
    uint64_t version = 1;
    /// Texts by kind of playlist; valid for one version.
    std::map<std::string, std::pair<uint64_t, shared_bytes>> texts{};
  };

  static constexpr size_t all_tracks = std::numeric_limits<size_t>::max();

  /// What a request waits for: a place in a track's playlist, or its first segment.
  struct missing {
    size_t track = 0;
    std::optional<playlist_place> place;
    bool growing = false; ///< the place's part, or the end of its segment
  };

  struct waiter {
    missing what;
    std::function<void()> wake;
  };

  static constexpr size_t waiters_max = 20'000;

  /// The parts of a file's name.
  struct file_name {
    enum class kind : uint8_t { playlist, keys, init, segment, segment_at, part, subtitles };
    kind what;
    std::string track;
    bool transport = false; ///< MPEG-TS, not MP4
    std::string init{};
    int64_t number = 0; ///< of `segment_at`: its time
    int64_t part = 0;
  };
  static std::optional<file_name> parse(const std::string& file);

  delivery_reply look(const delivery_request& x, missing& lacks);
  delivery_reply playlist(size_t index, bool keys, const delivery_request& x, missing& lacks);
  delivery_reply media(size_t index, const file_name& name, const delivery_request& x, missing& lacks);
  shared_bytes text_of(track& t, const std::string& kind, bool gzip);
  bool is_there(const missing& x) const;
  std::vector<std::function<void()>> take_ready();
  void forget(uint64_t waiter);

  std::string name_;
  std::shared_ptr<rendition_group> group_;
  variant_stream_ptr stream_;
  mutable std::mutex mutex_;
  delivery_times times_;
  clock_map clock_;
  std::vector<track> tracks_;
  splice_list splices_;
  bool transport_named_ = true; ///< all tracks of the transport stream are among `tracks_`, so their codecs are known
  std::map<uint64_t, waiter> waiters_; ///< by number
  uint64_t last_waiter_ = 0;
  std::map<std::string, clock::time_point> viewers_;
  std::optional<clock::time_point> last_seen_;    ///< when anybody asked for something
  std::optional<clock::time_point> last_cleared_; ///< of viewers that have left
  uint64_t viewers_total_ = 0;
  bool ended_ = false;
};

/// Makes a rendition's bytes from its samples. Owned by one thread.
class rendition_output {
public:
  using clock = std::chrono::steady_clock;

  rendition_output(core::client_ring::limits max, std::string name, std::shared_ptr<rendition_group> group = {});

  rendition_output(const rendition_output&) = delete;
  rendition_output& operator=(const rendition_output&) = delete;

  /// The tracks of all later samples. The rest counts only before the first sample: it never changes. `at` is in the
  /// times of the samples.
  av::expected<void> set_format(const stream_format& format, const delivery_times& times, const clock_map& map,
                                const segment_beginning& at = {});

  /// Packages a block of at least one sample. Does nothing before the first format.
  av::expected<void> write(const sample_block& block, clock::time_point now);

  /// Of a ladder: the tracks of the rendition that has its sound, which joins the pictures in MPEG-TS. Empty if it is
  /// over.
  av::expected<void> set_sound(const stream_format& format, clock::time_point now);

  /// The same for a block of at least one sample.
  av::expected<void> write_sound(const sample_block& block, clock::time_point now);

  /// Sends the clock to clients of MPEG-TS while pictures are far apart.
  void pass_time(clock::time_point now) {
    ts_.pass_time(now);
  }

  /// Nothing more follows; `reason` is empty for a regular end.
  void end(const std::string& reason);

  const rendition_ptr& shared() const noexcept {
    return shared_;
  }

private:
  /// The part of a track that is being made.
  struct lane {
    size_t track = 0; ///< index in the shared rendition
    bool leads = false;
    std::optional<fragment_muxer> mux;
    init_segment init;             ///< of the latest part
    std::optional<int64_t> number; ///< of the segment
    int64_t shift = 0;             ///< of decoding times, so that the segment's first one is its first PTS
    int64_t start = 0;             ///< of the part, shifted
    int64_t end = 0;               ///< of its samples, shifted
    int64_t last_dts = no_timestamp;
    bool independent = false;
    bool empty = true;          ///< no sample since the last part
    bool reopen = false;        ///< the format has changed: nothing is written until a segment begins
    bool discontinuous = false; ///< the next segment from `discontinuity_at_` on does not continue the one before
    bool captions = false;      ///< closed captions were seen in its pictures
  };

  struct publication {
    size_t track;
    std::optional<int64_t> number{}; ///< of a segment that begins
    int64_t start = 0;
    bool discontinuity = false;
    std::optional<media_part> part{};
    bool whole = false; ///< the part is all of its segment
    init_segment init{};
    std::string codec{};
    bool captions = false;
  };

  static constexpr size_t transport_track = 0; ///< index of the transport stream among the shared tracks

  void begin_delivery(const delivery_times& times, const clock_map& map, segment_beginning at);
  std::vector<lane> enter(const stream_format& format);
  void end_tracks(const std::vector<size_t>& tracks);
  av::expected<void> write_transport(std::vector<transport_order::item> items, clock::time_point now);
  void take_transport(bool all);
  av::expected<void> add(lane& to, const sample& x, std::span<const std::byte> bytes);
  void add_splice(const sample& x, std::span<const std::byte> section);
  void enter_texts(const stream_format& format, std::vector<size_t>& lost);
  void cut_subtitles(int64_t until);
  void end_subtitles();
  void finish_subtitles();
  av::expected<void> cut(lane& from);
  void publish();

  rendition_ptr shared_;
  transport_order order_;
  ts_output ts_;
  std::optional<int64_t> transport_number_; ///< of its latest segment
  std::ptrdiff_t sounds_ = 0;               ///< tracks of sound that joined
  delivery_times times_;
  stream_format format_;
  segment_clock clock_;
  /// A track of subtitles. Its segments are those of the leading track.
  struct text_lane {
    std::optional<size_t> of; ///< the track of the format; none if it has no more
    size_t track = 0;         ///< index in the shared rendition
    init_segment init;        ///< of its segments in MP4
    subtitle_segments texts;
    int64_t last = 0; ///< without a track: number of the segment with which it ends
  };

  struct beginning {
    int64_t number;
    int64_t start;
    bool discontinuity;
  };

  void cut_text(text_lane& from, const beginning& at, int64_t end);

  std::vector<text_lane> texts_;
  std::deque<beginning> beginnings_;  ///< of segments whose subtitles are not cut yet
  std::optional<beginning> last_cut_; ///< of the segment before those
  std::vector<lane> lanes_;           ///< by track of the format; without a muxer if it is not carried
  int64_t discontinuity_at_ = 0;      ///< number of the segment, in all tracks
  int64_t offset_ = 0;                ///< added to all times, see `epoch_offset`
  std::vector<publication> news_;
};

} // namespace troupe
