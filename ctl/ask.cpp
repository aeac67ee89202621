#include "ctl/ask.hpp"

#include "base/utf8.hpp"
#include "ctl/http.hpp"
#include "ctl/run.hpp"
#include "ctl/views.hpp"

#include <ostream>

#include <boost/json/parse.hpp>

namespace troupe::ctl {

namespace json = boost::json;

int fail(const failure& x, std::ostream& err) {
  err << "caf-ctl: " << x.text << '\n';
  return x.code;
}

tl::expected<std::string, failure> ask(const options& with, const std::string& method, const std::string& path,
                                       const std::string& body, std::vector<std::string> lines) {
  if (!with.key.empty())
    lines.push_back(key_line(with.key));
  auto got = send(method, with.url + "/api/v1" + path, body, lines);
  if (!got)
    return tl::unexpected(failure{unreachable, got.error()});
  if (got->status < 200 || got->status > 299)
    return tl::unexpected(failure{refused, show_problem(got->status, got->body)});
  return std::move(got->body);
}

tl::expected<json::value, failure> ask_json(const options& with, const std::string& path) {
  auto body = ask(with, "GET", path);
  if (!body)
    return tl::unexpected(body.error());
  boost::system::error_code ec;
  auto result = json::parse(*body, ec);
  if (ec)
    return tl::unexpected(failure{refused, "the server at " + base::plain_text(with.url)
                                             + " is not a coordinator: its answer is not JSON"});
  return result;
}

} // namespace troupe::ctl
