// The audit log: what the API shows of it.
#include "base/utf8.hpp"
#include "http/json.hpp"
#include "http/json_body.hpp"
#include "http/problem.hpp"
#include "http/query.hpp"
#include "http/routes.hpp"
#include "trust/audit_log.hpp"

#include <utility>

namespace troupe::http {

namespace {

namespace json = boost::json;

constexpr size_t audit_rows_max = 1000;
constexpr size_t audit_text_bytes_max = 255;

tl::expected<void, std::string> read_audit_parameter(const std::string& key, const std::string& value,
                                                     trust::audit_question& x) {
  auto wrong = [&key](const std::string& allowed) {
    return tl::unexpected(key + " is not accepted: allowed is " + allowed);
  };
  auto n = to_number<int64_t>(value);
  if (key == "key" || key == "address" || key == "text") {
    if (value.size() > audit_text_bytes_max || !base::is_plain_text(value))
      return wrong("text of at most " + std::to_string(audit_text_bytes_max) + " bytes");
    (key == "key" ? x.filter.key : key == "text" ? x.filter.text : x.filter.address) = value;
  } else if (key == "from_ms" || key == "to_ms") {
    if (!n || *n < 0)
      return wrong("a time in milliseconds since 1970");
    (key == "from_ms" ? x.filter.from_ms : x.filter.to_ms) = *n;
  } else if (key == "limit") {
    if (!n || *n < 1 || *n > static_cast<int64_t>(audit_rows_max))
      return wrong("a number from 1 to " + std::to_string(audit_rows_max));
    x.rows = static_cast<size_t>(*n);
  } else if (key == "after") {
    if (!n || *n < 0)
      return wrong("`next` of the previous page");
    x.before = *n;
  } else {
    return tl::unexpected("'" + key.substr(0, 128)
                          + "' is not known: allowed are key, address, text, from_ms, to_ms, limit and after");
  }
  return {};
}

tl::expected<trust::audit_question, std::string> read_audit_question(std::string_view query) {
  trust::audit_question result;
  auto take = [&result](const std::string& key, const std::string& value) {
    return read_audit_parameter(key, value, result);
  };
  if (auto done = read_query(query, take); !done)
    return tl::unexpected(done.error());
  return result;
}

json::value or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : to_json(text);
}

json::object audit_json(const trust::audit_entry& x) {
  return {{"number", x.number},
          {"at_ms", x.at_ms},
          {"key", or_null(x.key)},
          {"name", or_null(x.name)},
          {"role", or_null(x.role)},
          {"address", or_null(x.address)},
          {"request", or_null(x.request)},
          {"method", to_json(x.method)},
          {"route", to_json(x.route)},
          {"target", to_json(x.target)},
          {"made", or_null(x.made)},
          {"status", x.status == 0 ? json::value(nullptr) : json::value(x.status)}};
}

} // namespace

void routes::audit(const request& of, reply_handler done) const {
  if (!audit_)
    return done(problem(status::not_found, "unknown_path", "this server keeps no audit log", of.id));
  auto what = read_audit_question(of.query);
  if (!what)
    return done(problem(ec::invalid_argument, what.error(), of.id));
  // Called on a thread of the log, so it holds nothing that owns it.
  auto show = [id = of.id, done](trust::answer<store::audit_page> x) {
    if (!x)
      return done(problem(ec::limit, x.error().text, id));
    json::array entries;
    for (auto& entry : x->rows)
      entries.push_back(audit_json(entry));
    auto next = x->next ? json::value(std::to_string(*x->next)) : json::value(nullptr);
    done(json_reply(json::object{{"entries", std::move(entries)}, {"next", std::move(next)}}));
  };
  audit_->list(std::move(*what), std::move(show));
}

telemetry::audit_counters routes::audit_counters() const {
  auto x = audit_->totals();
  return {x.written, x.waiting, x.lost, x.left_out};
}

} // namespace troupe::http
