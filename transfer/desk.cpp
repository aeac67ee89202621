#include "transfer/desk.hpp"

#include "files/identity.hpp"
#include "files/sha256.hpp"
#include "transfer/ticket.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

namespace troupe::transfer {

namespace {

namespace fs = std::filesystem;

constexpr const char* part = ".part";
constexpr mode_t result_mode = 0644;
constexpr const char* not_at_work = "this job is not at work, or not yet again: try again in a moment";

std::string random_text() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return {}; // an empty marker proves nothing
  return files::to_hex(bytes);
}

/// Whether the file holds that text now, and nothing else did before.
bool put(const std::string& path, const std::string& text) {
  ::unlink(path.c_str());
  files::descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

constexpr size_t id_digits = 32;

bool is_id(std::string_view x) {
  return x.size() == id_digits && x.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// An id, and what a name of ours may have behind it.
bool is_upload_name(std::string_view x) {
  return is_id(x.substr(0, id_digits)) && (x.size() == id_digits || x[id_digits] == '.');
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> result;
  std::error_code failed;
  for (fs::directory_iterator i{folder, failed}, end; !failed && i != end; i.increment(failed))
    result.push_back(i->path());
  return result;
}

/// What a name ends in, where that may be part of a name of ours: libavformat looks at it where a content is not clear.
std::string extension_of(const std::string& name) {
  auto result = fs::path{name}.extension().string();
  auto plain = [](unsigned char c) { return std::isalnum(c) != 0; };
  if (result.size() < 2 || result.size() > 9 || !std::all_of(result.begin() + 1, result.end(), plain) || result == part)
    return {};
  return result;
}

void wipe(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

answer<void> move_to(const std::string& from, const std::string& target) {
  if (::rename(from.c_str(), target.c_str()) != 0)
    return refuse(reason::failed, std::string{"the coordinator cannot name the file: "} + std::strerror(errno));
  files::descriptor folder{::open(fs::path{target}.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  ::fsync(folder.get());
  return {};
}

answer<std::string> move_result(int file, const std::string& from, const std::string& target) {
  return move_to(from, target).map([file] { return files::identity_of(file).value_or(std::string{}); });
}

} // namespace

desk::desk(desk_config config) : config_(std::move(config)) {}

void desk::set_address(std::string address) {
  std::lock_guard guard{mutex_};
  address_ = std::move(address);
}

std::string desk::address() const {
  std::lock_guard guard{mutex_};
  return address_;
}

// -- jobs ---------------------------------------------------------------------

job_access desk::open_job(const job_files& x) {
  job_access result;
  result.ticket = ticket_of(config_.secret, "work", x.id);
  result.direct = config_.direct;
  result.marker = random_text();
  auto is_path = x.source.find("://") == std::string::npos;
  if (is_path)
    result.identity = files::identity_of(x.source).value_or(std::string{});
  if (config_.direct && !result.marker.empty())
    put(x.folder + "/" + marker_name, result.marker);
  std::lock_guard guard{mutex_};
  auto& opened = jobs_[x.id] = {};
  opened.files = x;
  opened.marker = result.marker;
  return result;
}

void desk::close_job(const std::string& id, const std::string& life) {
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

void desk::begin_chunk(const std::string& id, const std::string& attempt, uint32_t number, const std::string& path) {
  auto file = std::make_shared<incoming>(path + part, config_.bytes_max,
                                         [path](const std::string& from, int) { return move_to(from, path); });
  std::lock_guard guard{mutex_};
  if (auto i = jobs_.find(id); i != jobs_.end())
    i->second.attempts[attempt] = {false, number, std::move(file)};
}

void desk::begin_result(const std::string& id, const std::string& attempt, bool overwrite) {
  std::lock_guard guard{mutex_};
  auto i = jobs_.find(id);
  if (i == jobs_.end())
    return;
  auto& x = i->second.files;
  if (config_.direct && !i->second.marker.empty())
    put(x.staging, i->second.marker);
  auto place = [this, published = i->second.published, target = x.output, overwrite](const std::string& from,
                                                                                     int file) -> answer<void> {
    // Not by its name: others may write to the folder, and have put another file there.
    ::fchmod(file, result_mode);
    auto identity = config_.publish ? config_.publish(file, from, target, overwrite) : move_result(file, from, target);
    if (!identity)
      return tl::unexpected(std::move(identity.error()));
    std::lock_guard guard{mutex_};
    *published = std::move(*identity);
    return {};
  };
  auto file = std::make_shared<incoming>(x.staging, config_.bytes_max, std::move(place), incoming::begin_with::nothing);
  i->second.attempts[attempt] = {true, 0, std::move(file)};
}

std::string desk::published(const std::string& id) const {
  std::lock_guard guard{mutex_};
  auto i = jobs_.find(id);
  return i == jobs_.end() ? std::string{} : *i->second.published;
}

void desk::end_attempt(const std::string& id, const std::string& attempt) {
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

// -- what workers ask for -----------------------------------------------------

answer<void> desk::check(const std::string& id, const std::string& ticket) const {
  if (ticket.empty())
    return refuse(reason::unauthorized, "a job's files are opened by its ticket alone: Authorization: Bearer TICKET");
  if (!same_ticket(ticket, ticket_of(config_.secret, "work", id)))
    return refuse(reason::forbidden, "the ticket is none of this job");
  return {};
}

answer<std::string> desk::source(const std::string& id, const std::string& ticket) const {
  if (auto ok = check(id, ticket); !ok)
    return tl::unexpected(ok.error());
  std::lock_guard guard{mutex_};
  auto i = jobs_.find(id);
  if (i == jobs_.end())
    return refuse(reason::away, not_at_work);
  return i->second.files.source;
}

answer<std::string> desk::chunk(const std::string& id, const std::string& ticket, uint32_t number,
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

answer<std::shared_ptr<incoming>> desk::find(const std::string& id, const std::string& ticket, bool is_result,
                                             uint32_t number, const std::string& attempt) const {
  if (auto ok = check(id, ticket); !ok)
    return tl::unexpected(ok.error());
  std::lock_guard guard{mutex_};
  auto stale = [] { return refuse(reason::stale, "that attempt is over, or never was: its result is not taken"); };
  auto i = jobs_.find(id);
  if (i == jobs_.end())
    return refuse(reason::away, not_at_work);
  auto j = i->second.attempts.find(attempt);
  if (j == i->second.attempts.end() || j->second.is_result != is_result || j->second.number != number)
    return stale();
  return j->second.file;
}

answer<std::shared_ptr<incoming>> desk::chunk_upload(const std::string& id, const std::string& ticket, uint32_t number,
                                                     const std::string& attempt) const {
  return find(id, ticket, false, number, attempt);
}

answer<std::shared_ptr<incoming>> desk::result_upload(const std::string& id, const std::string& ticket,
                                                      const std::string& attempt) const {
  return find(id, ticket, true, 0, attempt);
}

// -- what clients ask for -----------------------------------------------------

std::string desk::uploads() const {
  return config_.work_folder + "/uploads";
}

std::string desk::results() const {
  return config_.work_folder + "/results";
}

std::string desk::find_upload(const std::string& id) const {
  if (is_id(id))
    for (auto& path : entries_of(uploads()))
      if (auto name = path.filename().string(); is_upload_name(name) && name.starts_with(id))
        return path.string();
  return {};
}

answer<std::string> desk::create_upload(const std::string& key, uint64_t bytes, const std::string& name) {
  if (bytes == 0 || bytes > config_.bytes_max)
    return refuse(bytes == 0 ? reason::malformed : reason::too_large,
                  "an upload has 1 to " + std::to_string(config_.bytes_max) + " bytes, said in Upload-Length");
  auto known = key.empty() ? random_text() : key + "/" + std::to_string(bytes);
  auto id = ticket_of(config_.secret, "upload", known).substr(0, 32);
  std::lock_guard guard{mutex_};
  if (!find_upload(id).empty())
    return id;
  std::error_code failed;
  fs::create_directories(uploads(), failed);
  auto there = std::distance(fs::directory_iterator{uploads(), failed}, fs::directory_iterator{});
  if (static_cast<size_t>(there) >= config_.uploads_max)
    return refuse(reason::busy, "as many uploads wait as this coordinator keeps; try again later");
  auto path = uploads() + "/" + id + extension_of(name) + part;
  files::descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  if (!file)
    return refuse(reason::failed, std::string{"the coordinator cannot make the file: "} + std::strerror(errno));
  return id;
}

answer<std::shared_ptr<incoming>> desk::upload(const std::string& id) {
  std::lock_guard guard{mutex_};
  auto path = find_upload(id);
  if (path.empty()) {
    uploads_.erase(id);
    return refuse(reason::unknown, "there is no such upload, or it has expired: create it anew");
  }
  auto& x = uploads_[id];
  if (x)
    return x;
  if (path.ends_with(part)) {
    auto target = path.substr(0, path.size() - std::strlen(part));
    x = std::make_shared<incoming>(path, config_.bytes_max,
                                   [target](const std::string& from, int) { return move_to(from, target); });
  } else {
    // From an earlier life and whole: it can be proved once more, and takes nothing.
    std::error_code failed;
    x = std::make_shared<incoming>(path, fs::file_size(path, failed),
                                   [](const std::string&, int) { return answer<void>{}; });
  }
  return x;
}

answer<void> desk::drop_upload(const std::string& id) {
  std::lock_guard guard{mutex_};
  auto path = find_upload(id);
  if (auto i = uploads_.find(id); i != uploads_.end()) {
    i->second->abandon();
    uploads_.erase(i);
  }
  if (path.empty())
    return refuse(reason::unknown, "there is no such upload");
  wipe(path);
  return {};
}

answer<std::string> desk::uploaded(const std::string& id) const {
  std::lock_guard guard{mutex_};
  auto path = find_upload(id);
  if (path.empty() || path.ends_with(part))
    return refuse(reason::unknown, path.empty() ? "there is no such upload, or it has expired"
                                                : "the upload is not finished: its checksum is not proved yet");
  return path;
}

answer<std::string> desk::kept_result(const std::string& key, const std::string& name) const {
  if (name.empty() || name.size() > 200 || name.front() == '.' || name.find('/') != std::string::npos)
    return refuse(reason::malformed, "the name of a kept result has 1 to 200 bytes, no slash, and begins with no dot");
  auto id = ticket_of(config_.secret, "result", key.empty() ? random_text() : key).substr(0, 32);
  auto folder = results() + "/" + id;
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed)
    return refuse(reason::failed, "the coordinator cannot make a folder for the result: " + failed.message());
  return folder + "/" + name;
}

bool desk::drop_result(const std::string& path) {
  auto folder = fs::path{path}.parent_path();
  if (folder.parent_path() != fs::path{results()} || !is_id(folder.filename().string()))
    return false;
  wipe(folder);
  return true;
}

bool desk::keeps_any() const {
  std::error_code failed;
  auto is_empty = [&failed](const std::string& folder) {
    return fs::directory_iterator{folder, failed} == fs::directory_iterator{};
  };
  return !is_empty(uploads()) || !is_empty(results());
}

void desk::sweep(clock::time_point now, const std::function<bool(const std::string& path)>& needed) {
  auto is_old = [&](const fs::path& path, mode_t kind) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0 || (found.st_mode & S_IFMT) != kind)
      return false;
    auto touched = std::max(found.st_mtim.tv_sec, found.st_ctim.tv_sec);
    return now - clock::from_time_t(touched) >= config_.keep && !needed(path.string());
  };
  // Only what has a name of ours: the folders may have been there before us, with files of others.
  for (auto& path : entries_of(uploads()))
    if (is_upload_name(path.filename().string()) && is_old(path, S_IFREG))
      drop_upload(path.filename().string().substr(0, id_digits));
  for (auto& folder : entries_of(results())) {
    if (!is_id(folder.filename().string()) || !is_old(folder, S_IFDIR))
      continue;
    auto files = entries_of(folder);
    if (std::all_of(files.begin(), files.end(), [&](auto& x) { return is_old(x, S_IFREG); }))
      wipe(folder);
  }
}

} // namespace troupe::transfer
