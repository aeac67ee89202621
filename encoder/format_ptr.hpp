// libavformat's contexts (inputs and outputs), and the byte streams that they read or write, as move-only values.
#pragma once

#include "encoder/av_ptr.hpp"

#include <string>

namespace troupe::av {

/// An input, opened or not.
using input_context_ptr = std::unique_ptr<AVFormatContext, deleter<avformat_close_input>>;

/// Opens an input: `to`, if it is prepared, or a new one. `to` is null after a failure. Returns libav*'s code.
inline int open_input(input_context_ptr& to, const std::string& url, const AVInputFormat* format = nullptr,
                      AVDictionary** options = nullptr) {
  auto* context = to.release();
  auto code = avformat_open_input(&context, url.c_str(), format, options);
  to.reset(context);
  return code;
}

/// A byte stream that libavformat opened by a URL.
using url_io_ptr = std::unique_ptr<AVIOContext, deleter<avio_closep>>;

/// Opens a URL to read from it. Returns libav*'s code.
inline int open_io(url_io_ptr& to, const std::string& url, AVIOInterruptCB interrupt,
                   AVDictionary** options = nullptr) {
  AVIOContext* context = nullptr;
  auto code = avio_open2(&context, url.c_str(), AVIO_FLAG_READ, &interrupt, options);
  to.reset(context);
  return code;
}

struct callback_io_closer {
  void operator()(AVIOContext* ptr) const noexcept {
    av_freep(&ptr->buffer);
    avio_context_free(&ptr);
  }
};

/// A byte stream whose bytes our callbacks read or write.
using callback_io_ptr = std::unique_ptr<AVIOContext, callback_io_closer>;

/// `self` is the callbacks' first argument. The stream writes if there is a `write`.
inline callback_io_ptr make_io(int buffer_bytes, void* self, int (*read)(void*, uint8_t*, int),
                               int (*write)(void*, uint8_t*, int), int64_t (*seek)(void*, int64_t, int)) {
  auto* buffer = static_cast<uint8_t*>(checked(av_malloc(static_cast<size_t>(buffer_bytes))));
  auto* made = avio_alloc_context(buffer, buffer_bytes, write != nullptr ? 1 : 0, self, read, write, seek);
  if (made == nullptr)
    av_free(buffer);
  return callback_io_ptr{checked(made)};
}

/// Frees an output, and closes the file that it opened. A byte stream of `make_io` stays with its owner.
struct output_closer {
  void operator()(AVFormatContext* ptr) const noexcept {
    if ((ptr->flags & AVFMT_FLAG_CUSTOM_IO) == 0 && (ptr->oformat->flags & AVFMT_NOFILE) == 0)
      avio_closep(&ptr->pb);
    avformat_free_context(ptr);
  }
};

using output_context_ptr = std::unique_ptr<AVFormatContext, output_closer>;

/// An output in the format with this name; without one, in the format that the URL's ending says. Null after a failure.
/// Returns libav*'s code.
inline int make_output(output_context_ptr& to, const char* format, const std::string& url) {
  AVFormatContext* context = nullptr;
  auto code = avformat_alloc_output_context2(&context, nullptr, format, url.c_str());
  to.reset(context);
  return code;
}

/// Creates the output's file. Returns libav*'s code.
inline int open_file(AVFormatContext& output) {
  return avio_open2(&output.pb, output.url, AVIO_FLAG_WRITE, nullptr, nullptr);
}

/// Closes the output's file, which may be the moment when its disk is full. Returns libav*'s code.
inline int close_file(AVFormatContext& output) {
  return avio_closep(&output.pb);
}

} // namespace troupe::av
