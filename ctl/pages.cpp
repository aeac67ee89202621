#include "ctl/pages.hpp"

#include "base/json.hpp"
#include "base/utf8.hpp"
#include "ctl/ask.hpp"
#include "ctl/http.hpp"
#include "ctl/run.hpp"
#include "ctl/table.hpp"

#include <ostream>

#include <boost/json/serialize.hpp>

namespace troupe::ctl {

using namespace base::reading;
namespace json = boost::json;

int show_pages(const options& with, const std::string& path, const char* what, std::string (*view)(const json::value&),
               std::ostream& out, std::ostream& err) {
  auto query = with.filter;
  for (;;) {
    auto answer = ask_json(with, path + query);
    if (!answer)
      return fail(answer.error(), err);
    auto next = text(*answer, "next");
    out << (with.json ? json::serialize(*answer) + "\n" : view(*answer));
    if (next.empty())
      return done;
    if (!with.all) {
      if (!with.json)
        out << "there are more " << what << ": use --after=" << base::plain_text(next) << ", or --all\n";
      return done;
    }
    query = with.filter + (with.filter.empty() ? "?" : "&") + "after=" + encoded(next);
  }
}

std::string show_audit(const json::value& answer) {
  table result{{{"TIME"}, {"KEY"}, {"NAME"}, {"ROLE"}, {"ADDRESS"}, {"DID"}, {"MADE"}, {"STATUS"}, {"REQUEST"}}};
  for (auto& x : list(answer, "entries")) {
    auto status = count(x, "status");
    result.add({time_text(count(x, "at_ms")), text(x, "key"), text(x, "name"), text(x, "role"), text(x, "address"),
                text(x, "method") + " " + text(x, "target"), text(x, "made"),
                status == 0 ? "no answer" : std::to_string(status), text(x, "request")});
  }
  return result.empty() ? "no entries\n" : result.to_string();
}

} // namespace troupe::ctl
