#include "encoder/codec/shared_decoder.hpp"

#include "encoder/codec/device_decoder.hpp"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

namespace troupe::av {

class shared_decoder::reader : public picture_decoder {
public:
  explicit reader(std::shared_ptr<shared_decoder> from) : from_(std::move(from)) {
    assert(from_->seen_ == 0 && from_->steps_.empty());
    from_->readers_.push_back(this);
  }

  ~reader() override {
    std::erase(from_->readers_, this);
    from_->forget();
  }

  expected<void> decode(const AVPacket& packet, const on_frame& deliver) override {
    return advance(&packet, deliver);
  }

  expected<void> drain(const on_frame& deliver) override {
    return advance(nullptr, deliver);
  }

  uint64_t corrupt() const noexcept override {
    return corrupt_;
  }

  uint64_t next() const noexcept {
    return next_;
  }

private:
  expected<void> advance(const AVPacket* packet, const on_frame& deliver) {
    for (auto reached = false; !reached;) {
      if (next_ == from_->seen_ + from_->steps_.size())
        from_->take(packet);
      else if (packet == nullptr && !from_->steps_[next_ - from_->seen_].drains)
        return {}; // another reader went on without
      auto& step = from_->steps_[next_ - from_->seen_];
      reached = step.drains == (packet == nullptr);
      if (auto shown = show(step, deliver); !shown)
        return shown;
      ++next_;
    }
    from_->forget();
    return {};
  }

  expected<void> show(const step& x, const on_frame& deliver) {
    corrupt_ = x.corrupt;
    for (auto& frame : x.frames) {
      auto copy = make_frame();
      if (av_frame_ref(copy.get(), frame.get()) < 0)
        throw std::bad_alloc{};
      if (auto delivered = deliver(*copy); !delivered)
        return delivered;
    }
    return x.done;
  }

  std::shared_ptr<shared_decoder> from_;
  uint64_t next_ = 0; ///< number of the next step
  uint64_t corrupt_ = 0;
};

shared_decoder::shared_decoder(std::unique_ptr<picture_decoder> decoder) : decoder_(std::move(decoder)) {
  // nop
}

shared_decoder::~shared_decoder() = default;

std::unique_ptr<picture_decoder> shared_decoder::reader_of(std::shared_ptr<shared_decoder> from) {
  return std::make_unique<reader>(std::move(from));
}

void shared_decoder::take(const AVPacket* packet) {
  auto began = std::chrono::steady_clock::now();
  step result;
  result.drains = packet == nullptr;
  auto keep = [&](AVFrame& frame) -> expected<void> {
    result.frames.push_back(make_frame());
    av_frame_move_ref(result.frames.back().get(), &frame);
    return {};
  };
  result.done = packet != nullptr ? decoder_->decode(*packet, keep) : decoder_->drain(keep);
  result.corrupt = decoder_->corrupt();
  steps_.push_back(std::move(result));
  busy_ += std::chrono::steady_clock::now() - began;
}

void shared_decoder::forget() {
  auto all = seen_ + steps_.size();
  for (auto* x : readers_)
    all = std::min(all, x->next());
  for (; seen_ < all; ++seen_)
    steps_.pop_front();
}

expected<std::unique_ptr<picture_decoder>> shared_decoders::open(size_t index, const track& source,
                                                                 const decoder_options& options, const engine& codecs) {
  auto& decoder = decoders_[index];
  if (!decoder) {
    auto opened = device_decoder::open(source, options, codecs);
    if (!opened)
      return tl::unexpected{std::move(opened.error())};
    decoder = std::make_shared<shared_decoder>(std::make_unique<device_decoder>(std::move(*opened)));
  }
  return shared_decoder::reader_of(decoder);
}

std::chrono::nanoseconds shared_decoders::busy() const {
  std::chrono::nanoseconds result{0};
  for (auto& [index, decoder] : decoders_)
    if (decoder)
      result += decoder->busy();
  return result;
}

} // namespace troupe::av
