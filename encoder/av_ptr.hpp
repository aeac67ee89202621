// The objects of libav* as move-only values: each has one function that allocates it and one that frees it.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavfilter/avfilter.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libswresample/swresample.h>
}

#include <memory>
#include <new>

namespace troupe::av {

/// Stateless deleter for the libav* functions that take the address of the pointer.
template <auto Free>
struct deleter {
  template <class T>
  void operator()(T* ptr) const noexcept {
    Free(&ptr);
  }
};

using packet_ptr = std::unique_ptr<AVPacket, deleter<av_packet_free>>;
using frame_ptr = std::unique_ptr<AVFrame, deleter<av_frame_free>>;
using codec_context_ptr = std::unique_ptr<AVCodecContext, deleter<avcodec_free_context>>;
using codec_parameters_ptr = std::unique_ptr<AVCodecParameters, deleter<avcodec_parameters_free>>;
using filter_graph_ptr = std::unique_ptr<AVFilterGraph, deleter<avfilter_graph_free>>;
using resampler_ptr = std::unique_ptr<SwrContext, deleter<swr_free>>;
using bitstream_filter_ptr = std::unique_ptr<AVBSFContext, deleter<av_bsf_free>>;
using buffer_ptr = std::unique_ptr<AVBufferRef, deleter<av_buffer_unref>>;

/// Returns `ptr`. Throws `std::bad_alloc` if it is null, as libav*'s allocators return when memory runs out.
template <class T>
T* checked(T* ptr) {
  if (ptr == nullptr)
    throw std::bad_alloc{};
  return ptr;
}

inline packet_ptr make_packet() {
  return packet_ptr{checked(av_packet_alloc())};
}

inline frame_ptr make_frame() {
  return frame_ptr{checked(av_frame_alloc())};
}

inline codec_parameters_ptr make_codec_parameters() {
  return codec_parameters_ptr{checked(avcodec_parameters_alloc())};
}

/// A deep copy.
inline codec_parameters_ptr copy(const AVCodecParameters& from) {
  auto result = make_codec_parameters();
  if (avcodec_parameters_copy(result.get(), &from) < 0)
    throw std::bad_alloc{};
  return result;
}

} // namespace troupe::av
