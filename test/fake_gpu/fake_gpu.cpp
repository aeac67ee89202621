#include "test/fake_gpu/fake_gpu.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace troupe::test {

namespace {

namespace fs = std::filesystem;

/// Held while sessions are counted and one is added.
class sessions_lock {
public:
  explicit sessions_lock(const std::string& scenario) {
    std::error_code ignored;
    fs::create_directories(scenario + ".sessions", ignored);
    fd_ = ::open((scenario + ".sessions/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ >= 0)
      ::flock(fd_, LOCK_EX);
  }

  sessions_lock(const sessions_lock&) = delete;
  sessions_lock& operator=(const sessions_lock&) = delete;

  ~sessions_lock() {
    if (fd_ >= 0)
      ::close(fd_);
  }

private:
  int fd_ = -1;
};

struct session {
  explicit session(std::string path) : file(std::move(path)) {}
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  ~session() {
    std::error_code ignored;
    fs::remove(file, ignored);
  }

  std::string file;
};

struct fake_decoder : av::stand_in_decoder {
  explicit fake_decoder(int packets) : left(packets) {}

  bool works() override {
    return left < 0 || left-- > 0;
  }

  int left;
};

tl::unexpected<av::error> refused(const std::string& step, const std::string& words) {
  return av::fail(av::errc::device, step + " (" + words + ")");
}

unsigned used(const card& c) {
  return static_cast<unsigned>(c.sessions.size()) + c.anonymous;
}

unsigned used(const scenario& all) {
  unsigned result = 0;
  for (auto& c : all.cards)
    result += used(c);
  return result;
}

/// The card with this name; without a name, the first card that serves `codec`.
const card* find(const scenario& all, const std::string& device, const std::string& codec,
                 std::set<std::string> card::*list) {
  auto number = 0;
  for (auto& c : all.cards) {
    auto name = c.node.empty() ? "cuda:" + std::to_string(number++) : c.node;
    if (device.empty() ? (c.*list).contains(codec) : device == name)
      return &c;
  }
  return nullptr;
}

} // namespace

av::expected<std::shared_ptr<void>> fake_gpus::open_encoder(const std::string& encoder, const std::string& device) {
  auto step = "open the encoder " + encoder + (device.empty() ? "" : " on " + device);
  sessions_lock lock{path_};
  auto all = read_scenario(path_);
  auto* c = find(all, device, encoder, &card::encoders);
  if (c == nullptr)
    return refused(step, "no such device");
  if (c->fails != 0)
    return refused(step, "GPU is lost");
  if (!c->refuses.empty())
    return refused(step, c->refuses);
  if (!c->encoders.contains(encoder))
    return refused(step, "No capable devices found");
  if (used(*c) >= c->limit || used(all) >= all.shared_limit)
    return refused(step, "OpenEncodeSessionEx failed: out of memory (10)");
  static std::atomic<unsigned> next = 1;
  auto folder = sessions_folder(path_, *c);
  std::error_code error;
  fs::create_directories(folder, error);
  auto file = folder + "/" + std::to_string(::getpid()) + "-" + std::to_string(next++);
  if (!std::ofstream{file})
    return refused(step, "cannot write " + file);
  return std::make_shared<session>(file);
}

av::expected<std::unique_ptr<av::stand_in_decoder>> fake_gpus::open_decoder(const std::string& codec,
                                                                            const std::string& device) {
  auto step = "open the decoder " + codec + " on " + device;
  auto all = read_scenario(path_);
  auto* c = find(all, device, codec, &card::decoders);
  if (c == nullptr)
    return refused(step, "no such device");
  if (c->fails != 0)
    return refused(step, "GPU is lost");
  if (!c->decoders.contains(codec))
    return refused(step, "the device does not decode it");
  return std::make_unique<fake_decoder>(c->decoder_fails_after);
}

void install_fake_gpus() {
  if (auto* path = std::getenv("FAKE_GPUS"); path != nullptr && *path != 0)
    av::install_stand_in(std::make_shared<fake_gpus>(path));
}

} // namespace troupe::test
