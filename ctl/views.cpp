#include "ctl/views.hpp"

#include "base/json.hpp"
#include "base/utf8.hpp"
#include "ctl/table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace troupe::ctl {

namespace {

using namespace base::reading;
namespace json = boost::json;
using align = table::align;

/// The codecs of a worker's video encoders, each once: the encoders themselves would not fit into a line.
std::string working_codecs(const json::value& daemon) {
  std::set<std::string> codecs;
  for (auto& e : list(member(daemon, "can"), "encoders")) {
    auto works = member(e, "works").if_bool();
    if (works != nullptr && *works && text(e, "kind") == "video")
      codecs.insert(text(e, "codec"));
  }
  std::string result;
  for (auto wanted : {"h264", "hevc", "av1", "vp9", "mpeg2video"})
    if (codecs.erase(wanted) != 0)
      result += (result.empty() ? "" : " ") + std::string{wanted};
  if (!codecs.empty())
    result += (result.empty() ? "" : " ") + ("+" + std::to_string(codecs.size()));
  return result;
}

/// A measured value; empty if the driver does not report it.
std::string measured(const json::value& reading, std::string_view name, std::string_view unit) {
  return member(reading, name).is_null() ? std::string{} : number_text(number(reading, name)) + std::string{unit};
}

table gpus_table(const json::value& daemons) {
  table result{{{"GPU"},
                {"WORKER"},
                {"DEVICE"},
                {"SESSIONS", align::right},
                {"OTHERS", align::right},
                {"LIMIT", align::right},
                {"ENCODER", align::right},
                {"MEMORY", align::right},
                {"HEAT", align::right},
                {"BLOCKED BECAUSE IT"}}};
  for (auto& d : list(daemons, "daemons"))
    for (auto& g : list(d, "gpus")) {
      auto& reading = member(g, "reading");
      auto used = number(reading, "memory_used_bytes");
      result.add({text(g, "name"), text(d, "name"), text(g, "device"), count_text(g, "encode_sessions"),
                  count_text(g, "foreign_sessions"), text(g, "encode_limit"),
                  measured(reading, "encoder_percent", " %"), used > 0 ? bytes_text(used) : "",
                  measured(reading, "temperature_celsius", " C"), text(g, "blocked")});
    }
  return result;
}

std::string joined(const json::array& texts) {
  std::string result;
  for (auto& x : texts)
    if (auto line = x.if_string(); line != nullptr)
      result += (result.empty() ? "" : "; ") + base::plain_text({line->data(), line->size()});
  return result;
}

/// The reason for a rendition's state. The first of these that exists: its fault, its wait for an encoder, the warning
/// of a substitute encoder, its notes, the session's reason, the streams of the source that are not carried.
std::string variant_reason(const json::value& session, const json::value& variant) {
  if (auto reason = text(variant, "reason"); !reason.empty())
    return reason;
  if (member(variant, "waits_behind").is_number())
    return "waits for an encoder behind " + count_text(variant, "waits_behind") + " others";
  auto warning = text(member(variant, "encoder"), "warning");
  if (warning.empty())
    warning = joined(list(variant, "notes"));
  if (warning.empty())
    warning = text(session, "reason");
  if (auto left_out = joined(list(session, "not_carried")); warning.empty() && !left_out.empty())
    warning = "not carried: " + left_out;
  return warning;
}

std::string rate_text(const json::value& video) {
  auto den = number(member(video, "frame_rate"), "den");
  auto num = number(member(video, "frame_rate"), "num");
  if (num <= 0 || den <= 0)
    return {};
  return number_text(num / den);
}

std::string size_text(const json::value& video) {
  auto side = [&](std::string_view name) {
    auto n = count(video, name);
    return n == 0 ? std::string{"*"} : std::to_string(n);
  };
  auto result = side("width") + "x" + side("height");
  return result == "*x*" ? std::string{} : result;
}

std::string bit_rate_text(const json::value& of) {
  auto n = count(of, "bit_rate");
  return n == 0 ? std::string{} : std::to_string(n / 1000) + "k";
}

std::string or_none(const table& x, std::string_view what) {
  return x.empty() ? "no " + std::string{what} + "\n" : x.to_string();
}

table tasks_table(const json::value& daemons) {
  table result{{{"TASK"},
                {"WORKER"},
                {"CHANNEL"},
                {"PROFILE"},
                {"OUTPUTS", align::right},
                {"PID", align::right},
                {"CPU %", align::right},
                {"MEMORY", align::right},
                {"RUNNING", align::right},
                {"SPEED", align::right},
                {"IN", align::right},
                {"OUT", align::right}}};
  for (auto& d : list(daemons, "daemons")) {
    for (auto& t : list(d, "tasks")) {
      auto& process = member(t, "process");
      auto& work = member(t, "work");
      result.add({text(t, "kind"), text(d, "name"), text(t, "channel"), text(t, "profile"), count_text(t, "outputs"),
                  count_text(process, "pid"), number_text(number(process, "cpu_percent")),
                  bytes_text(number(process, "memory_bytes")), duration_text(count(process, "running_ms") / 1000),
                  number_text(number(work, "speed")), bytes_text(number(work, "bytes_in")),
                  bytes_text(number(work, "bytes_out"))});
    }
  }
  return result;
}

} // namespace

std::string show_daemons(const json::value& answer) {
  table result{{{"NAME"},
                {"STATE"},
                {"SLOTS", align::right},
                {"CPU %", align::right},
                {"MEM %", align::right},
                {"LOAD", align::right},
                {"TASKS", align::right},
                {"DONE", align::right},
                {"FAILED", align::right},
                {"VERSION"},
                {"ADDRESS"},
                {"ENCODES"},
                {"REASON"}}};
  for (auto& d : list(answer, "daemons")) {
    auto& machine = member(d, "machine");
    result.add({text(d, "name"), text(d, "state"), count_text(d, "slots_used") + "/" + count_text(d, "slots"),
                number_text(number(machine, "cpu_percent")), number_text(number(machine, "memory_percent")),
                number_text(number(machine, "load_1m")), std::to_string(list(d, "tasks").size()),
                count_text(d, "tasks_completed"), count_text(d, "tasks_failed"), text(d, "version"), text(d, "address"),
                working_codecs(d), text(d, "reason")});
  }
  auto gpus = gpus_table(answer);
  return or_none(result, "workers") + (gpus.empty() ? "" : "\n" + gpus.to_string());
}

std::string show_channels(const json::value& answer) {
  table result{{{"NAME"}, {"TITLE"}, {"LOOP"}, {"SOURCES"}}};
  for (auto& c : list(answer, "channels")) {
    std::string urls;
    for (auto& u : list(c, "urls"))
      if (auto url = u.if_string(); url != nullptr)
        urls += (urls.empty() ? "" : " ") + std::string{url->data(), url->size()};
    auto loop = member(c, "loop").if_bool();
    result.add({text(c, "name"), text(c, "title"), loop != nullptr && *loop ? "yes" : "no", urls});
  }
  return or_none(result, "channels");
}

std::string show_profiles(const json::value& answer) {
  table result{{{"NAME"},
                {"VIDEO"},
                {"SIZE"},
                {"FPS", align::right},
                {"BIT/S", align::right},
                {"CRF", align::right},
                {"PRESET"},
                {"AUDIO"},
                {"BIT/S", align::right}}};
  for (auto& p : list(answer, "profiles")) {
    auto& video = member(p, "video");
    auto& audio = member(p, "audio");
    auto crf = number(video, "crf");
    result.add({text(p, "name"), text(video, "codec"), size_text(video), rate_text(video), bit_rate_text(video),
                crf < 0 ? std::string{} : number_text(crf), text(video, "preset"), text(audio, "codec"),
                bit_rate_text(audio)});
  }
  return or_none(result, "profiles");
}

std::string show_presets(const json::value& answer) {
  table result{{{"NAME"},
                {"SIZE", align::right},
                {"FPS", align::right},
                {"VIDEO"},
                {"BIT/S", align::right},
                {"AUDIO"},
                {"BIT/S", align::right},
                {"FILE"},
                {"ABOUT"}}};
  for (auto& p : list(answer, "presets")) {
    auto& video = member(p, "video");
    auto& audio = member(p, "audio");
    result.add({text(p, "name"), size_text(video), rate_text(video), text(video, "codec"), bit_rate_text(video),
                text(audio, "codec"), bit_rate_text(audio), text(p, "container"), text(p, "about")});
  }
  return or_none(result, "presets");
}

std::string show_sessions(const json::value& answer) {
  table result{{{"CHANNEL"},
                {"STATE"},
                {"PROFILE"},
                {"MODE"},
                {"WORKER"},
                {"CLIENTS", align::right},
                {"SPEED", align::right},
                {"LAG MS", align::right},
                {"IN", align::right},
                {"OUT", align::right},
                {"SKIPS", align::right},
                {"REASON"}}};
  for (auto& s : list(answer, "sessions")) {
    auto variants = list(s, "variants");
    if (variants.empty())
      result.add({text(s, "channel"), text(s, "state"), "", "", "", "", "", "", bytes_text(number(s, "bytes_in")), "",
                  "", text(s, "reason")});
    for (auto& v : variants) {
      result.add({text(s, "channel"), text(v, "state"), text(v, "profile"), text(v, "mode"), text(v, "worker"),
                  count_text(v, "clients"), number_text(number(member(v, "work"), "speed")), count_text(v, "lag_ms"),
                  bytes_text(number(s, "bytes_in")), bytes_text(number(v, "bytes_out")), count_text(v, "skips"),
                  variant_reason(s, v)});
    }
  }
  return or_none(result, "running channels");
}

std::string show_viewers(const json::value& answer) {
  table result{
    {{"VIEWER"}, {"CHANNEL"}, {"PROFILE"}, {"FORMAT"}, {"SINCE"}, {"LAST"}, {"SENT", align::right}, {"ADDRESS"}}};
  auto viewers = list(answer, "viewers");
  for (auto& v : viewers)
    result.add({text(v, "id"), text(v, "channel"), text(v, "profile"), text(v, "format"),
                time_text(count(v, "since_at_ms")), time_text(count(v, "last_at_ms")),
                bytes_text(number(v, "sent_bytes")), text(v, "address")});
  auto more = count(answer, "total") - static_cast<int64_t>(viewers.size());
  return or_none(result, "viewers") + (more > 0 ? "and " + std::to_string(more) + " more\n" : "");
}

std::string show_placement(const json::value& answer) {
  table result{{{"PART"}, {"WORKER"}, {"DEVICE"}, {"ENCODER"}, {"WHY NOT"}}};
  for (auto& p : list(answer, "placements")) {
    auto& encoder = member(p, "encoder");
    auto first = true;
    for (auto& c : list(p, "looked_at")) {
      auto why_not = text(c, "why_not");
      result.add({first ? text(p, "part") : "", text(c, "worker"), text(c, "device"),
                  why_not.empty() ? text(encoder, "encoder") : "",
                  why_not.empty() ? text(encoder, "warning") : why_not});
      first = false;
    }
  }
  return or_none(result, "part of it runs or has run since this coordinator started");
}

std::string show_top(const json::value& daemons, const json::value& sessions) {
  int64_t slots = 0;
  int64_t used = 0;
  int64_t clients = 0;
  for (auto& d : list(daemons, "daemons")) {
    slots += count(d, "slots");
    used += count(d, "slots_used");
  }
  for (auto& s : list(sessions, "sessions"))
    for (auto& v : list(s, "variants"))
      clients += count(v, "clients");
  auto result = std::to_string(list(daemons, "daemons").size()) + " workers, " + std::to_string(used) + " of "
                + std::to_string(slots) + " slots in use, " + std::to_string(list(sessions, "sessions").size())
                + " channels run, " + std::to_string(clients) + " clients\n\n";
  result += show_daemons(daemons) + "\n" + show_sessions(sessions);
  if (auto tasks = tasks_table(daemons); !tasks.empty())
    result += "\n" + tasks.to_string();
  return result;
}

std::string show_problem(unsigned status, const std::string& body) {
  auto problem = parsed(body);
  auto detail = text(problem, "detail");
  if (detail.empty())
    return "the answer has status " + std::to_string(status);
  auto result = base::plain_text(detail);
  if (auto code = text(problem, "code"); !code.empty())
    result += " (" + base::plain_text(code) + ")";
  return result;
}

} // namespace troupe::ctl
