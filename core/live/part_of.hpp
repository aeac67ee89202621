// A block with some of the samples of another one.
#pragma once

#include "messages/media.hpp"

#include <utility>

namespace troupe::core {

/// The samples for which `wanted` is true, with their bytes.
template <class Wanted>
sample_block part_of(const sample_block& block, Wanted wanted) {
  sample_block result;
  shared_bytes::container bytes;
  size_t offset = 0;
  for (auto& s : block.samples) {
    auto data = block.bytes.span().subspan(offset, s.size);
    offset += s.size;
    if (!wanted(s))
      continue;
    result.samples.push_back(s);
    bytes.insert(bytes.end(), data.begin(), data.end());
  }
  result.bytes = shared_bytes{std::move(bytes)};
  return result;
}

} // namespace troupe::core
