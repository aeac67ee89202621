#include "http/jobs.hpp"

#include "base/mask_url.hpp"
#include "base/path_text.hpp"
#include "base/utf8.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "encoder/container.hpp"
#include "http/job_files.hpp"
#include "http/job_limits.hpp"
#include "http/json.hpp"
#include "http/json_body.hpp"
#include "http/presets.hpp"
#include "http/query.hpp"
#include "messages/job_states.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/params_encoded_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/scheme.hpp>

#include <algorithm>
#include <limits>

namespace troupe::http {

namespace {

namespace json = boost::json;

using failure = tl::unexpected<std::string>;
using checked = tl::expected<void, std::string>;

constexpr size_t rows_max = 1'000;
constexpr int64_t chunk_seconds_max = 24 * 3600;
constexpr size_t callback_bytes_max = 2048;

std::string name_of(const json::key_value_pair& x) {
  return {x.key().data(), x.key().size()};
}

checked read_text(const json::key_value_pair& from, std::string& to) {
  auto* s = from.value().if_string();
  if (s == nullptr || s->empty() || s->size() > 4096 || s->find('\0') != json::string_view::npos)
    return failure(name_of(from) + " is not accepted: allowed is a text of 1 to 4096 bytes");
  to.assign(s->data(), s->size());
  return {};
}

template <class Enum>
checked read_enum(const json::key_value_pair& from, Enum& to) {
  if (auto x = parse_job_enum<Enum>(text_of(from.value()))) {
    to = *x;
    return {};
  }
  std::string allowed;
  for (auto name : troupe::detail::enum_names<Enum>)
    allowed += (allowed.empty() ? "" : ", ") + std::string{name};
  return failure(name_of(from) + " is not accepted: allowed is one of " + allowed);
}

/// Sets one key of a profile, using the table of configurable profile keys.
checked set_profile_key(config::configuration& into, const std::string& key, const json::value& value) {
  auto row = config::match_key("profiles.job." + key);
  if (!row)
    return failure("there is no " + key.substr(0, 128) + " to set");
  auto done = config::assign(*row->row, into, row->names, {{text_of(value)}, false});
  return done ? checked{} : checked{failure(key + ": " + done.error())};
}

/// "video" or "audio".
checked read_part(config::configuration& into, const json::key_value_pair& from) {
  auto* members = from.value().if_object();
  if (members == nullptr)
    return failure(name_of(from) + " is not accepted: allowed is an object");
  for (auto& member : *members) {
    auto key = name_of(from) + "." + name_of(member);
    if (name_of(member) == "languages" || name_of(member) == "others")
      return failure(key + " is for channels: a job keeps the sound in all languages");
    auto* options = name_of(member) == "options" ? member.value().if_object() : nullptr;
    if (options == nullptr) {
      if (auto done = set_profile_key(into, key, member.value()); !done)
        return done;
      continue;
    }
    if (options->size() > config::defaults::encoder_options_max)
      return failure(key + " has more options than are allowed");
    for (auto& option : *options)
      if (auto done = set_profile_key(into, key + "." + name_of(option), option.value()); !done)
        return done;
  }
  return {};
}

checked read_chunk(const json::value& from, file_order& to) {
  auto number = [&](const char* name, int64_t most) -> std::optional<int64_t> {
    auto* x = from.is_object() ? from.get_object().if_contains(name) : nullptr;
    auto* n = x != nullptr ? x->if_int64() : nullptr;
    return n != nullptr && *n > 0 && *n <= most ? std::optional{*n} : std::nullopt;
  };
  auto seconds = number("seconds", chunk_seconds_max);
  auto frames = number("frames", std::numeric_limits<int32_t>::max());
  if (seconds.has_value() == frames.has_value() || from.get_object().size() != 1)
    return failure("chunk is not accepted: allowed is {\"seconds\": N} or {\"frames\": N}");
  to.chunk_duration = std::chrono::seconds{seconds.value_or(0)};
  to.chunk_frames = static_cast<uint64_t>(frames.value_or(0));
  return {};
}

/// A URL to be called at the job's end: it is stored, and this machine calls it.
checked read_callback(const json::key_value_pair& from, std::string& to) {
  if (auto done = read_text(from, to); !done)
    return done;
  auto parsed = boost::urls::parse_uri(boost::urls::string_view{to.data(), to.size()});
  auto known =
    parsed && (parsed->scheme_id() == boost::urls::scheme::http || parsed->scheme_id() == boost::urls::scheme::https);
  if (!known || parsed->encoded_host().empty() || to.size() > callback_bytes_max)
    return failure("callback is not accepted: allowed is a URL of http or https with a host, of at most "
                   + std::to_string(callback_bytes_max) + " bytes");
  return {};
}

checked complete(job_submission& x) {
  auto& order = x.order;
  if (order.input.empty() || order.output.empty())
    return failure("input and output are missing: both have to be named");
  for (auto* path : {&order.input, &order.output}) {
    auto read = base::from_path_text(*path);
    if (!read)
      return failure("a file URL is not accepted: allowed is file:///PATH, with %XX for a byte, and not %00");
    *path = std::move(*read);
  }
  if (!order.input.starts_with('/') && order.input.find("://") == std::string::npos
      && !order.input.starts_with(upload_prefix))
    return failure("input is not accepted: allowed is an absolute path, a URL or upload:ID");
  if (!(order.output.starts_with('/') || order.output.starts_with(kept_prefix)) || order.output.ends_with('/'))
    return failure("output is not accepted: allowed is the absolute path of a file, or kept:NAME");
  if (order.input == order.output)
    return failure("output is the input: name another file");
  auto& named = order.container.empty() ? order.output : order.container;
  auto container = av::container_of(named);
  if (!container)
    return failure("container is not accepted: allowed is one of mp4, mov, mkv, webm, ts, or an output with the "
                   "extension of one: "
                   + av::container_extensions());
  auto sound_alone = av::is_for_sound(named);
  order.container = av::container_name(*container);
  if (order.video.codec.empty() && sound_alone)
    order.video.codec = "none";
  if (order.video.codec.empty())
    order.video.codec = order.container == "webm" ? "vp9" : "h264";
  if (order.audio.codec.empty())
    order.audio.codec = order.container == "webm" ? "opus" : "aac";
  if (order.video.codec == "none" && order.audio.codec == "none")
    return failure("the order asks for neither video nor audio");
  if (x.name.empty())
    x.name = base::plain_text(
      order.output.substr(order.output.starts_with(kept_prefix) ? kept_prefix.size() : order.output.rfind('/') + 1));
  if (x.name.size() > 255)
    return failure("name is not accepted: allowed are 255 bytes");
  return {};
}

checked read_member(const json::key_value_pair& member, job_submission& x, config::configuration& settings) {
  auto key = name_of(member);
  if (key == "input")
    return read_text(member, x.order.input);
  if (key == "output")
    return read_text(member, x.order.output);
  if (key == "container")
    return read_text(member, x.order.container);
  if (key == "name")
    return read_text(member, x.name);
  if (key == "priority")
    return read_enum(member, x.priority);
  if (key == "queue")
    return read_enum(member, x.queue);
  if (key == "video" || key == "audio")
    return read_part(settings, member);
  if (key == "chunk")
    return read_chunk(member.value(), x.order);
  if (key == "limits") {
    auto limits = read_limits(member.value());
    if (!limits)
      return failure(limits.error());
    x.order.limits = *limits;
    return {};
  }
  if (key == "overwrite") {
    if (!member.value().is_bool())
      return failure("overwrite is not accepted: allowed is true or false");
    x.order.overwrite = member.value().get_bool();
    return {};
  }
  if (key == "callback")
    return read_callback(member, x.callback);
  if (key == "profile" || key == "preset")
    return {}; // already read
  return failure(
    "'" + key.substr(0, 128)
    + "' is not known: allowed are input, output, container, preset, profile, video, audio, chunk, limits, overwrite, "
      "name, priority, queue and callback");
}

/// A stored JSON text, without the members meant only for the program.
json::value stored(const std::string& text) {
  boost::system::error_code failed;
  auto result = json::parse(text, failed);
  if (failed)
    return nullptr;
  if (auto* object = result.if_object()) {
    object->erase("@type");
    if (auto* input = object->if_contains("input"); input != nullptr && input->is_string())
      *input = http::to_json(base::mask_url(text_of(*input)));
    // The store has enumerations as numbers.
    auto* video = object->if_contains("video");
    auto* policy = video != nullptr && video->is_object() ? video->get_object().if_contains("on_busy") : nullptr;
    if (auto* n = policy != nullptr ? policy->if_int64() : nullptr; n != nullptr && *n >= 0 && *n <= 2)
      *policy = http::to_json(static_cast<exhaustion_policy>(*n));
  }
  return result;
}

json::value or_null(int64_t ms) {
  return ms > 0 ? json::value(ms) : json::value(nullptr);
}

json::object to_object(const store::job_summary& x, const std::optional<core::file_job_status>& status) {
  json::object result;
  result["id"] = to_string(x.id);
  result["name"] = http::to_json(x.name);
  result["state"] = to_string(x.state);
  result["priority"] = to_string(x.priority);
  result["queue"] = to_string(x.queue);
  result["submitted_at_ms"] = or_null(x.submitted_ms);
  result["started_at_ms"] = or_null(x.started_ms);
  result["ended_at_ms"] = or_null(x.ended_ms);
  result["attempt"] = x.attempt;
  result["failures"] = x.failures;
  result["progress"] = status && !is_ended(x.state) ? status->done : x.progress_ppm / 1e6;
  result["failure"] = to_string(x.failure);
  result["error"] = http::to_json(x.error);
  result["status"] = status ? json::value(http::to_object(*status)) : json::value(nullptr);
  return result;
}

/// A bound of a window; null if the window is open at this end.
json::value bound(int64_t pts) {
  auto open = pts == std::numeric_limits<int64_t>::min() || pts == std::numeric_limits<int64_t>::max();
  return open ? json::value(nullptr) : json::value(pts);
}

json::object to_object(const store::chunk& x) {
  return {{"number", x.number},          {"kind", to_string(x.kind)},
          {"state", to_string(x.state)}, {"from_pts", bound(x.from_pts)},
          {"to_pts", bound(x.to_pts)},   {"attempt", x.attempt},
          {"failures", x.failures},      {"worker", http::to_json(x.worker)},
          {"frames", x.result.frames},   {"bytes", x.result.bytes},
          {"sha256", x.result.sha256}};
}

json::object to_object(const store::history_entry& x) {
  return {{"number", x.number},
          {"at_ms", x.at_ms},
          {"chunk", x.chunk == store::history_entry::whole_job ? json::value(nullptr) : json::value(x.chunk)},
          {"from", x.from},
          {"to", x.to},
          {"why", http::to_json(x.why)},
          {"node", http::to_json(x.node)},
          {"attempt", x.attempt}};
}

json::object to_object(const store::callback& x) {
  auto id = to_string(x.id) + "." + std::to_string(x.delivery);
  return {{"delivery", id},
          {"ended_at_ms", x.ended_ms},
          {"tries", x.tries},
          {"done_at_ms", or_null(x.done_ms)},
          {"next_at_ms", x.done_ms > 0 ? json::value(nullptr) : or_null(x.not_before_ms)},
          {"note", http::to_json(x.note)}};
}

checked read_parameter(const std::string& key, const std::string& value, job_question& x) {
  auto taken = read_job_filter(key, value, x.filter.states, x.filter.queue);
  if (!taken)
    return failure(taken.error());
  if (*taken)
    return {};
  if (key == "text") {
    x.filter.text = value;
  } else if (key == "from_ms" || key == "to_ms") {
    auto n = to_number<int64_t>(value);
    if (!n || *n < 0)
      return failure(key + " is not accepted: allowed is a time in milliseconds since 1970");
    (key == "from_ms" ? x.filter.submitted_from_ms : x.filter.submitted_to_ms) = *n;
  } else if (key == "limit") {
    auto n = to_number<int64_t>(value);
    if (!n || *n < 1 || *n > static_cast<int64_t>(rows_max))
      return failure("limit is not accepted: allowed is a number from 1 to " + std::to_string(rows_max));
    x.rows = static_cast<size_t>(*n);
  } else if (key == "after") {
    auto dot = value.find('.');
    auto first = to_number<int64_t>(std::string_view{value}.substr(0, dot));
    auto second = dot == std::string::npos ? std::nullopt : to_number<int64_t>(std::string_view{value}.substr(dot + 1));
    if (!first || !second)
      return failure("after is not accepted: allowed is `next` of the previous page");
    x.after = store::page_cursor{*first, *second};
  } else {
    return failure("'" + key.substr(0, 128)
                   + "' is not known: allowed are state, queue, text, from_ms, to_ms, limit and after");
  }
  return {};
}

} // namespace

json::object to_object(const core::file_job_status& x) {
  json::object result;
  result["phase"] = http::to_json(std::string{to_string(x.phase)});
  result["frames"] = x.frames;
  result["frames_total"] = x.frames_total;
  result["bytes"] = x.bytes;
  result["fps"] = http::to_json(x.fps);
  result["speed"] = http::to_json(x.speed);
  result["eta_ms"] = x.eta_ms < 0 ? json::value(nullptr) : json::value(x.eta_ms);
  result["chunks"] = x.chunks;
  result["chunks_done"] = x.chunks_done;
  result["chunks_running"] = x.chunks_running;
  result["given_back"] = x.given_back;
  result["retries"] = x.retries;
  result["workers"] = http::to_json(x.workers);
  result["limits"] = to_json(x.limits);
  result["first_frame_ms"] = x.first_frame_ms < 0 ? json::value(nullptr) : json::value(x.first_frame_ms);
  return result;
}

tl::expected<job_submission, std::string> read_submission(std::string_view body, const std::vector<profile>& profiles) {
  auto document = read_json(body);
  if (!document || !document->is_object())
    return failure("the body is no JSON object" + (document ? std::string{} : ": " + document.error()));
  auto& members = document->get_object();
  config::configuration settings;
  auto& target = settings.profiles["job"];
  target.name = "job";
  target.video.codec.clear();
  target.audio.codec.clear();
  // Use the encoder's own distance of key pictures: no client joins a file in the middle.
  target.video.keyframe_interval = std::chrono::milliseconds{0};
  job_submission result;
  if (members.contains("profile") && members.contains("preset"))
    return failure("preset and profile exclude each other: name one");
  auto* name = members.if_contains("profile");
  if (name == nullptr)
    name = members.if_contains("preset");
  if (name != nullptr) {
    auto rendition = find_rendition(text_of(*name), profiles);
    if (!rendition)
      return failure(rendition.error());
    target.video = std::move(rendition->video);
    target.audio = std::move(rendition->audio);
    target.audio.languages.clear();
    target.audio.others = audio_profile{}.others;
  }
  if (auto* video = members.if_contains("video"); name != nullptr && video != nullptr && video->is_object())
    make_room(video->get_object(), target.video);
  for (auto& member : members)
    if (auto done = read_member(member, result, settings); !done)
      return failure(done.error());
  result.order.video = settings.profiles["job"].video;
  result.order.audio = settings.profiles["job"].audio;
  if (auto done = complete(result); !done)
    return failure(done.error());
  return result;
}

tl::expected<job_question, std::string> read_question(std::string_view query) {
  job_question result;
  auto take = [&result](const std::string& key, const std::string& value) {
    return read_parameter(key, value, result);
  };
  if (auto done = read_query(query, take); !done)
    return failure(done.error());
  return result;
}

json::value to_json(const job_listing& x) {
  json::array rows;
  for (auto& row : x.rows)
    rows.push_back(to_object(row.job, row.status));
  json::object result;
  result["jobs"] = std::move(rows);
  result["next"] =
    x.next ? json::value(std::to_string(x.next->first) + "." + std::to_string(x.next->second)) : json::value(nullptr);
  return result;
}

json::object brief(const job_details& x) {
  auto result = to_object(x.job, x.status);
  result["request"] = stored(x.job.request);
  result["result"] = stored(x.job.result);
  result["callback"] =
    x.job.callback_url.empty() ? json::value(nullptr) : http::to_json(base::mask_url(x.job.callback_url));
  json::array callbacks;
  for (auto& c : x.callbacks)
    callbacks.push_back(to_object(c));
  result["callbacks"] = std::move(callbacks);
  return result;
}

json::value to_json(const job_details& x) {
  auto result = brief(x);
  json::array chunks;
  for (auto& c : x.chunks)
    chunks.push_back(to_object(c));
  result["chunks"] = std::move(chunks);
  json::array history;
  for (auto& h : x.history)
    history.push_back(to_object(h));
  result["history"] = std::move(history);
  return result;
}

} // namespace troupe::http
