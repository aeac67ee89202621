#include "encoder/codec/engine.hpp"

#include "encoder/codec/decoder.hpp"
#include "encoder/codec/video_encoder.hpp"

#include <utility>

namespace troupe::av {

namespace {

template <class Interface, class T>
expected<std::unique_ptr<Interface>> on_heap(expected<T> x) {
  if (!x)
    return tl::unexpected{std::move(x.error())};
  return std::make_unique<T>(std::move(*x));
}

class libav : public engine {
public:
  expected<std::unique_ptr<picture_decoder>> open_decoder(const track& source,
                                                          const decoder_options& options) const override {
    return on_heap<picture_decoder>(decoder::open(source, options));
  }

  expected<std::unique_ptr<picture_encoder>> open_encoder(const video_settings& settings, const video_format& source,
                                                          const device_pictures& pictures) const override {
    return on_heap<picture_encoder>(video_encoder::open(settings, source, pictures));
  }
};

} // namespace

const engine& libav_engine() {
  static const libav result;
  return result;
}

} // namespace troupe::av
