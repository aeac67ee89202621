#include "store/claim.hpp"

#include "store/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <soci/soci.h>

namespace troupe::store {

namespace {

/// How often to check that the server is still there.
constexpr auto watch_interval = std::chrono::seconds{2};

/// Process names are cut to the length that PostgreSQL keeps.
constexpr size_t name_bytes_max = 63;

/// The lock's first key, an arbitrary number of our own; the second key stands for the schema.
constexpr auto lock_keys = "716570234, hashtext(current_schema())";

/// The same lock as a row of pg_locks.
constexpr auto is_lock = "locktype = 'advisory' AND classid = 716570234"
                         " AND objid = (hashtext(current_schema())::bigint & 4294967295)::oid AND granted";

/// Our name, shown to a process that finds the store taken: "troupe 4711 on host".
std::string own_name() {
  char host[256] = "an unknown host";
  (void)::gethostname(host, sizeof host - 1);
  auto result = "troupe " + std::to_string(::getpid()) + " on " + host;
  result.resize(std::min(result.size(), name_bytes_max));
  return result;
}

tl::unexpected<error> taken(const target& on, const std::string& by) {
  return tl::unexpected{error{error_kind::in_use, "the store " + on.shown + " is in use by "
                                                    + (by.empty() ? "another coordinator" : by)
                                                    + ": stop that one, or give this one another jobs.store"}};
}

} // namespace

class store_claim::impl {
public:
  impl(settings from, target on, std::function<void(const std::string&)> lost)
    : from_(std::move(from)), on_(std::move(on)), lost_(std::move(lost)) {}

  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  ~impl() {
    {
      std::lock_guard guard{mutex_};
      stop_ = true;
    }
    changed_.notify_all();
    if (watcher_.joinable())
      watcher_.join();
    give_up();
    if (file_ >= 0)
      ::close(file_);
  }

  expected<void> begin() {
    if (on_.kind == backend::sqlite)
      return lock_file();
    auto done = lock_session();
    if (done)
      watcher_ = std::thread{[this] { watch(); }};
    return done;
  }

private:
  expected<void> lock_file() {
    std::error_code ignored;
    auto path = std::filesystem::weakly_canonical(on_.shown, ignored).string() + ".lock";
    auto failed = [&](const char* doing) {
      return tl::unexpected{
        error{error_kind::io_failed, "cannot " + std::string{doing} + " " + path + ": " + std::strerror(errno)}};
    };
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file_ < 0)
      return failed("open the lock of the store,");
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK)
        return failed("lock");
      char holder[name_bytes_max + 1] = {};
      (void)!::pread(file_, holder, sizeof holder - 1, 0);
      return taken(on_, holder);
    }
    auto name = own_name();
    if (::ftruncate(file_, 0) != 0 || ::pwrite(file_, name.data(), name.size(), 0) < 0) {
      // The lock is valid even if its holder's name cannot be written, for example on a full disk.
    }
    return {};
  }

  expected<void> lock_session() {
    try {
      auto session = connect(on_, from_);
      // If a machine vanishes, its lock is released within this time.
      for (const auto* setting : {"tcp_keepalives_idle = 5", "tcp_keepalives_interval = 5", "tcp_keepalives_count = 3"})
        *session << std::string{"SET "} + setting;
      auto name = own_name();
      std::string set;
      *session << "SELECT set_config('application_name', :name, false)", soci::use(name, "name"), soci::into(set);
      long long ours = 0;
      *session << "SELECT CASE WHEN pg_try_advisory_lock(" + std::string{lock_keys} + ") THEN 1 ELSE 0 END",
        soci::into(ours);
      if (ours == 0) {
        if (backend_ != 0 && holding_backend(*session) == backend_)
          return tl::unexpected{
            error{error_kind::connection_lost, "the server has not noticed yet that our earlier connection is gone"}};
        return taken(on_, holder_of(*session));
      }
      *session << "SELECT pg_backend_pid()", soci::into(backend_);
      session_ = std::move(session);
      return {};
    } catch (const std::exception& thrown) {
      return tl::unexpected{translate(thrown, "take the store", on_)};
    }
  }

  /// Unlocks explicitly, because the server takes a moment to notice a closed connection.
  void give_up() {
    if (!session_)
      return;
    try {
      long long done = 0;
      *session_ << "SELECT CASE WHEN pg_advisory_unlock(" + std::string{lock_keys} + ") THEN 1 ELSE 0 END",
        soci::into(done);
    } catch (const std::exception&) {
      // The server is away, and the lock is gone with it.
    }
  }

  /// The server process of the session that holds the lock; 0 if nobody holds it.
  static long long holding_backend(soci::session& session) {
    long long result = 0;
    session << "SELECT coalesce(max(pid), 0)::bigint FROM pg_locks WHERE " + std::string{is_lock}, soci::into(result);
    return result;
  }

  static std::string holder_of(soci::session& session) {
    std::string result;
    session << "SELECT coalesce(max(application_name), '') FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE "
                 + std::string{is_lock},
      soci::into(result);
    return result;
  }

  void watch() {
    std::unique_lock lock{mutex_};
    while (!changed_.wait_for(lock, watch_interval, [this] { return stop_; })) {
      if (is_alive())
        continue;
      session_.reset();
      auto again = lock_session();
      if (again || again.error().kind != error_kind::in_use)
        continue;
      lost_(again.error().text);
      return;
    }
  }

  bool is_alive() {
    if (!session_)
      return false;
    try {
      long long one = 0;
      *session_ << "SELECT 1", soci::into(one);
      return one == 1;
    } catch (const std::exception&) {
      return false;
    }
  }

  settings from_;
  target on_;
  std::function<void(const std::string&)> lost_;
  int file_ = -1;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::unique_ptr<soci::session> session_; ///< owned by the watcher, once it runs
  long long backend_ = 0;                  ///< the server process of our latest session that held the lock
  std::thread watcher_;
};

expected<store_claim> store_claim::take(const settings& from, std::function<void(const std::string&)> lost) {
  auto on = parse_target(from);
  if (!on)
    return tl::unexpected{std::move(on.error())};
  auto result = std::make_unique<impl>(from, std::move(*on), std::move(lost));
  if (auto done = result->begin(); !done)
    return tl::unexpected{std::move(done.error())};
  return store_claim{std::move(result)};
}

store_claim::store_claim(std::unique_ptr<impl> x) : impl_(std::move(x)) {}
store_claim::store_claim(store_claim&&) noexcept = default;
store_claim& store_claim::operator=(store_claim&&) noexcept = default;
store_claim::~store_claim() = default;

} // namespace troupe::store
