#include "ctl/job_sheet.hpp"

#include "base/json.hpp"
#include "base/utf8.hpp"
#include "ctl/table.hpp"

#include <algorithm>
#include <string_view>

#include <boost/json/serialize.hpp>

namespace troupe::ctl {

namespace {

using namespace base::reading;
namespace json = boost::json;

/// A value in its written form, without JSON quotes.
std::string plain(const json::value& x) {
  if (auto* s = x.if_string())
    return base::plain_text({s->data(), s->size()});
  return base::plain_text(json::serialize(x));
}

/// True if a setting was left to the encoder or the source.
bool is_unset(std::string_view name, const json::value& x) {
  if (x.is_bool() ? !x.get_bool() : name == "on_busy" && x == json::value("fallback"))
    return true;
  if (x.is_null() || (x.is_string() && (x.get_string().empty() || x.get_string() == "0s"))
      || (x.is_object() && x.get_object().empty()))
    return true;
  auto* n = x.if_int64();
  auto number = n != nullptr ? static_cast<double>(*n) : x.is_double() ? x.get_double() : 1;
  return number == 0 || (number < 0 && (name == "crf" || name == "b_frames"));
}

/// "codec h264, height 720, bit_rate 2500000".
std::string settings_text(const json::value& part) {
  std::string result;
  if (auto* members = part.if_object())
    for (auto& member : *members) {
      std::string name{member.key().data(), member.key().size()};
      if (name.starts_with('@') || is_unset(name, member.value()))
        continue;
      auto text = plain(member.value());
      if (name == "frame_rate") {
        if (count(member.value(), "num") == 0)
          continue;
        text = number_text(number(member.value(), "num") / number(member.value(), "den"));
      }
      result += (result.empty() ? "" : ", ") + base::plain_text(name) + " " + text;
    }
  return result;
}

class sheet {
public:
  void line(std::string_view name, const std::string& value) {
    if (value.empty())
      return;
    std::string left{name};
    left += ':';
    left.resize(std::max<size_t>(left.size() + 1, 12), ' ');
    text_ += left + value + "\n";
  }

  std::string take() {
    return std::move(text_);
  }

private:
  std::string text_;
};

} // namespace

std::string job_sheet(const json::value& job) {
  sheet out;
  auto& request = member(job, "request");
  auto& result = member(job, "result");
  auto& status = member(job, "status");
  out.line("name", base::plain_text(text(job, "name")));
  out.line("queue", base::plain_text(text(job, "queue") + ", priority " + text(job, "priority")));
  out.line("submitted", time_text(count(job, "submitted_at_ms")));
  out.line("started", time_text(count(job, "started_at_ms")));
  out.line("ended", time_text(count(job, "ended_at_ms")));
  if (count(job, "attempt") > 0)
    out.line("attempt", count_text(job, "attempt")
                          + (count(job, "failures") > 0 ? ", " + count_text(job, "failures") + " failed" : ""));
  out.line("input", base::plain_text(text(request, "input")));
  out.line("output",
           base::plain_text(text(request, "output")
                            + (text(request, "container").empty() ? "" : " (" + text(request, "container") + ")")));
  out.line("video", settings_text(member(request, "video")));
  out.line("audio", settings_text(member(request, "audio")));
  out.line("limits", settings_text(member(request, "limits")));
  out.line("enforced", settings_text(member(job, "limits")));
  if (status.is_object()) {
    std::string workers;
    for (auto& w : list(status, "workers"))
      workers += (workers.empty() ? "" : ", ") + plain(w);
    out.line("workers", workers);
    if (count(status, "retries") + count(status, "given_back") > 0)
      out.line("again", count_text(status, "retries") + " parts after errors, " + count_text(status, "given_back")
                          + " given back for live work");
  }
  if (result.is_object()) {
    out.line("result", bytes_text(number(result, "bytes")) + ", " + count_text(result, "pictures") + " pictures, "
                         + number_text(number(result, "duration") / 90'000) + " s");
    for (auto& note : list(result, "notes"))
      out.line("note", plain(note));
  }
  out.line("callback", base::plain_text(text(job, "callback")));
  for (auto& c : list(job, "callbacks"))
    out.line("notified", (count(c, "done_at_ms") > 0 ? time_text(count(c, "done_at_ms")) : "not yet") + ", "
                           + count_text(c, "tries") + " tries" + (text(c, "note").empty() ? "" : ": ")
                           + base::plain_text(text(c, "note")));
  if (auto error = text(job, "error"); !error.empty())
    out.line("error", base::plain_text(error) + " (" + base::plain_text(text(job, "failure")) + ")");
  return out.take();
}

} // namespace troupe::ctl
