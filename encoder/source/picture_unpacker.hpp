// Unpacks the packed B-frames of DivX and Xvid in AVI. There, one packet holds a reference picture and the B picture
// before it in time; the next packet is empty. Here each picture gets its own packet again.
#pragma once

#include "encoder/av_ptr.hpp"

namespace troupe::av {

class picture_unpacker {
public:
  /// For an MPEG-4 stream; whether it is packed shows later. Removes the packed mark from `parameters`.
  explicit picture_unpacker(AVCodecParameters& parameters) {
    AVBSFContext* made = nullptr;
    if (av_bsf_alloc(checked(av_bsf_get_by_name("mpeg4_unpack_bframes")), &made) < 0)
      throw std::bad_alloc{};
    filter_.reset(made);
    if (avcodec_parameters_copy(made->par_in, &parameters) < 0)
      throw std::bad_alloc{};
    if (av_bsf_init(made) < 0)
      filter_.reset();
    else if (avcodec_parameters_copy(&parameters, made->par_out) < 0)
      throw std::bad_alloc{};
  }

  /// Replaces the packet by the one that is decoded in its place. Returns false if there is none: the packet is
  /// damaged.
  bool apply(AVPacket& packet) {
    if (!filter_)
      return true;
    if (av_bsf_send_packet(filter_.get(), &packet) >= 0 && av_bsf_receive_packet(filter_.get(), &packet) >= 0)
      return true;
    av_packet_unref(&packet);
    flush();
    return false;
  }

  void flush() noexcept {
    if (filter_)
      av_bsf_flush(filter_.get());
  }

private:
  bitstream_filter_ptr filter_;
};

} // namespace troupe::av
