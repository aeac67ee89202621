#include "test/fake_gpu/fake_gpu.hpp"

#include "encoder/codec/preset_translation.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
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

/// A software decoder that fails after `packets` packets, and then delivers nothing more.
struct fake_decoder : av::picture_decoder {
  fake_decoder(std::unique_ptr<av::picture_decoder> software, int packets)
    : software(std::move(software)), left(packets) {}

  av::expected<void> decode(const AVPacket& packet, const on_frame& deliver) override {
    if (left == 0) {
      ++refused;
      return {};
    }
    left -= left > 0 ? 1 : 0;
    return software->decode(packet, deliver);
  }

  av::expected<void> drain(const on_frame& deliver) override {
    return software->drain(deliver);
  }

  uint64_t corrupt() const noexcept override {
    return software->corrupt() + refused;
  }

  std::unique_ptr<av::picture_decoder> software;
  int left; ///< packets until it fails; negative: it never fails
  uint64_t refused = 0;
};

/// A software encoder that holds a session of a card.
struct fake_encoder : av::picture_encoder {
  fake_encoder(std::shared_ptr<void> session, std::unique_ptr<av::picture_encoder> software)
    : session(std::move(session)), software(std::move(software)) {}

  const av::video_format& format() const noexcept override {
    return software->format();
  }

  AVPixelFormat device_format() const noexcept override {
    return AV_PIX_FMT_NONE;
  }

  av::track output() const override {
    return software->output();
  }

  av::expected<void> encode(AVFrame& frame, const av::on_encoded& deliver) override {
    return software->encode(frame, deliver);
  }

  av::expected<void> drain(const av::on_encoded& deliver) override {
    return software->drain(deliver);
  }

  std::shared_ptr<void> session; ///< ends after the encoder
  std::unique_ptr<av::picture_encoder> software;
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

av::expected<std::shared_ptr<void>> fake_gpus::open_session(const std::string& encoder,
                                                            const std::string& device) const {
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

av::expected<std::unique_ptr<av::picture_decoder>> fake_gpus::open_decoder(const av::track& source,
                                                                           const av::decoder_options& options) const {
  if (options.device.empty())
    return av::libav_engine().open_decoder(source, options);
  std::string codec = avcodec_get_name(source.parameters->codec_id);
  auto step = "open the decoder " + codec + " on " + options.device;
  auto all = read_scenario(path_);
  auto* c = find(all, options.device, codec, &card::decoders);
  if (c == nullptr)
    return refused(step, "no such device");
  if (c->fails != 0)
    return refused(step, "GPU is lost");
  if (!c->decoders.contains(codec))
    return refused(step, "the device does not decode it");
  auto in_software = options;
  in_software.device.clear();
  auto software = av::libav_engine().open_decoder(source, in_software);
  if (!software)
    return software;
  return std::make_unique<fake_decoder>(std::move(*software), c->decoder_fails_after);
}

av::expected<std::unique_ptr<av::picture_encoder>> fake_gpus::open_encoder(const av::video_settings& settings,
                                                                           const av::video_format& source,
                                                                           const av::device_pictures&) const {
  auto codecs = av::find_encoders(settings.encoder, AVMEDIA_TYPE_VIDEO);
  if (!codecs)
    return tl::unexpected{std::move(codecs.error())};
  auto attempt = [&](const AVCodec& codec) {
    auto x = settings;
    x.encoder = codec.name;
    return av::is_hardware(codec) ? open_on_card(codec, x, source) : av::libav_engine().open_encoder(x, source, {});
  };
  auto may_go_on = [](av::errc code) { return code == av::errc::unsupported || code == av::errc::device; };
  auto result = attempt(*codecs->front());
  for (size_t i = 1; i < codecs->size() && !result && may_go_on(result.error().code); ++i)
    if (auto next = attempt(*(*codecs)[i]); next)
      result = std::move(next);
  return result;
}

av::expected<std::unique_ptr<av::picture_encoder>>
fake_gpus::open_on_card(const AVCodec& codec, av::video_settings settings, const av::video_format& source) const {
  // libav* sets its own encoder up in full, so that errors in its settings appear here; only then it asks the device.
  if (auto real = av::libav_engine().open_encoder(settings, source, {}); !real && real.error().code == av::errc::option)
    return real;
  auto held = open_session(codec.name, settings.device);
  if (!held)
    return tl::unexpected{std::move(held.error())};
  auto software = av::preferred_encoders(avcodec_get_name(codec.id));
  if (software.empty())
    return refused(std::string{"open the encoder "} + codec.name, "no encoder in software makes its codec");
  if (settings.pixel_format.empty() && codec.id == AV_CODEC_ID_H264)
    settings.pixel_format = "yuv420p"; // like real cards
  auto behind = av::translate_settings(settings, software.front());
  if (!behind)
    return tl::unexpected{std::move(behind.error())};
  // The fastest preset, to come close to the speed of a card.
  behind->settings.preset = software.front().starts_with("libx26") ? "ultrafast" : "";
  auto opened = av::libav_engine().open_encoder(behind->settings, source, {});
  if (!opened)
    return opened;
  return std::make_unique<fake_encoder>(std::move(*held), std::move(*opened));
}

} // namespace troupe::test
