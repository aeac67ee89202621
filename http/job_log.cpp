#include "http/job_log.hpp"

#include "base/iso_time.hpp"
#include "base/mask_url.hpp"
#include "http/json.hpp"
#include "http/query.hpp"

#include <boost/json/serialize.hpp>

namespace troupe::http {

namespace {

namespace json = boost::json;

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
      result.body += base::iso_time(line.at_ms) + " " + line.level + " ";
      if (!line.part.empty())
        result.body += line.part + ": ";
      result.body += base::mask_urls(line.text);
    }
    result.body += '\n';
  }
  if (x.next)
    result.fields.emplace_back("X-Next", std::to_string(*x.next));
  return result;
}

} // namespace troupe::http
