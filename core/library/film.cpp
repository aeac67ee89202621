#include "core/library/film.hpp"

namespace troupe::core {

namespace {

constexpr uint16_t bit(film_state x) noexcept {
  return static_cast<uint16_t>(1u << static_cast<unsigned>(x));
}

template <class... States>
constexpr uint16_t bits(States... xs) noexcept {
  return static_cast<uint16_t>((bit(xs) | ... | 0u));
}

/// What may follow each state, in the order of the states.
constexpr std::array<uint16_t, film_states> followers = [] {
  using enum film_state;
  std::array<uint16_t, film_states> x{};
  auto of = [&x](film_state from) -> uint16_t& { return x[static_cast<size_t>(from)]; };
  of(found) = bits(settling, skipped, done);
  of(settling) = bits(found, probed, skipped, failed, done);
  of(probed) = bits(found, skipped, queued, done, kept_original);
  of(skipped) = bits(found);
  of(queued) = bits(found, skipped, converting, done);
  of(converting) = bits(found, skipped, queued, verifying, kept_original, failed, done);
  of(verifying) = bits(found, skipped, queued, replacing, kept_original, failed, done);
  of(replacing) = bits(found, queued, done, kept_original, failed);
  of(done) = bits(found, replacing);
  of(kept_original) = bits(found);
  of(failed) = bits(found, skipped);
  return x;
}();

} // namespace

bool may_follow(film_state from, film_state to) noexcept {
  return (followers[static_cast<size_t>(from)] & bit(to)) != 0;
}

bool is_at_rest(film_state x) noexcept {
  using enum film_state;
  return x == skipped || x == done || x == kept_original || x == failed;
}

bool is_same_file(const film_identity& a, const film_identity& b) noexcept {
  return a.inode == b.inode && a.bytes == b.bytes && a.mtime_ns == b.mtime_ns;
}

bool is_same_content(const film_identity& a, const film_identity& b) noexcept {
  return !a.print.empty() && a.print == b.print && a.bytes == b.bytes;
}

} // namespace troupe::core
