// The rows of live channels.
#include "config/option_rows.hpp"

namespace troupe::config {

namespace {

using namespace defaults;

using c = configuration;
using li = live_options;
using se = core::session_config;
using ri = core::client_ring_limits;
using de = core::delivery_options;

} // namespace

// One row reads as one sentence: clang-format would put each field on its own line.
// clang-format off
std::vector<option> live_rows() {
  return {
    {.key = "live.idle_timeout", .kind = kind::duration, .at = at<&c::session, &se::idle_timeout>,
     .help = "A rendition without clients stops after this time, and so does a channel without renditions.",
     .max = 24 * hours},
    {.key = "live.source_buffer_bytes", .kind = kind::size, .at = at<&c::session, &se::buffer,
      &core::source_buffer_limits::bytes_max>,
     .help = "The most data that is kept of a channel's source.", .min = mebibyte, .max = 4096.0 * mebibyte},
    {.key = "live.source_buffer_duration", .kind = kind::duration, .at = at<&c::session, &se::buffer,
      &core::source_buffer_limits::duration_max>,
     .help = "The longest stretch of a channel's source that is kept.", .min = 1 * seconds, .max = 10 * minutes},
    {.key = "live.credit_bytes", .kind = kind::size, .at = at<&c::session, &se::credit_bytes>,
     .help = "The most data in flight to or from one task without an acknowledgement.", .min = 64 * kibibyte,
     .max = 256 * mebibyte},
    {.key = "live.variant_buffer_bytes", .kind = kind::size, .at = at<&c::stream, &ri::bytes_max>,
     .help = "The most data that is kept of a rendition for its clients.", .min = mebibyte, .max = 4096.0 * mebibyte},
    {.key = "live.variant_buffer_duration", .kind = kind::duration, .at = at<&c::stream, &ri::duration_max>,
     .help = "The longest stretch of a rendition that is kept for its clients.",
     .min = 1 * seconds, .max = 10 * minutes},
    {.key = "live.client_lag_max", .kind = kind::duration, .at = at<&c::stream, &ri::lag_max>,
     .help = "A client that lags by more is moved ahead to the latest random-access point.",
     .min = 500, .max = 10 * minutes},
    {.key = "live.segment", .kind = kind::duration, .at = at<&c::delivery, &de::segment>,
     .help = "Length of a segment of HLS and DASH. A rendition whose `keyframe_interval` does not divide it has segments "
             "of the next multiple of that interval.",
     .min = 1 * seconds, .max = 10 * seconds},
    {.key = "live.part", .kind = kind::duration, .at = at<&c::delivery, &de::part>,
     .help = "Length of a part of low-latency HLS. Players stay three parts behind the newest one.", .min = 200,
     .max = 2 * seconds},
    {.key = "live.window", .kind = kind::duration, .at = at<&c::delivery, &de::window>,
     .help = "How far back playlists and manifests reach: at least six segments. Memory holds twice as much of each "
             "rendition.", .min = 6 * seconds,
     .max = 10 * minutes},
    {.key = "live.open_timeout", .kind = kind::duration, .at = at<&c::session, &se::open_timeout>,
     .help = "How long a source may take to open.", .min = 100, .max = 5 * minutes},
    {.key = "live.read_timeout", .kind = kind::duration, .at = at<&c::session, &se::read_timeout>,
     .help = "How long a source may be silent; for a playlist at least the length of three of its segments.",
     .min = 100, .max = 5 * minutes},
    {.key = "live.source_timeout", .kind = kind::duration, .at = at<&c::session, &se::source_timeout>,
     .help = "How long a source that ran may stay away before its channel ends. Meanwhile it is reopened again and "
             "again, trying the channel's URLs in turn, and clients stay connected.",
     .max = 24 * hours},
    {.key = "live.source_return", .kind = kind::duration, .at = at<&c::session, &se::source_return>,
     .help = "How often a channel's first URL is tried while another one is in use.", .min = 1 * seconds,
     .max = 24 * hours},
    {.key = "live.slate", .kind = kind::choice, .at = at<&c::session, &se::slate>,
     .help = "What clients of transcoded renditions see, in silence, while a source that ran is away: its `last` "
             "picture, the `image` of `live.slate_image`, colour `bars` with the channel's title and the time, or "
             "`none`: the stream stands still. With a slate, `live.source_timeout` does not end the channel.",
     .choices = {"last", "image", "bars", "none"}},
    {.key = "live.slate_after", .kind = kind::duration, .at = at<&c::session, &se::slate_after>,
     .help = "A source that sends nothing for this long is away. A source that sends in bursts may be silent longer.",
     .min = 500, .max = 1 * minutes},
    {.key = "live.slate_image", .kind = kind::path, .at = at<&c::live, &li::slate_image>,
     .help = "A picture file (PNG, JPEG, WebP, BMP) for `live.slate: image`, at most 8 MiB; black fills what its shape "
             "leaves.",
     .default_text = "none"},
    {.key = "live.stall_min", .kind = kind::duration, .at = at<&c::session, &se::stall, &core::watchdog_limits::least>,
     .help = "A transcode that takes no input for less than this never counts as stalled. Whether a longer pause "
             "counts depends on its usual rhythm of taking input.",
     .min = 100, .max = 1 * minutes},
    {.key = "live.stall_max", .kind = kind::duration, .at = at<&c::session, &se::stall, &core::watchdog_limits::most>,
     .help = "A transcode that takes no input for longer than this always counts as stalled.", .min = 100,
     .max = 5 * minutes},
    {.key = "live.slow_lag", .kind = kind::duration, .at = at<&c::session, &se::slow_lag>,
     .help = "A transcode is too slow if its lag exceeds its own smallest lag by more than this, and does not shrink.",
     .min = 500, .max = 5 * minutes},
    {.key = "live.slow_after", .kind = kind::duration, .at = at<&c::session, &se::slow_after>,
     .help = "How long a transcode may be too slow before it is moved to another worker.", .min = 500,
     .max = 1 * hours},
    {.key = "live.failover_timeout", .kind = kind::duration, .at = at<&c::session, &se::failover_timeout>,
     .help = "How long clients of a rendition wait for a worker that can take it over.", .min = 1 * seconds,
     .max = 24 * hours},
    {.key = "live.quarantine_after", .kind = kind::integer, .at = at<&c::session, &se::quarantine_after>,
     .help = "A rendition is stopped if this many tasks in a row failed at the same place of the source.",
     .min = 1, .max = 100},
    {.key = "live.quarantine_for", .kind = kind::duration, .at = at<&c::live, &li::quarantine_for>,
     .help = "How long a rendition stopped by `live.quarantine_after` is refused.", .max = 24 * hours},
    {.key = "live.sessions_max", .kind = kind::integer, .at = at<&c::live, &li::sessions_max>,
     .help = "The most channels that run at one time.", .min = 1, .max = 100'000},
    {.key = "live.clients_max", .kind = kind::integer, .at = at<&c::live, &li::clients_max>,
     .help = "The most clients that watch at one time, by any protocol. Further ones get a 503, and try again later.",
     .min = 1, .max = 1'000'000},
    {.key = "live.viewers_per_client", .kind = kind::integer, .at = at<&c::live, &li::viewers_per_client>,
     .help = "The most viewers of HLS and DASH from one client address. Behind `http.trusted_proxies`, each client has "
             "its own address.",
     .min = 1, .max = 1'000'000},
  };
}

// clang-format on

} // namespace troupe::config
