#include "ctl/run.hpp"

#include "base/json.hpp"
#include "base/utf8.hpp"
#include "config/presets.hpp"
#include "ctl/ask.hpp"
#include "ctl/http.hpp"
#include "ctl/jobs.hpp"
#include "ctl/keys.hpp"
#include "ctl/local.hpp"
#include "ctl/nodes.hpp"
#include "ctl/options.hpp"
#include "ctl/pages.hpp"
#include "ctl/table.hpp"
#include "ctl/views.hpp"

#include <chrono>
#include <ostream>
#include <sstream>
#include <thread>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>

namespace troupe::ctl {

namespace {

using namespace base::reading;
namespace json = boost::json;

constexpr std::chrono::milliseconds redraw_interval{1000};
constexpr std::chrono::milliseconds drain_interval{250};

/// Moves the cursor to the corner. Old text is erased only after the new text is drawn, so that nothing flickers.
constexpr const char* home = "\x1b[H";
constexpr const char* erase_line_end = "\x1b[K\n";
constexpr const char* erase_below = "\x1b[J";

/// Prints the answer to a GET, unchanged or as a table.
int show(const options& with, const std::string& path, std::string (*view)(const json::value&), std::ostream& out,
         std::ostream& err) {
  if (with.json) {
    auto body = ask(with, "GET", path);
    if (!body)
      return fail(body.error(), err);
    out << *body;
    return done;
  }
  auto answer = ask_json(with, path);
  if (!answer)
    return fail(answer.error(), err);
  out << view(*answer);
  return done;
}

/// This program's own presets, in the API's form. All nodes of a cluster have the same version, and so the same
/// presets.
json::value own_presets() {
  json::array list;
  for (auto& x : config::presets()) {
    json::object rate{{"num", x.video.frame_rate.num}, {"den", x.video.frame_rate.den}};
    json::object video{{"codec", x.video.codec},
                       {"width", x.video.width},
                       {"height", x.video.height},
                       {"frame_rate", std::move(rate)},
                       {"bit_rate", x.video.bit_rate}};
    json::object audio{{"codec", x.audio.codec}, {"bit_rate", x.audio.bit_rate}};
    list.push_back({{"name", x.name},
                    {"about", x.about},
                    {"container", x.container},
                    {"video", std::move(video)},
                    {"audio", std::move(audio)}});
  }
  auto total = list.size();
  return json::object{{"presets", std::move(list)}, {"total", total}};
}

/// Prints the coordinator's presets; without a coordinator, this program's own.
int presets(const options& with, std::ostream& out, std::ostream& err) {
  auto answer = ask_json(with, "/presets");
  if (!answer && answer.error().code != unreachable) {
    err << "caf-ctl: " << answer.error().text << '\n';
    return answer.error().code;
  }
  auto shown = answer ? *answer : own_presets();
  out << (with.json ? json::serialize(shown) + "\n" : show_presets(shown));
  return done;
}

int change(const options& with, const std::string& method, const std::string& action, const char* what,
           std::ostream& out, std::ostream& err) {
  auto body = ask(with, method, "/daemons/" + encoded(with.name) + action);
  if (!body) {
    err << "caf-ctl: " << body.error().text << '\n';
    return body.error().code;
  }
  if (with.json)
    out << *body;
  else
    out << base::plain_text(with.name) << ' ' << what << '\n';
  return done;
}

/// Returns when nothing runs on the draining worker any more, or the worker itself is gone.
int wait_until_drained(const options& with, std::ostream& out, std::ostream& err) {
  for (;;) {
    auto answer = ask_json(with, "/daemons/" + encoded(with.name));
    if (!answer && answer.error().code == unreachable) {
      err << "caf-ctl: " << answer.error().text << '\n';
      return unreachable;
    }
    auto used = answer ? member(*answer, "slots_used") : json::value{};
    if (!answer || used == 0) {
      if (!with.json)
        out << base::plain_text(with.name) << (answer ? " has no work left: it can be stopped\n" : " is gone\n");
      return done;
    }
    if (used.is_null() || text(*answer, "state") != "draining") {
      err << "caf-ctl: " << base::plain_text(with.name) << " is no longer draining: it was resumed\n";
      return refused;
    }
    std::this_thread::sleep_for(drain_interval);
  }
}

tl::expected<std::string, failure> top_text(const options& with) {
  auto daemons = ask_json(with, "/daemons");
  if (!daemons)
    return tl::unexpected(daemons.error());
  auto sessions = ask_json(with, "/sessions");
  if (!sessions)
    return tl::unexpected(sessions.error());
  if (with.json) {
    json::object both{{"daemons", daemons->at("daemons")}, {"sessions", sessions->at("sessions")}};
    std::ostringstream text;
    text << json::value(std::move(both)) << '\n';
    return std::move(text).str();
  }
  return show_top(*daemons, *sessions);
}

/// Draws the text, cut to the terminal's size: a line that wraps would move all lines below it.
void draw(const std::string& text, std::ostream& out) {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    size = {24, 80, 0, 0};
  std::istringstream lines{text};
  std::string line;
  out << home;
  for (int row = 1; row < size.ws_row && std::getline(lines, line); ++row) {
    size_t end = 0;
    for (int column = 0; end < line.size(); ++end)
      if ((line[end] & 0xc0) != 0x80 && ++column > size.ws_col)
        break;
    out << line.substr(0, end) << erase_line_end;
  }
  out << erase_below << std::flush;
}

/// Waits a second, or until the user enters "q". After the end of standard input it only waits the second.
bool wants_to_quit() {
  static bool listens = true;
  pollfd input{listens ? STDIN_FILENO : -1, POLLIN, 0};
  if (::poll(&input, 1, static_cast<int>(redraw_interval.count())) <= 0)
    return false;
  char text[64];
  auto n = ::read(STDIN_FILENO, text, sizeof text);
  listens = n > 0;
  return n > 0 && (text[0] == 'q' || text[0] == 'Q');
}

int top(const options& with, std::ostream& out, std::ostream& err, bool terminal) {
  for (bool first = true;; first = false) {
    auto text = top_text(with);
    // A running display waits while the coordinator restarts; a single query, or the first one, reports the error.
    if (!text && (first || !terminal)) {
      err << "caf-ctl: " << text.error().text << '\n';
      return text.error().code;
    }
    if (!terminal || with.json) {
      out << *text;
      return done;
    }
    draw(text ? *text : text.error().text + "\n", out);
    if (wants_to_quit())
      return done;
  }
}

} // namespace

int run(const std::vector<std::string>& args, const surroundings& around, std::ostream& out, std::ostream& err,
        bool terminal) {
  auto parsed = parse_options(args, around.url);
  if (!parsed) {
    err << "caf-ctl: " << base::plain_text(parsed.error()) << '\n';
    return wrong_usage;
  }
  auto& with = *parsed;
  if (with.command != command::help && with.command != command::version && !with.local) {
    auto key = find_key(with, around);
    if (!key) {
      err << "caf-ctl: " << base::plain_text(key.error()) << '\n';
      return wrong_usage;
    }
    with.key = std::move(*key);
  }
  switch (with.command) {
  case command::help:
    out << usage(with.topic);
    return done;
  case command::version:
    out << "caf-ctl " TROUPE_VERSION "\n";
    return done;
  case command::daemons:
    return show(with, "/daemons", show_daemons, out, err);
  case command::channels:
    return show(with, "/channels", show_channels, out, err);
  case command::profiles:
    return show(with, "/profiles", show_profiles, out, err);
  case command::presets:
    return presets(with, out, err);
  case command::sessions:
    return show(with, "/sessions", show_sessions, out, err);
  case command::viewers:
    return show(with, "/viewers", show_viewers, out, err);
  case command::top:
    return top(with, out, err, terminal);
  case command::drain: {
    auto result = change(with, "POST", "/drain", "is draining: it gets no new work", out, err);
    return result == done && with.wait ? wait_until_drained(with, out, err) : result;
  }
  case command::resume:
    return change(with, "POST", "/resume", "takes work again", out, err);
  case command::remove:
    return change(with, "DELETE", "", "is removed", out, err);
  case command::transcode:
    return with.local ? transcode_here(with, out, err, terminal) : transcode(with, out, err, terminal);
  case command::list_jobs:
    return list_jobs(with, out, err);
  case command::show_job:
    return show_job(with, out, err);
  case command::job_placement:
    return show(with, "/jobs/" + encoded(with.name) + "/placement", show_placement, out, err);
  case command::follow_job:
    return follow_job(with, out, err, terminal);
  case command::job_logs:
    return show_logs(with, out, err);
  case command::cancel_job:
  case command::pause_job:
  case command::resume_job:
  case command::retry_job:
  case command::remove_job:
    return change_job(with, out, err);
  case command::list_keys:
    return show(with, "/keys", show_keys, out, err);
  case command::create_key:
    return create_key(with, out, err);
  case command::revoke_key:
    return revoke_key(with, out, err);
  case command::audit:
    return show_pages(with, "/audit", "entries", show_audit, out, err);
  case command::make_address:
    return make_address(with, out, err);
  case command::list_tokens:
    return show(with, "/join-tokens", show_tokens, out, err);
  case command::create_token:
    return create_token(with, out, err);
  case command::revoke_token:
    return revoke_token(with, out, err);
  case command::list_nodes:
    return show(with, "/nodes", show_nodes, out, err);
  case command::revoke_node:
    return revoke_node(with, out, err);
  }
  return wrong_usage;
}

} // namespace troupe::ctl
