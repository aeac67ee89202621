// Even shares of the file, each moved to the nearest cut point.
#include "core/jobs/chunk_plan.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>

namespace troupe::core {

namespace {

constexpr int64_t second = 90'000;

struct suits {
  std::string_view part; ///< of the encoder's name
  chunk_lengths lengths;
};

constexpr std::array suited{
  suits{"prores", {second, 20 * second}},   suits{"dnxhd", {second, 20 * second}},
  suits{"mjpeg", {second, 20 * second}},    suits{"ffv1", {second, 20 * second}},
  suits{"av1", {30 * second, 90 * second}}, suits{"vpx", {15 * second, 90 * second}},
  suits{"vp9", {15 * second, 90 * second}},
};

bool is_svt(std::string_view encoder) {
  return encoder == "av1" || encoder.find("svtav1") != std::string_view::npos;
}

/// Whether the source can be cut at every picture that the encoder would make a key picture of.
bool can_be_cut_at_keys(const std::vector<cut_point>& points, uint64_t pictures, uint64_t distance) {
  if (distance == 0 || pictures == 0)
    return false;
  auto keys = std::count_if(points.begin(), points.end(),
                            [distance](const cut_point& p) { return p.pictures_before % distance == 0; });
  return static_cast<uint64_t>(keys) == (pictures + distance - 1) / distance;
}

/// How many chunks the request asks for.
size_t count_of(const chunk_request& x, double length) {
  assert(length >= 0 && x.lengths.shortest > 0);
  auto by = [](double whole, double part) {
    auto count = std::round(whole / std::max(part, 1.0));
    return static_cast<size_t>(std::clamp(count, 1.0, static_cast<double>(chunks_max)));
  };
  if (x.target_pictures && x.pictures > 0)
    return by(static_cast<double>(x.pictures), static_cast<double>(*x.target_pictures));
  if (x.target_ticks)
    return by(length, static_cast<double>(*x.target_ticks));
  auto slots = std::max<size_t>(x.slots, 1);
  auto share = length / (static_cast<double>(slots) * chunks_per_slot);
  auto shortest = static_cast<double>(x.lengths.shortest);
  if (x.keys_are_dear && can_be_cut_at_keys(x.points, x.pictures, x.key_distance))
    shortest = std::min(shortest, length * static_cast<double>(x.key_distance) / static_cast<double>(x.pictures));
  auto target = std::clamp(share, shortest, std::max(shortest, static_cast<double>(x.lengths.longest)));
  auto count = by(length, target);
  // If there are few chunks, their number is rounded down to a multiple of the slots, so that no slot works on a last
  // chunk while the others idle. If all chunks are encoded at once, that cannot happen.
  return count > std::max<size_t>(slots, x.side_by_side) && count < slots * chunks_per_slot ? count / slots * slots
                                                                                            : count;
}

/// The access point nearest to `ideal`; `place` gives a point's place in the same unit as `ideal`.
template <class Place>
size_t nearest(const std::vector<cut_point>& points, double ideal, const Place& place) {
  assert(!points.empty());
  auto after =
    std::lower_bound(points.begin(), points.end(), ideal, [&](const cut_point& x, double y) { return place(x) < y; });
  auto at = static_cast<size_t>(after - points.begin());
  if (at == points.size() || (at > 0 && ideal - place(points[at - 1]) < place(points[at]) - ideal))
    --at;
  return at;
}

/// The same among the points at which the encoder makes a key picture anyway; empty if none is within reach.
template <class Place>
std::optional<size_t> nearest_key(const chunk_request& x, double ideal, double reach, const Place& place) {
  std::optional<size_t> result;
  if (x.key_distance == 0 || x.pictures == 0)
    return result;
  auto first = std::lower_bound(x.points.begin(), x.points.end(), ideal - reach,
                                [&](const cut_point& p, double y) { return place(p) < y; });
  for (auto i = first; i != x.points.end() && place(*i) <= ideal + reach; ++i) {
    auto at = static_cast<size_t>(i - x.points.begin());
    if (i->pictures_before % x.key_distance == 0
        && (!result || std::abs(place(*i) - ideal) < std::abs(place(x.points[*result]) - ideal)))
      result = at;
  }
  return result;
}

} // namespace

bool are_keys_dear(std::string_view encoder) noexcept {
  return encoder == "hevc" || encoder == "libx265" || is_svt(encoder);
}

uint64_t usual_key_distance(std::string_view encoder) noexcept {
  constexpr std::array known{"h264", "hevc", "libx264", "libx265"};
  return std::find(known.begin(), known.end(), encoder) != known.end() ? 250 : 0;
}

uint64_t fitting_key_distance(std::string_view encoder, const std::vector<cut_point>& points, int64_t end,
                              uint64_t pictures) {
  if (!is_svt(encoder) || points.empty() || pictures == 0 || end <= points.front().pts)
    return 0;
  // SVT-AV1 1.4's default: the pictures of a second, rounded up to groups of 16, times five, plus one.
  auto rate = static_cast<double>(pictures) * second / static_cast<double>(end - points.front().pts);
  auto own = std::floor(rate / 16 + 1) * 16 * 5 + 1;
  auto off = [own](uint64_t x) { return std::abs(static_cast<double>(x) - own); };
  uint64_t result = 0;
  for (const auto& x : points) {
    auto distance = x.pictures_before;
    if (static_cast<double>(distance) > own * 1.1)
      break;
    if (off(distance) <= own * 0.1 && (result == 0 || off(distance) < off(result))
        && can_be_cut_at_keys(points, pictures, distance))
      result = distance;
  }
  return result;
}

chunk_lengths usual_chunk_lengths(std::string_view encoder) noexcept {
  for (const auto& x : suited)
    if (encoder.find(x.part) != std::string_view::npos)
      return x.lengths;
  return {};
}

uint32_t usual_cores(std::string_view encoder) noexcept {
  // SVT-AV1 keeps many cores at work; the other encoders keep fewer than two busy with one window.
  return is_svt(encoder) ? 4 : 1;
}

std::vector<planned_chunk> plan_chunks(const chunk_request& request) {
  constexpr auto lowest = std::numeric_limits<int64_t>::min();
  constexpr auto highest = std::numeric_limits<int64_t>::max();
  const auto& points = request.points;
  auto first = points.empty() ? 0 : points.front().pts;
  auto length = static_cast<double>(std::max<int64_t>(request.end - first, 0));
  auto by_pictures = request.target_pictures && request.pictures > 0;
  auto whole = by_pictures ? static_cast<double>(request.pictures) : length;
  auto place = [&](const cut_point& x) {
    return by_pictures ? static_cast<double>(x.pictures_before) : static_cast<double>(x.pts - first);
  };
  auto count = points.empty() ? 1 : count_of(request, length);
  // If all chunks are encoded at once, they share the cores, so unequal lengths cost no time. Cuts may then move
  // farther to meet a key picture. A length that the order asks for is kept.
  auto asked = request.target_ticks || request.target_pictures;
  auto at_once = request.keys_are_dear && !asked && count <= request.side_by_side;
  auto reach = whole / static_cast<double>(count) * (at_once ? 0.5 : key_reach);
  std::vector<size_t> cuts;
  for (size_t i = 1; i < count; ++i) {
    auto ideal = whole * static_cast<double>(i) / static_cast<double>(count);
    auto at = nearest_key(request, ideal, reach, place).value_or(nearest(points, ideal, place));
    if (at > 0 && (cuts.empty() || at > cuts.back()))
      cuts.push_back(at);
  }
  std::vector<planned_chunk> result;
  auto begin = first;
  uint64_t pictures = 0;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    auto last = i == cuts.size();
    auto end = last ? std::max(request.end, begin) : points[cuts[i]].pts;
    auto until = last ? std::max(request.pictures, pictures) : points[cuts[i]].pictures_before;
    planned_chunk made{i == 0 ? lowest : begin, last ? highest : end, end - begin, {}};
    if (request.pictures > 0)
      made.pictures = until - pictures;
    result.push_back(made);
    begin = end;
    pictures = until;
  }
  return result;
}

} // namespace troupe::core
