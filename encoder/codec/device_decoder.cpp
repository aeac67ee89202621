#include "encoder/codec/device_decoder.hpp"

#include "encoder/codec/hw_device.hpp"
#include "encoder/format.hpp"
#include "encoder/log.hpp"

#include <utility>

namespace troupe::av {

device_decoder::device_decoder(const track& source, const decoder_options& options, const engine& codecs)
  : source_(source.clone()), options_(options), codecs_(codecs) {
  // nop
}

expected<device_decoder> device_decoder::open(const track& source, const decoder_options& options,
                                              const engine& codecs) {
  device_decoder result{source, options, codecs};
  // No device decodes transparency.
  if (!options.device.empty() && !has_alpha(static_cast<AVPixelFormat>(source.parameters->format))) {
    auto opened = result.open_on(options.device);
    if (opened)
      return result;
    result.why_software_ = opened.error().what;
    work_log::say("decoding in software: " + opened.error().what);
  }
  if (auto opened = result.open_on({}); !opened)
    return tl::unexpected{std::move(opened.error())};
  return result;
}

expected<void> device_decoder::open_on(const std::string& device) {
  auto options = options_;
  options.device = device;
  auto opened = codecs_.open_decoder(source_, options);
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  current_ = std::move(*opened);
  on_device_ = !device.empty();
  return {};
}

expected<void> device_decoder::decode(const AVPacket& packet, const on_frame& deliver) {
  auto pass = [&](AVFrame& frame) { return pass_on(frame, deliver); };
  if (!on_device_)
    return current_->decode(packet, pass);
  keep(packet);
  auto failed = try_device(&packet, deliver);
  if (!failed)
    return tl::unexpected{std::move(failed.error())};
  if (*failed)
    return fall_back(deliver);
  let_go();
  return {};
}

expected<void> device_decoder::drain(const on_frame& deliver) {
  auto pass = [&](AVFrame& frame) { return pass_on(frame, deliver); };
  if (on_device_) {
    auto failed = try_device(nullptr, deliver);
    if (!failed)
      return tl::unexpected{std::move(failed.error())};
    if (*failed)
      if (auto done = fall_back(deliver); !done)
        return done;
  }
  auto drained = on_device_ ? expected<void>{} : current_->drain(pass);
  forget();
  return drained;
}

expected<bool> device_decoder::try_device(const AVPacket* packet, const on_frame& deliver) {
  log_capture log;
  auto failed = false;
  auto before = current_->corrupt();
  auto check = [&](AVFrame& frame) -> expected<void> {
    // All frames after the first damaged one are decoded again in software.
    failed = failed || current_->corrupt() > before;
    return failed ? expected<void>{} : pass_on(frame, deliver);
  };
  auto done = packet != nullptr ? current_->decode(*packet, check) : current_->drain(check);
  if (!done)
    return tl::unexpected{std::move(done.error())};
  failed = failed || current_->corrupt() > before;
  if (failed)
    why_software_ = log.text().empty() ? "the device does not decode these pictures" : log.text();
  return failed;
}

expected<void> device_decoder::fall_back(const on_frame& deliver) {
  work_log::say("decoding goes on in software, " + options_.device + " failed: " + why_software_);
  if (auto opened = open_on({}); !opened)
    return opened;
  skip_to_ = passed_;
  auto again = std::exchange(kept_, {});
  kept_bytes_ = 0;
  for (auto& x : again)
    if (auto done = current_->decode(*x, [&](AVFrame& frame) { return pass_on(frame, deliver); }); !done)
      return done;
  return {};
}

expected<void> device_decoder::pass_on(AVFrame& frame, const on_frame& deliver) {
  if (frame.pts != no_pts) {
    if (skip_to_ != no_pts && frame.pts <= skip_to_)
      return {};
    passed_ = frame.pts;
  }
  return deliver(frame);
}

void device_decoder::keep(const AVPacket& packet) {
  if ((packet.flags & AV_PKT_FLAG_KEY) != 0 && !whole_) {
    kept_.clear();
    kept_bytes_ = 0;
    whole_ = true;
  }
  if (!whole_)
    return;
  auto copy = make_packet();
  if (av_packet_ref(copy.get(), &packet) < 0)
    throw std::bad_alloc{};
  kept_bytes_ += static_cast<size_t>(packet.size);
  kept_.push_back(std::move(copy));
  if (kept_.size() > kept_packets_max || kept_bytes_ > kept_bytes_max) {
    kept_.clear();
    kept_bytes_ = 0;
    whole_ = false;
  }
}

/// Drops the packets before the last random-access point at or before the last delivered frame. Pictures shown before
/// that point are already delivered, and later ones do not refer to packets before it.
void device_decoder::let_go() {
  if (passed_ == no_pts)
    return;
  size_t begin = 0;
  for (size_t i = 1; i < kept_.size(); ++i)
    if ((kept_[i]->flags & AV_PKT_FLAG_KEY) != 0 && kept_[i]->pts != no_pts && kept_[i]->pts <= passed_)
      begin = i;
  for (; begin > 0; --begin) {
    kept_bytes_ -= static_cast<size_t>(kept_.front()->size);
    kept_.pop_front();
  }
}

void device_decoder::forget() {
  kept_.clear();
  kept_bytes_ = 0;
  whole_ = true;
  passed_ = skip_to_ = no_pts;
}

} // namespace troupe::av
