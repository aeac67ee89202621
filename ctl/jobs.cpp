#include "ctl/jobs.hpp"

#include "base/json.hpp"
#include "base/utf8.hpp"
#include "ctl/ask.hpp"
#include "ctl/events.hpp"
#include "ctl/files.hpp"
#include "ctl/http.hpp"
#include "ctl/job_sheet.hpp"
#include "ctl/order.hpp"
#include "ctl/pages.hpp"
#include "ctl/run.hpp"
#include "ctl/table.hpp"
#include "ctl/views.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <ostream>
#include <sstream>
#include <thread>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

namespace troupe::ctl {

namespace {

using namespace base::reading;
namespace json = boost::json;
using align = table::align;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr auto again_interval = std::chrono::milliseconds{250};
constexpr auto line_interval = std::chrono::seconds{2};

/// How long a coordinator that answered before may be away, for example during a restart.
constexpr milliseconds away_max{60'000};

/// The least fall of a job's progress (0 to 1) that counts. A smaller one is only noise of the estimate.
constexpr double fall_min = 0.002;

constexpr const char* redraw = "\r\x1b[K";

bool is_over(const std::string& state) {
  return state == "completed" || state == "failed" || state == "cancelled";
}

std::string percent(double share) {
  return number_text(share * 100) + "%";
}

std::string time_of(const json::value& of, const char* name) {
  auto result = time_text(count(of, name));
  return result.empty() ? "-" : result;
}

/// The job for watchers: without its chunks, history and order, which would make each line long.
std::string watched_json(const json::value& job) {
  auto result = job.is_object() ? job.get_object() : json::object{};
  result.erase("chunks");
  result.erase("history");
  result.erase("request");
  return json::serialize(result);
}

std::string end_line(const json::value& job) {
  auto state = text(job, "state");
  auto name = base::plain_text(text(job, "name"));
  if (state != "completed")
    return name + ": " + state + (text(job, "error").empty() ? "" : ": " + base::plain_text(text(job, "error")));
  auto& result = member(job, "result");
  auto seconds = static_cast<double>(count(job, "ended_at_ms") - count(job, "started_at_ms")) / 1000;
  auto media = number(result, "duration") / 90'000;
  return name + ": completed, " + count_text(result, "pictures") + " pictures, " + bytes_text(number(result, "bytes"))
         + ", " + number_text(seconds) + " s" + (seconds > 0 ? ", " + number_text(media / seconds) + "x" : "");
}

/// Follows a job's events to its end.
class follower {
public:
  follower(const options& with, std::string id, std::ostream& out, std::ostream& err, bool terminal, wants_end asked)
    : with_(with),
      id_(std::move(id)),
      out_(out),
      err_(err),
      redraws_(terminal && !with.json),
      asked_(std::move(asked)) {}

  int run() {
    auto url = with_.url + "/api/v1/jobs/" + encoded(id_) + "/events";
    auto answered = clock::now();
    for (;; std::this_thread::sleep_for(again_interval)) {
      auto heard = false;
      auto end = listen(
        url, with_.key, last_,
        [&](const event& x) {
          heard = true;
          return take(x);
        },
        [this] { cancel_if_asked(); });
      if (end && end->status == 204)
        over_ = true;
      if (over_)
        return show_end();
      if (end && end->status != 200 && end->status != 503)
        return fail({refused, show_problem(end->status, end->body)}, err_);
      // The stream broke: perhaps the coordinator is restarting.
      if (heard)
        answered = clock::now();
      if (clock::now() - answered > (last_ ? away_max : milliseconds{0}))
        return fail(end ? failure{refused, "the coordinator keeps ending the event stream: "
                                             + show_problem(end->status, end->body)}
                        : failure{unreachable, end.error()},
                    err_);
    }
  }

private:
  void cancel_if_asked() {
    if (asked_ && asked_())
      (void)ask(with_, "POST", "/jobs/" + encoded(id_) + "/cancel");
  }

  /// Returns false when the job is over.
  bool take(const event& x) {
    if (x.id)
      last_ = x.id;
    auto data = parsed(x.data);
    if (!data.is_object())
      return true;
    if (x.name == "job")
      job_ = data.get_object();
    else if (x.name == "progress") {
      job_["progress"] = member(data, "progress");
      job_["status"] = member(data, "status");
    } else if (x.name == "state" || x.name == "end") {
      job_["state"] = member(data, "to");
      if (text(data, "to") != "running")
        job_["status"] = nullptr;
    } else
      return true;
    over_ = x.name == "end" || (x.name == "job" && is_over(text(job_, "state")));
    if (!over_)
      draw();
    return !over_;
  }

  void draw() {
    auto line = with_.json ? watched_json(job_) : progress_line(job_);
    auto share = number(job_, "progress");
    // A part that is encoded again, for its bit rate or after an error, loses its earlier progress.
    falls_ = share < share_ - fall_min || (falls_ && share < highest_);
    share_ = share;
    highest_ = std::max(highest_, share);
    if (falls_ && !with_.json)
      line += ", a part is encoded again: caf-ctl jobs logs " + base::plain_text(id_) + " says why";
    if (redraws_) {
      out_ << redraw << line << std::flush;
      return;
    }
    auto now = clock::now();
    if (now < next_line_ || line == line_)
      return;
    out_ << line << '\n' << std::flush;
    next_line_ = now + line_interval;
    line_ = line;
  }

  int show_end() {
    auto job = ask_json(with_, "/jobs/" + encoded(id_));
    if (!job)
      return fail(job.error(), err_);
    out_ << (redraws_ ? redraw : "") << (with_.json ? watched_json(*job) : end_line(*job)) << '\n' << std::flush;
    if (!with_.json)
      for (auto& note : list(member(*job, "result"), "notes"))
        out_ << "note: " << base::plain_text(json::value_to<std::string>(note)) << '\n';
    return text(*job, "state") == "completed" ? done : refused;
  }

  const options& with_;
  std::string id_;
  std::ostream& out_;
  std::ostream& err_;
  bool redraws_;
  wants_end asked_;
  bool over_ = false;
  std::optional<int64_t> last_; ///< id of the latest event that has one
  json::object job_;
  std::string line_;
  clock::time_point next_line_;
  double share_ = 0;   ///< the job's progress when it was last drawn
  double highest_ = 0; ///< the highest progress so far
  bool falls_ = false; ///< the progress has fallen, and is still below `highest_`
};

int watch(const options& with, const std::string& id, std::ostream& out, std::ostream& err, bool terminal,
          const wants_end& asked = {}) {
  return follower{with, id, out, err, terminal, asked}.run();
}

struct ordered {
  std::string id;
  bool existed = false;
  std::string warning;
  std::string body;
};

tl::expected<ordered, failure> order(const options& with, const std::string& key) {
  std::vector<std::string> lines;
  if (!key.empty())
    lines.push_back("Idempotency-Key: " + key);
  auto body = ask(with, "POST", "/jobs", order_text(with), lines);
  if (!body)
    return tl::unexpected(failure{body.error().code, in_options(body.error().text)});
  auto made = parsed(*body);
  auto id = text(made, "id");
  if (id.empty())
    return tl::unexpected(
      failure{refused, "the server at " + base::plain_text(with.url) + " is not a coordinator: it returns no job id"});
  return ordered{std::move(id), member(made, "existed") == true, text(made, "warning"), std::move(*body)};
}

/// A repeated order gives the same job, unless that job can no longer give a result.
tl::expected<ordered, failure> order_brought(const brought& x) {
  constexpr int lives_max = 100;
  for (int life = 0;; ++life) {
    auto made = order(x.order, x.key + "-" + std::to_string(life));
    if (!made || !made->existed || life == lives_max || !is_spent(x.order, made->id))
      return made;
  }
}

} // namespace

int transcode(const options& with, std::ostream& out, std::ostream& err, bool terminal, const wants_end& asked) {
  auto brings = brings_files(with);
  tl::expected<brought, failure> files;
  if (brings)
    files = bring_input(with, err, terminal);
  if (!files)
    return fail(files.error(), err);
  auto made = brings ? order_brought(*files) : order(with, {});
  if (!made) {
    auto code = fail(made.error(), err);
    if (code == unreachable)
      err << "caf-ctl: use --local to transcode on this machine without a coordinator\n";
    return code;
  }
  if (!made->warning.empty())
    err << "warning: " << base::plain_text(made->warning) << '\n';
  if (with.detach) {
    out << (with.json ? made->body : made->id + "\n");
    return done;
  }
  if (!with.json)
    err << "job " << base::plain_text(made->id) << '\n';
  auto code = watch(with, made->id, out, err, terminal, asked);
  return code == done && brings ? fetch_result(with, *files, made->id, err, terminal) : code;
}

int list_jobs(const options& with, std::ostream& out, std::ostream& err) {
  return show_pages(with, "/jobs", "jobs", show_jobs, out, err);
}

int show_logs(const options& with, std::ostream& out, std::ostream& err) {
  auto answer = ask(with, "GET", "/jobs/" + encoded(with.name) + "/logs" + (with.json ? "?format=json" : ""));
  if (!answer)
    return fail(answer.error(), err);
  // The coordinator sends printable lines; only the line breaks are kept.
  std::istringstream lines{*answer};
  for (std::string line; std::getline(lines, line);)
    out << base::plain_text(line) << '\n';
  return done;
}

int show_job(const options& with, std::ostream& out, std::ostream& err) {
  auto answer = ask_json(with, "/jobs/" + encoded(with.name));
  if (!answer)
    return fail(answer.error(), err);
  out << (with.json ? json::serialize(*answer) + "\n" : show_one_job(*answer));
  return done;
}

int follow_job(const options& with, std::ostream& out, std::ostream& err, bool terminal) {
  return watch(with, with.name, out, err, terminal);
}

int change_job(const options& with, std::ostream& out, std::ostream& err) {
  struct way {
    ctl::command command;
    const char* action;
    const char* done;
  };
  constexpr way ways[] = {{command::cancel_job, "/cancel", " is cancelled"},
                          {command::pause_job, "/pause", " is paused"},
                          {command::resume_job, "/resume", " is queued"},
                          {command::retry_job, "/retry", " is queued again"},
                          {command::remove_job, "", " is removed"}};
  for (auto& x : ways) {
    if (x.command != with.command)
      continue;
    auto body = ask(with, *x.action == '\0' ? "DELETE" : "POST", "/jobs/" + encoded(with.name) + x.action);
    if (!body)
      return fail(body.error(), err);
    out << (with.json ? *body : base::plain_text(with.name) + x.done + "\n");
    return done;
  }
  return wrong_usage;
}

std::string progress_line(const json::value& job) {
  auto& status = member(job, "status");
  auto result = base::plain_text(text(job, "name")) + ": " + text(job, "state");
  if (!status.is_object())
    return result;
  result += " " + percent(number(job, "progress")) + ", " + base::plain_text(text(status, "phase"));
  if (text(status, "phase") == "encoding") {
    result += ", " + number_text(number(status, "fps")) + " fps, " + number_text(number(status, "speed")) + "x, "
              + bytes_text(number(status, "bytes"));
    if (member(status, "eta_ms").is_int64())
      result += ", " + duration_text(count(status, "eta_ms") / 1000) + " left";
    result += ", " + count_text(status, "chunks_done") + " of " + count_text(status, "chunks") + " chunks, "
              + std::to_string(list(status, "workers").size()) + " workers";
  }
  return result;
}

std::string show_jobs(const json::value& answer) {
  table result{{{"ID"},
                {"NAME"},
                {"STATE"},
                {"DONE", align::right},
                {"FPS", align::right},
                {"PRIORITY"},
                {"QUEUE"},
                {"SUBMITTED"},
                {"ERROR"}}};
  for (auto& x : list(answer, "jobs"))
    result.add({text(x, "id"), text(x, "name"), text(x, "state"), percent(number(x, "progress")),
                member(x, "status").is_object() ? number_text(number(member(x, "status"), "fps")) : "",
                text(x, "priority"), text(x, "queue"), time_of(x, "submitted_at_ms"), text(x, "error")});
  return result.empty() ? "no jobs\n" : result.to_string();
}

std::string show_one_job(const json::value& answer) {
  auto result = base::plain_text(text(answer, "id")) + "\n" + progress_line(answer) + "\n" + job_sheet(answer);
  table chunks{{{"CHUNK", align::right},
                {"KIND"},
                {"STATE"},
                {"TRIES", align::right},
                {"WORKER"},
                {"FRAMES", align::right},
                {"SIZE", align::right}}};
  for (auto& c : list(answer, "chunks"))
    chunks.add({count_text(c, "number"), text(c, "kind"), text(c, "state"), count_text(c, "attempt"), text(c, "worker"),
                count_text(c, "frames"), bytes_text(number(c, "bytes"))});
  if (!chunks.empty())
    result += "\n" + chunks.to_string();
  table history{{{"WHEN"}, {"CHUNK", align::right}, {"FROM"}, {"TO"}, {"NODE"}, {"WHY"}}};
  for (auto& h : list(answer, "history"))
    history.add({time_of(h, "at_ms"), member(h, "chunk").is_null() ? "" : count_text(h, "chunk"), text(h, "from"),
                 text(h, "to"), text(h, "node"), text(h, "why")});
  if (!history.empty())
    result += "\n" + history.to_string();
  return result;
}

} // namespace troupe::ctl
