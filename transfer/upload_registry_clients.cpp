// The part of `transfer::upload_registry` for clients: files that they upload, and results that wait for them.
//
// Until an upload is finished, its announced size is part of its file's name, so that the size survives a restart.
#include "base/private_folder.hpp"
#include "transfer/ticket.hpp"
#include "transfer/upload_registry.hpp"
#include "transfer/upload_registry_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <string_view>
#include <vector>

namespace troupe::transfer {

namespace {

namespace fs = std::filesystem;

constexpr size_t id_digits = 32;

/// The folder may hold this many files, finished ones included, for each upload that may be open.
constexpr size_t finished_share = 16;

bool is_id(std::string_view x) {
  return x.size() == id_digits && x.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// An id, optionally followed by an ending that our names may have.
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

/// The ending of a name, if it may be part of our names: libavformat uses it if the content is ambiguous.
std::string extension_of(const std::string& name) {
  auto result = fs::path{name}.extension().string();
  auto plain = [](unsigned char c) { return std::isalnum(c) != 0; };
  if (result.size() < 2 || result.size() > 9 || !std::all_of(result.begin() + 1, result.end(), plain)
      || result == part_ending)
    return {};
  return result;
}

void wipe(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

/// The name of an open upload's file once it is finished, and its announced size; 0 if unknown.
std::pair<std::string, uint64_t> finished_name(const std::string& path) {
  auto name = path.substr(0, path.size() - std::strlen(part_ending));
  auto dot = name.rfind('.');
  uint64_t bytes = 0;
  if (dot == std::string::npos || dot < name.rfind('/'))
    return {name, 0};
  auto end = name.data() + name.size();
  auto read = std::from_chars(name.data() + dot + 1, end, bytes);
  return read.ec == std::errc{} && read.ptr == end ? std::pair{name.substr(0, dot), bytes} : std::pair{name, 0UL};
}

struct open_upload {
  std::string id;
  std::string path;
  uint64_t announced = 0;
  uint64_t size = 0;
  upload_registry::clock::time_point touched;
};

std::vector<open_upload> open_uploads(const std::string& folder) {
  std::vector<open_upload> result;
  for (auto& entry : entries_of(folder)) {
    auto name = entry.filename().string();
    struct stat found {};
    if (!is_upload_name(name) || !name.ends_with(part_ending) || ::lstat(entry.c_str(), &found) != 0
        || !S_ISREG(found.st_mode))
      continue;
    result.push_back({name.substr(0, id_digits), entry.string(), finished_name(entry.string()).second,
                      static_cast<uint64_t>(found.st_size), upload_registry::clock::from_time_t(found.st_mtim.tv_sec)});
  }
  return result;
}

} // namespace

std::string upload_registry::uploads() const {
  return config_.work_folder + "/uploads";
}

std::string upload_registry::results() const {
  return config_.work_folder + "/results";
}

std::string upload_registry::find_upload(const std::string& id) const {
  if (is_id(id))
    for (auto& path : entries_of(uploads()))
      if (auto name = path.filename().string(); is_upload_name(name) && name.starts_with(id))
        return path.string();
  return {};
}

answer<std::string> upload_registry::create_upload(const std::string& key, uint64_t bytes, const std::string& name,
                                                   const std::string& client) {
  if (bytes == 0 || bytes > config_.bytes_max)
    return refuse(bytes == 0 ? reason::malformed : reason::too_large,
                  "an upload has 1 to " + std::to_string(config_.bytes_max) + " bytes, stated in Upload-Length");
  auto known = key.empty() ? random_text() : key + "/" + std::to_string(bytes);
  auto id = ticket_of(config_.secret.reveal(), "upload", known).substr(0, id_digits);
  std::lock_guard guard{mutex_};
  if (!find_upload(id).empty())
    return id;
  (void)base::make_private_folder(uploads()); // a failure shows in the next steps
  if (auto room = make_room(client); !room)
    return tl::unexpected(room.error());
  if (auto why = config_.shortage ? config_.shortage(uploads(), bytes + bytes_to_come()) : std::string{}; !why.empty())
    return refuse(reason::full, why + ": the upload is not accepted; make room, or change jobs.disk_refuse");
  auto path = uploads() + "/" + id + extension_of(name) + "." + std::to_string(bytes) + part_ending;
  base::descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!file)
    return refuse(reason::failed, std::string{"the coordinator cannot make the file: "} + std::strerror(errno));
  clients_[id] = client;
  return id;
}

uint64_t upload_registry::bytes_to_come() const {
  uint64_t result = 0;
  for (auto& x : open_uploads(uploads()))
    result += x.announced - std::min(x.announced, x.size);
  return result;
}

answer<void> upload_registry::make_room(const std::string& client) {
  auto entries = entries_of(uploads());
  auto open = open_uploads(uploads());
  std::erase_if(clients_, [&](auto& x) {
    return std::none_of(open.begin(), open.end(), [&](auto& y) { return y.id == x.first; });
  });
  auto is_his = [&](const open_upload& x) {
    auto i = clients_.find(x.id);
    return i != clients_.end() && i->second == client;
  };
  auto his = static_cast<size_t>(std::count_if(open.begin(), open.end(), is_his));
  auto too_many = his >= config_.client_uploads_max;
  if (!too_many && open.size() < config_.uploads_max && entries.size() < config_.uploads_max * finished_share)
    return {};
  // A client that opens uploads and sends nothing must not lock others out.
  auto idle = clock::now() - config_.upload_idle;
  std::erase_if(open, [&](auto& x) { return x.touched > idle || (too_many && !is_his(x)); });
  auto oldest = std::min_element(open.begin(), open.end(), [](auto& a, auto& b) { return a.touched < b.touched; });
  if (oldest == open.end())
    return refuse(reason::busy, "the limit of open uploads is reached" + std::string{too_many ? " for this client" : ""}
                                  + "; finish or delete some, or try again in a minute");
  forget(oldest->id);
  wipe(oldest->path);
  return {};
}

void upload_registry::forget(const std::string& id) {
  if (auto i = uploads_.find(id); i != uploads_.end()) {
    i->second->abandon();
    uploads_.erase(i);
  }
}

answer<std::shared_ptr<incoming>> upload_registry::upload(const std::string& id) {
  std::lock_guard guard{mutex_};
  auto path = find_upload(id);
  if (path.empty()) {
    uploads_.erase(id);
    return refuse(reason::unknown, "there is no such upload, or it has expired: create it again");
  }
  auto& x = uploads_[id];
  if (x)
    return x;
  if (path.ends_with(part_ending)) {
    auto [target, announced] = finished_name(path);
    x = std::make_shared<incoming>(path, announced > 0 ? announced : config_.bytes_max,
                                   [target = target](const std::string& from, int) { return move_to(from, target); });
  } else {
    // The upload was finished before a restart: it can be verified once more, and needs no more space.
    std::error_code failed;
    x = std::make_shared<incoming>(path, fs::file_size(path, failed),
                                   [](const std::string&, int) { return answer<void>{}; });
  }
  return x;
}

answer<void> upload_registry::drop_upload(const std::string& id) {
  std::lock_guard guard{mutex_};
  auto path = find_upload(id);
  forget(id);
  if (path.empty())
    return refuse(reason::unknown, "there is no such upload");
  wipe(path);
  return {};
}

answer<std::string> upload_registry::uploaded(const std::string& id) const {
  std::lock_guard guard{mutex_};
  auto path = find_upload(id);
  if (path.empty() || path.ends_with(part_ending))
    return refuse(reason::unknown, path.empty() ? "there is no such upload, or it has expired"
                                                : "the upload is not finished: its checksum is not verified yet");
  return path;
}

answer<std::string> upload_registry::kept_result(const std::string& key, const std::string& name) const {
  if (name.empty() || name.size() > 200 || name.front() == '.' || name.find('/') != std::string::npos)
    return refuse(reason::malformed, "the name of a kept result has 1 to 200 bytes, no slash, and begins with no dot");
  auto id = ticket_of(config_.secret.reveal(), "result", key.empty() ? random_text() : key).substr(0, 32);
  auto folder = results() + "/" + id;
  if (auto failed = base::make_private_folder(folder))
    return refuse(reason::failed, "the coordinator cannot make a folder for the result: " + failed.message());
  return folder + "/" + name;
}

bool upload_registry::drop_result(const std::string& path) {
  auto folder = fs::path{path}.parent_path();
  if (folder.parent_path() != fs::path{results()} || !is_id(folder.filename().string()))
    return false;
  wipe(folder);
  return true;
}

bool upload_registry::keeps_any() const {
  std::error_code failed;
  auto is_empty = [&failed](const std::string& folder) {
    return fs::directory_iterator{folder, failed} == fs::directory_iterator{};
  };
  return !is_empty(uploads()) || !is_empty(results());
}

void upload_registry::sweep(clock::time_point now, const std::function<bool(const std::string& path)>& needed) {
  auto is_old = [&](const fs::path& path, mode_t kind) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0 || (found.st_mode & S_IFMT) != kind)
      return false;
    auto touched = std::max(found.st_mtim.tv_sec, found.st_ctim.tv_sec);
    return now - clock::from_time_t(touched) >= config_.keep && !needed(path.string());
  };
  // Only files with names of ours: the folders may have existed before, with other files.
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
