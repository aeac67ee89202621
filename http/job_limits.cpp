#include "http/job_limits.hpp"

#include "config/units.hpp"

#include <boost/json/serialize.hpp>

#include <cmath>
#include <string_view>

namespace troupe::http {

namespace {

namespace json = boost::json;

using failure = tl::unexpected<std::string>;
using checked = tl::expected<void, std::string>;

constexpr int64_t bytes_max = int64_t{1} << 60;
constexpr auto time_max = std::chrono::hours{24 * 365};

checked refuse(std::string_view name, const std::string& allowed) {
  return failure("limits." + std::string{name} + " is not accepted: allowed is " + allowed);
}

checked read_cpu(const json::value& from, work_limits& to) {
  auto cores = config::parse_number(text_of(from));
  if (!cores || *cores * 1000 < work_limits::cpu_min_millis || *cores * 1000 > work_limits::cpu_max_millis)
    return refuse("cpu", "a number of cores from 0.01 to 1024");
  to.cpu_millis = static_cast<uint32_t>(std::lround(*cores * 1000));
  return {};
}

checked read_bytes(std::string_view name, const json::value& from, uint64_t least, uint64_t& to) {
  auto bytes = config::parse_size(text_of(from));
  if (!bytes || *bytes < static_cast<int64_t>(least) || *bytes > bytes_max)
    return refuse(name,
                  "a size such as 512MiB or 2GiB, " + config::format_size(static_cast<int64_t>(least)) + " or more");
  to = static_cast<uint64_t>(*bytes);
  return {};
}

checked read_time(const json::value& from, work_limits& to) {
  auto time = config::parse_duration(text_of(from));
  if (!time || time->count() < 1 || *time > time_max)
    return refuse("time", "a duration such as 30s, 90m or 12h");
  to.time = *time;
  return {};
}

checked read_nice(const json::value& from, work_limits& to) {
  auto nice = config::parse_integer(text_of(from));
  if (!nice || *nice < 0 || *nice > 19)
    return refuse("nice", "a whole number from 0 to 19");
  to.nice = static_cast<int32_t>(*nice);
  return {};
}

checked read_ionice(const json::value& from, work_limits& to) {
  constexpr std::string_view best_effort = "best-effort";
  auto text = text_of(from);
  if (text == "idle") {
    to.io_priority = work_limits::io_idle;
  } else if (text == best_effort) {
    to.io_priority = 4;
  } else if (text.size() == best_effort.size() + 2 && text.starts_with(best_effort) && text[best_effort.size()] == '/'
             && text.back() >= '0' && text.back() <= '7') {
    to.io_priority = text.back() - '0';
  } else {
    return refuse("ionice", "idle, best-effort, or best-effort/0 to best-effort/7");
  }
  return {};
}

checked read_member(std::string_view name, const json::value& from, work_limits& to) {
  if (name == "cpu")
    return read_cpu(from, to);
  if (name == "memory")
    return read_bytes(name, from, work_limits::memory_min_bytes, to.memory_bytes);
  if (name == "disk")
    return read_bytes(name, from, 1, to.disk_bytes);
  if (name == "time")
    return read_time(from, to);
  if (name == "nice")
    return read_nice(from, to);
  if (name == "ionice")
    return read_ionice(from, to);
  return failure("'limits." + std::string{name.substr(0, 128)}
                 + "' is not known: allowed are cpu, memory, disk, time, nice and ionice");
}

} // namespace

std::string text_of(const json::value& x) {
  if (auto* s = x.if_string())
    return {s->data(), s->size()};
  return json::serialize(x);
}

tl::expected<work_limits, std::string> read_limits(const json::value& x) {
  auto* members = x.if_object();
  if (members == nullptr)
    return failure("limits is not accepted: allowed is an object");
  work_limits result;
  for (auto& member : *members)
    if (auto done = read_member({member.key().data(), member.key().size()}, member.value(), result); !done)
      return failure(done.error());
  return result;
}

} // namespace troupe::http
