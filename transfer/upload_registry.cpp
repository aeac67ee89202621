#include "transfer/upload_registry.hpp"

#include "base/identity.hpp"
#include "base/publish.hpp"
#include "base/secret.hpp"
#include "transfer/ticket.hpp"
#include "transfer/upload_registry_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace troupe::transfer {

namespace {

constexpr mode_t result_mode = 0644;
constexpr const char* not_at_work =
  "this job is not running, or has not resumed after a restart: try again in a moment";

/// Replaces the file by a new one with this text. False on failure.
bool put(const base::path_roots& roots, const std::string& path, const std::string& text) {
  auto folder = roots.open_folder_of(path);
  if (!folder)
    return false;
  auto name = std::filesystem::path{path}.filename().string();
  ::unlinkat(folder->get(), name.c_str(), 0);
  base::descriptor file{::openat(folder->get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

} // namespace

upload_registry::upload_registry(upload_registry_config config) : config_(std::move(config)) {}

void upload_registry::set_address(std::string address) {
  std::lock_guard guard{mutex_};
  address_ = std::move(address);
}

std::string upload_registry::address() const {
  std::lock_guard guard{mutex_};
  return address_;
}

// -- jobs ---------------------------------------------------------------------

job_access upload_registry::open_job(const job_files& x) {
  job_access result;
  result.ticket = ticket_of(config_.secret.reveal(), "work", x.id);
  result.direct = config_.direct;
  result.marker = random_text();
  auto is_path = x.source.find("://") == std::string::npos;
  if (is_path)
    if (auto file = config_.sources.open_file(x.source, O_RDONLY))
      result.identity = base::identity_of(file->get()).value_or(std::string{});
  if (config_.direct && !result.marker.empty())
    put({}, x.folder + "/" + marker_name, result.marker);
  std::lock_guard guard{mutex_};
  auto& opened = jobs_[x.id] = {};
  opened.files = x;
  opened.marker = result.marker;
  return result;
}

std::string upload_registry::attempt_name(const std::string& id, const std::string& text) const {
  // A holder of the job's ticket must not learn the names of other attempts: results are accepted under those names.
  constexpr size_t proof_digits = 32;
  return text + "-" + ticket_of(config_.secret.reveal(), "attempt", id + "/" + text).substr(0, proof_digits);
}

void upload_registry::close_job(const std::string& id, const std::string& life) {
  std::map<std::string, attempt> over;
  {
    std::lock_guard guard{mutex_};
    auto i = jobs_.find(id);
    if (i == jobs_.end() || i->second.files.life != life)
      return;
    over = std::move(i->second.attempts);
    jobs_.erase(i);
  }
  for (auto& [name, x] : over)
    x.file->abandon();
}

void upload_registry::begin_chunk(const std::string& id, const std::string& attempt, uint32_t number,
                                  const std::string& path) {
  auto file = std::make_shared<incoming>(path + part_ending, config_.bytes_max,
                                         [path](const std::string& from, int) { return move_to(from, path); });
  std::lock_guard guard{mutex_};
  if (auto i = jobs_.find(id); i != jobs_.end())
    i->second.attempts[attempt] = {false, number, std::move(file)};
}

void upload_registry::begin_result(const std::string& id, const std::string& attempt, bool overwrite) {
  std::lock_guard guard{mutex_};
  auto i = jobs_.find(id);
  if (i == jobs_.end())
    return;
  auto& x = i->second.files;
  i->second.published = std::make_shared<std::string>(); // an older attempt keeps its own
  if (config_.direct && !i->second.marker.empty())
    put(config_.results, x.staging, i->second.marker);
  auto place = [this, published = i->second.published, target = x.output, overwrite](const std::string& from,
                                                                                     int file) -> answer<void> {
    // Use the descriptor and not the name: others may write to the folder, and may have put another file there.
    ::fchmod(file, result_mode);
    auto identity =
      base::publish(file, from, target, overwrite ? base::overwrite::allow : base::overwrite::refuse, config_.results);
    if (!identity)
      return refuse(identity.error().kind == base::file_fault::failed ? reason::failed : reason::exists,
                    std::move(identity.error().what));
    std::lock_guard publishing{mutex_};
    *published = std::move(*identity);
    return {};
  };
  auto file = std::make_shared<incoming>(x.staging, config_.bytes_max, std::move(place), incoming::begin_with::nothing,
                                         config_.results);
  i->second.attempts[attempt] = {true, 0, std::move(file)};
}

std::string upload_registry::published(const std::string& id) const {
  std::lock_guard guard{mutex_};
  auto i = jobs_.find(id);
  return i == jobs_.end() ? std::string{} : *i->second.published;
}

void upload_registry::end_attempt(const std::string& id, const std::string& attempt) {
  std::shared_ptr<incoming> file;
  {
    std::lock_guard guard{mutex_};
    auto i = jobs_.find(id);
    if (i == jobs_.end())
      return;
    auto j = i->second.attempts.find(attempt);
    if (j == i->second.attempts.end())
      return;
    file = std::move(j->second.file);
    i->second.attempts.erase(j);
  }
  file->abandon();
}

// -- requests of workers -------------------------------------------------------

answer<void> upload_registry::check(const std::string& id, const std::string& ticket) const {
  if (ticket.empty())
    return refuse(reason::unauthorized, "a job's files need its ticket: Authorization: Bearer TICKET");
  if (!base::same_secret(ticket, ticket_of(config_.secret.reveal(), "work", id)))
    return refuse(reason::forbidden, "the ticket is not for this job");
  return {};
}

answer<base::descriptor> upload_registry::source(const std::string& id, const std::string& ticket) const {
  if (auto ok = check(id, ticket); !ok)
    return tl::unexpected(ok.error());
  std::string path;
  {
    std::lock_guard guard{mutex_};
    auto i = jobs_.find(id);
    if (i == jobs_.end())
      return refuse(reason::away, not_at_work);
    path = i->second.files.source;
  }
  auto file = config_.sources.open_file(path, O_RDONLY);
  if (!file)
    return refuse(reason::unknown, "the coordinator cannot read the source: " + file.error().what);
  return std::move(*file);
}

answer<std::string> upload_registry::chunk(const std::string& id, const std::string& ticket, uint32_t number,
                                           const std::string& name) const {
  if (auto ok = check(id, ticket); !ok)
    return tl::unexpected(ok.error());
  if (name.find('/') != std::string::npos || name.find('\0') != std::string::npos || name.size() > 255
      || !name.starts_with(std::to_string(number) + "-") || !name.ends_with(".chunk"))
    return refuse(reason::unknown, "no chunk of that number has that name");
  std::lock_guard guard{mutex_};
  auto i = jobs_.find(id);
  if (i == jobs_.end())
    return refuse(reason::away, not_at_work);
  return i->second.files.folder + "/" + name;
}

answer<std::shared_ptr<incoming>> upload_registry::find(const std::string& id, const std::string& ticket,
                                                        bool is_result, uint32_t number,
                                                        const std::string& attempt) const {
  if (auto ok = check(id, ticket); !ok)
    return tl::unexpected(ok.error());
  std::lock_guard guard{mutex_};
  auto stale = [] {
    return refuse(reason::stale, "that attempt is over, or never existed: its result is not accepted");
  };
  auto i = jobs_.find(id);
  if (i == jobs_.end())
    return refuse(reason::away, not_at_work);
  auto j = i->second.attempts.find(attempt);
  if (j == i->second.attempts.end() || j->second.is_result != is_result || j->second.number != number)
    return stale();
  return j->second.file;
}

answer<std::shared_ptr<incoming>> upload_registry::chunk_upload(const std::string& id, const std::string& ticket,
                                                                uint32_t number, const std::string& attempt) const {
  return find(id, ticket, false, number, attempt);
}

answer<std::shared_ptr<incoming>> upload_registry::result_upload(const std::string& id, const std::string& ticket,
                                                                 const std::string& attempt) const {
  return find(id, ticket, true, 0, attempt);
}

} // namespace troupe::transfer
