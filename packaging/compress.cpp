#include "packaging/compress.hpp"

#include <new>

#include <zlib.h>

namespace troupe {

shared_bytes bytes_of(std::string_view text) {
  auto data = reinterpret_cast<const std::byte*>(text.data());
  return shared_bytes{shared_bytes::container{data, data + text.size()}};
}

shared_bytes compressed(std::string_view text) {
  constexpr int gzip_format = 16;
  constexpr int memory_level = 8;
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + gzip_format, memory_level,
                   Z_DEFAULT_STRATEGY)
      != Z_OK)
    throw std::bad_alloc{};
  shared_bytes::container result(deflateBound(&stream, static_cast<uLong>(text.size())));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  (void)deflate(&stream, Z_FINISH); // `deflateBound` has made enough room
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return shared_bytes{std::move(result)};
}

} // namespace troupe
