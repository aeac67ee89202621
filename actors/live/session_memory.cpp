#include "actors/live/session_memory.hpp"

#include "base/json.hpp"
#include "base/private_folder.hpp"
#include "telemetry/log.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <unistd.h>

namespace troupe {

namespace {

using namespace base::reading;

/// The file always has this size, so that overwriting it never leaves a part of an older text.
constexpr size_t file_bytes = 256;

} // namespace

session_memory::session_memory(const std::string& folder, const std::string& channel) {
  if (folder.empty())
    return;
  path_ = folder + "/" + channel + ".json";
  auto failed = base::make_private_folder(folder);
  if (!failed) {
    file_ = base::descriptor{::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file_)
      failed = {errno, std::generic_category()};
  }
  if (failed)
    log::warning("what continues the channel after a restart cannot be kept",
                 {{"channel", channel}, {"file", path_}, {"reason", failed.message()}});
}

std::optional<core::continuation> session_memory::read() const {
  std::array<char, file_bytes> text{};
  if (!file_ || ::pread(file_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return std::nullopt;
  auto x = parsed({text.data(), text.size()});
  if (!x.is_object())
    return std::nullopt;
  return core::continuation{
    {count(x, "clock_pts"), count(x, "clock_unix_ms")}, count(x, "delivered"), count(x, "newest"), count(x, "unix_ms")};
}

void session_memory::write(const core::continuation& x) {
  if (!file_)
    return;
  auto text = boost::json::serialize(boost::json::object{{"clock_pts", x.clock.pts},
                                                         {"clock_unix_ms", x.clock.unix_ms},
                                                         {"delivered", x.delivered},
                                                         {"newest", x.newest},
                                                         {"unix_ms", x.unix_ms}});
  text.resize(file_bytes - 1, ' ');
  text += '\n';
  if (::pwrite(file_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    forget(); // a full disk: half a text would be worse than none
}

void session_memory::forget() {
  if (file_)
    ::unlink(path_.c_str());
}

} // namespace troupe
