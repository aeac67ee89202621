// How bulk data crosses nodes: written and read in one piece, and only in sizes that a peer may send. A size is checked
// before memory is allocated for it.
#pragma once

#include "messages/media.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte.hpp>
#include <caf/deserializer.hpp>
#include <caf/sec.hpp>
#include <caf/serializer.hpp>
#include <caf/span.hpp>

#include <type_traits>

namespace troupe {

/// If a peer announces a larger block, it is refused before anything is allocated.
inline constexpr size_t block_bytes_max = 64 * 1024 * 1024;

/// A block with more samples than this is refused.
inline constexpr size_t block_samples_max = 65'536;

template <class Inspector>
bool inspect(Inspector& f, shared_bytes& x) {
  if constexpr (std::is_base_of_v<caf::serializer, Inspector> || std::is_same_v<Inspector, caf::binary_serializer>) {
    auto bytes = x.span();
    return f.begin_sequence(bytes.size())
           && f.value(caf::span<const caf::byte>{reinterpret_cast<const caf::byte*>(bytes.data()), bytes.size()})
           && f.end_sequence();
  } else if constexpr (Inspector::is_loading) {
    size_t size = 0;
    if (!f.begin_sequence(size))
      return false;
    if constexpr (std::is_same_v<Inspector, caf::binary_deserializer>) {
      if (size > f.remaining()) {
        f.emplace_error(caf::sec::end_of_stream);
        return false;
      }
    }
    if (size > block_bytes_max) {
      f.emplace_error(caf::sec::runtime_error, "a block is larger than this node accepts");
      return false;
    }
    auto bytes = shared_bytes::filled_by(size, [&](std::span<std::byte> to) {
      return f.value(caf::span<caf::byte>{reinterpret_cast<caf::byte*>(to.data()), to.size()});
    });
    if (!bytes)
      return false;
    x = std::move(*bytes);
    return f.end_sequence();
  } else {
    auto size = x.size(); // in a log, only the size is of interest
    return f.apply(size);
  }
}

template <class Inspector>
bool inspect(Inspector& f, sample_block& x) {
  if (!f.object(x).fields(f.field("samples", x.samples), f.field("bytes", x.bytes)))
    return false;
  if constexpr (Inspector::is_loading) {
    // All later code relies on these sizes.
    size_t total = 0;
    for (auto& s : x.samples)
      total += s.size;
    if (total != x.bytes.size() || x.samples.size() > block_samples_max) {
      f.emplace_error(caf::sec::runtime_error, "the samples of a block do not add up to its bytes");
      return false;
    }
  }
  return true;
}

template <class Inspector>
bool inspect(Inspector& f, sample_batch& x) {
  return f.object(x).fields(f.field("attempt", x.attempt), f.field("sequence", x.sequence), f.field("block", x.block));
}

} // namespace troupe
