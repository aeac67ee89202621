#include "http/job_log.hpp"

#include "http/json.hpp"
#include "http/query.hpp"

#include <boost/json/serialize.hpp>

#include <cstdio>
#include <ctime>

namespace troupe::http {

namespace {

namespace json = boost::json;

/// RFC 3339, UTC, with milliseconds.
std::string time_text(int64_t ms) {
  auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(ms % 1000));
  return text;
}

} // namespace

tl::expected<log_request, std::string> read_log_question(job_id id, std::string_view query) {
  log_request result;
  result.what.id = id;
  auto take = [&result](const std::string& key, const std::string& value) -> tl::expected<void, std::string> {
    if (key == "format" && (value == "text" || value == "json")) {
      result.as_json = value == "json";
    } else if (key == "after") {
      auto n = to_number<int64_t>(value);
      if (!n)
        return tl::unexpected(std::string{"after is not accepted: allowed is the number of a line"});
      result.what.after = *n;
    } else {
      return tl::unexpected("'" + key.substr(0, 128) + "' is not accepted: allowed are format=text or json, and after");
    }
    return {};
  };
  if (auto done = read_query(query, take); !done)
    return tl::unexpected(done.error());
  return result;
}

reply log_reply(const job_log& x, bool as_json) {
  reply result{status::ok, as_json ? "application/x-ndjson" : "text/plain; charset=utf-8", {}, {}};
  for (auto& line : x.lines) {
    if (as_json) {
      result.body += json::serialize(json::object{{"number", line.number},
                                                  {"at_ms", line.at_ms},
                                                  {"level", line.level},
                                                  {"part", http::to_json(line.part)},
                                                  {"text", http::to_json(line.text)}});
    } else {
      result.body += time_text(line.at_ms) + " " + line.level + " ";
      if (!line.part.empty())
        result.body += line.part + ": ";
      result.body += line.text;
    }
    result.body += '\n';
  }
  if (x.next)
    result.fields.emplace_back("X-Next", std::to_string(*x.next));
  return result;
}

} // namespace troupe::http
