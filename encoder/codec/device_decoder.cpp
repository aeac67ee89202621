#include "encoder/codec/device_decoder.hpp"

#include "encoder/codec/hw_device.hpp"
#include "encoder/format.hpp"
#include "encoder/log.hpp"

#include <utility>

namespace troupe::av {

device_decoder::device_decoder(const track& source, const decoder_options& options)
  : source_(source.clone()), options_(options) {
  // nop
}

expected<device_decoder> device_decoder::open(const track& source, const decoder_options& options) {
  device_decoder result{source, options};
  // No device decodes transparency.
  if (!options.device.empty() && !has_alpha(static_cast<AVPixelFormat>(source.parameters->format))) {
    auto opened = result.open_on_device();
    if (opened)
      return result;
    result.why_software_ = opened.error().what;
    work_log::say("decoding in software: " + opened.error().what);
  }
  if (auto opened = result.open_software(); !opened)
    return tl::unexpected{std::move(opened.error())};
  return result;
}

expected<void> device_decoder::open_on_device() {
  auto options = options_;
  if (auto* driver = stand_in(); driver != nullptr) {
    auto played = driver->open_decoder(avcodec_get_name(source_.parameters->codec_id), options_.device);
    if (!played)
      return tl::unexpected{std::move(played.error())};
    pretended_ = std::move(*played);
    options.device.clear();
  }
  auto opened = decoder::open(source_, options);
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  current_.emplace(std::move(*opened));
  on_device_ = true;
  return {};
}

expected<void> device_decoder::open_software() {
  auto options = options_;
  options.device.clear();
  auto opened = decoder::open(source_, options);
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  current_.emplace(std::move(*opened));
  on_device_ = false;
  pretended_.reset();
  return {};
}

expected<void> device_decoder::decode(const AVPacket& packet, const decoder::on_frame& deliver) {
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

expected<void> device_decoder::drain(const decoder::on_frame& deliver) {
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

expected<bool> device_decoder::try_device(const AVPacket* packet, const decoder::on_frame& deliver) {
  if (pretended_ && packet != nullptr && !pretended_->works()) {
    why_software_ = "the device failed";
    return true;
  }
  log_capture log;
  auto failed = false;
  auto before = current_->corrupt();
  auto check = [&](AVFrame& frame) -> expected<void> {
    // All frames after the first damaged one are decoded again in software.
    failed = failed || current_->corrupt() > before || (!pretended_ && frame.hw_frames_ctx == nullptr);
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

expected<void> device_decoder::fall_back(const decoder::on_frame& deliver) {
  work_log::say("decoding goes on in software, " + options_.device + " failed: " + why_software_);
  if (auto opened = open_software(); !opened)
    return opened;
  skip_to_ = passed_;
  auto again = std::exchange(kept_, {});
  kept_bytes_ = 0;
  for (auto& x : again)
    if (auto done = current_->decode(*x, [&](AVFrame& frame) { return pass_on(frame, deliver); }); !done)
      return done;
  return {};
}

expected<void> device_decoder::pass_on(AVFrame& frame, const decoder::on_frame& deliver) {
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
/// that point are delivered, and later ones do not refer to packets before it.
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
