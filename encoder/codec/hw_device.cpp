#include "encoder/codec/hw_device.hpp"

#include "encoder/codec/encoder_open.hpp"
#include "encoder/log.hpp"

#include <algorithm>
#include <cassert>
#include <cctype>

namespace troupe::av {

namespace {

constexpr std::string_view cuda_prefix = "cuda:";
constexpr std::string_view render_prefix = "/dev/dri/renderD";
constexpr size_t number_digits_max = 4;

/// Pictures that encoder, filters and decoder hold at one time, with a reserve.
constexpr int pool_size = 32;

bool is_number(std::string_view x) {
  return !x.empty() && x.size() <= number_digits_max
         && std::all_of(x.begin(), x.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

struct dictionary {
  dictionary() = default;
  dictionary(const dictionary&) = delete;
  dictionary& operator=(const dictionary&) = delete;

  ~dictionary() {
    av_dict_free(&entries);
  }

  AVDictionary* entries = nullptr;
};

tl::unexpected<error> refused(const std::string& step, const log_capture& log, int code) {
  return fail(errc::device, step + (log.text().empty() ? "" : " (" + log.text() + ")") + ": " + av_text(code));
}

} // namespace

AVHWDeviceType device_type_of(std::string_view name) {
  if (name.starts_with(cuda_prefix) && is_number(name.substr(cuda_prefix.size())))
    return AV_HWDEVICE_TYPE_CUDA;
  if (name.starts_with(render_prefix) && is_number(name.substr(render_prefix.size())))
    return AV_HWDEVICE_TYPE_VAAPI;
  return AV_HWDEVICE_TYPE_NONE;
}

expected<buffer_ptr> open_device(AVHWDeviceType type, const std::string& name) {
  auto* type_name = av_hwdevice_get_type_name(type);
  auto step =
    std::string{"open the "} + (type_name != nullptr ? type_name : "unknown") + " device " + name.substr(0, 64);
  auto given = device_type_of(name);
  auto fits = given == type || (given == AV_HWDEVICE_TYPE_VAAPI && type == AV_HWDEVICE_TYPE_QSV);
  if (!name.empty() && !fits)
    return fail(errc::device, step + ": the name stands for another kind of device");
  auto id = given == AV_HWDEVICE_TYPE_CUDA ? name.substr(cuda_prefix.size()) : name;
  dictionary options;
  if (type == AV_HWDEVICE_TYPE_QSV && !name.empty()) {
    av_dict_set(&options.entries, "child_device", name.c_str(), 0);
    id.clear();
  }
  log_capture log;
  AVBufferRef* device = nullptr;
  if (auto code = av_hwdevice_ctx_create(&device, type, id.empty() ? nullptr : id.c_str(), options.entries, 0);
      code < 0)
    return refused(step, log, code);
  return buffer_ptr{device};
}

expected<buffer_ptr> make_device_frames(AVBufferRef& device, AVPixelFormat hardware, AVPixelFormat software, int width,
                                        int height) {
  assert(width > 0 && height > 0);
  buffer_ptr frames{checked(av_hwframe_ctx_alloc(&device))};
  auto& description = *reinterpret_cast<AVHWFramesContext*>(frames->data);
  description.format = hardware;
  description.sw_format = software;
  description.width = width;
  description.height = height;
  description.initial_pool_size = pool_size;
  log_capture log;
  if (auto code = av_hwframe_ctx_init(frames.get()); code < 0)
    return refused("set up pictures of " + std::to_string(width) + "x" + std::to_string(height)
                     + " in the device's memory",
                   log, code);
  return frames;
}

expected<void> set_encoder_device(AVCodecContext& context, const std::string& name) {
  auto encoder = std::string_view{context.codec->name};
  if (name.empty() || context.hw_frames_ctx != nullptr || !is_hardware(*context.codec))
    return {};
  if (encoder.ends_with("_nvenc")) {
    if (device_type_of(name) != AV_HWDEVICE_TYPE_CUDA)
      return fail(errc::device,
                  "open the encoder " + std::string{encoder} + ": " + name.substr(0, 64) + " is not an NVIDIA device");
    return set_option(context, "gpu", name.substr(cuda_prefix.size()));
  }
  if (!encoder.ends_with("_qsv"))
    return {};
  auto device = open_device(AV_HWDEVICE_TYPE_QSV, name);
  if (!device)
    return tl::unexpected{std::move(device.error())};
  context.hw_device_ctx = device->release();
  return {};
}

AVHWDeviceType device_type_for(const AVCodec& codec, AVPixelFormat format) {
  for (auto i = 0; auto* config = avcodec_get_hw_config(&codec, i); ++i)
    if (config->pix_fmt == format && config->device_type != AV_HWDEVICE_TYPE_NONE)
      return config->device_type;
  return AV_HWDEVICE_TYPE_NONE;
}

AVPixelFormat decoded_format_on(const AVCodec& decoder, AVHWDeviceType type) {
  for (auto i = 0; auto* config = avcodec_get_hw_config(&decoder, i); ++i)
    if (config->device_type == type && (config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX) != 0)
      return config->pix_fmt;
  return AV_PIX_FMT_NONE;
}

} // namespace troupe::av
