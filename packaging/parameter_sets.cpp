// Sources of the formats: ITU-T H.264 table 7-1 and annex B, H.265 table 7-1, ISO/IEC 14496-15 (avcC, hvcC), the AV1
// bitstream specification 5.3 and its ISOBMFF binding (av1C).
#include "packaging/parameter_sets.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace troupe {

namespace {

using bytes = std::span<const std::byte>;

constexpr std::array start_code{std::byte{0}, std::byte{0}, std::byte{1}};
constexpr unsigned sequence_header = 1; ///< type of an OBU

bool is_nal_codec(const std::string& codec) {
  return codec == "h264" || codec == "hevc";
}

unsigned at(bytes data, size_t i) {
  return std::to_integer<unsigned>(data[i]);
}

unsigned nal_type(const std::string& codec, bytes unit) {
  return codec == "h264" ? at(unit, 0) & 0x1f : (at(unit, 0) >> 1) & 0x3f;
}

bool is_slice(const std::string& codec, unsigned type) {
  return codec == "h264" ? type >= 1 && type <= 5 : type < 32;
}

/// VPS, SPS and PPS of HEVC; SPS and PPS of H.264.
std::vector<unsigned> kinds(const std::string& codec) {
  if (codec == "h264")
    return {7, 8};
  if (codec == "hevc")
    return {32, 33, 34};
  return {};
}

void add_nal(const std::string& codec, bytes unit, parameter_sets& to) {
  // A NAL unit never ends with a zero: trailing zeros belong to the next start code.
  while (!unit.empty() && unit.back() == std::byte{0})
    unit = unit.first(unit.size() - 1);
  auto wanted = kinds(codec);
  if (!unit.empty() && std::ranges::find(wanted, nal_type(codec, unit)) != wanted.end())
    to.emplace_back(unit.begin(), unit.end());
}

parameter_sets in_annexb(const std::string& codec, bytes data) {
  parameter_sets result;
  auto next_start = [&](size_t from) {
    auto found =
      std::search(data.begin() + static_cast<std::ptrdiff_t>(from), data.end(), start_code.begin(), start_code.end());
    return static_cast<size_t>(found - data.begin());
  };
  for (auto begin = next_start(0); begin + 3 < data.size();) {
    auto unit = data.subspan(begin + 3);
    if (is_slice(codec, nal_type(codec, unit)))
      break;
    auto end = next_start(begin + 3);
    add_nal(codec, data.subspan(begin + 3, end - begin - 3), result);
    begin = end;
  }
  return result;
}

/// Reads big-endian numbers and units from a record; nothing is read past its end.
class record_reader {
public:
  explicit record_reader(bytes data) : data_(data) {}

  std::optional<unsigned> number(size_t size) {
    auto digits = take(size);
    if (!digits)
      return std::nullopt;
    unsigned result = 0;
    for (size_t i = 0; i < size; ++i)
      result = result << 8 | at(*digits, i);
    return result;
  }

  std::optional<bytes> take(size_t size) {
    if (size > data_.size())
      return std::nullopt;
    auto result = data_.first(size);
    data_ = data_.subspan(size);
    return result;
  }

  /// `count` units, each after its size in 16 bits. False if the record ends before.
  bool units(const std::string& codec, unsigned count, parameter_sets& to) {
    for (; count > 0; --count) {
      auto size = number(2);
      auto unit = size ? take(*size) : std::nullopt;
      if (!unit)
        return false;
      add_nal(codec, *unit, to);
    }
    return true;
  }

private:
  bytes data_;
};

parameter_sets in_avcc(bytes data) {
  parameter_sets result;
  record_reader in{data};
  (void)in.take(5);
  auto count = in.number(1);
  if (!count || !in.units("h264", *count & 0x1f, result))
    return result;
  if (count = in.number(1); count)
    (void)in.units("h264", *count, result);
  return result;
}

parameter_sets in_hvcc(bytes data) {
  parameter_sets result;
  record_reader in{data};
  (void)in.take(22);
  auto arrays = in.number(1);
  for (auto left = arrays.value_or(0); left > 0; --left) {
    (void)in.take(1);
    auto count = in.number(2);
    if (!count || !in.units("hevc", *count, result))
      break;
  }
  return result;
}

/// The sequence headers of a temporal unit. Their bytes are repeated as they are.
parameter_sets in_obus(bytes data) {
  parameter_sets result;
  while (data.size() >= 2) {
    auto header = at(data, 0);
    auto has_extension = (header & 4) != 0;
    auto has_size = (header & 2) != 0;
    if (!has_size)
      break;
    size_t read = has_extension ? 2 : 1;
    uint64_t size = 0;
    for (unsigned shift = 0; shift < 56 && read < data.size(); shift += 7) {
      auto digit = at(data, read++);
      size |= uint64_t{digit & 0x7f} << shift;
      if ((digit & 0x80) == 0)
        break;
    }
    if (size > data.size() - read)
      break;
    auto unit = data.first(read + static_cast<size_t>(size));
    if ((header >> 3 & 0xf) == sequence_header)
      result.emplace_back(unit.begin(), unit.end());
    data = data.subspan(unit.size());
  }
  return result;
}

} // namespace

parameter_sets parameter_sets_in_sample(const std::string& codec, bytes sample) {
  if (is_nal_codec(codec))
    return in_annexb(codec, sample);
  return codec == "av1" ? in_obus(sample) : parameter_sets{};
}

parameter_sets parameter_sets_in_extradata(const std::string& codec, bytes extradata) {
  if (extradata.empty())
    return {};
  // A record begins with its version. Annex B begins with a zero, and the highest bit of an OBU is never set.
  if (is_nal_codec(codec) && at(extradata, 0) == 1)
    return codec == "h264" ? in_avcc(extradata) : in_hvcc(extradata);
  if (codec == "av1" && at(extradata, 0) == 0x81)
    return in_obus(extradata.subspan(std::min<size_t>(4, extradata.size())));
  return parameter_sets_in_sample(codec, extradata);
}

bool is_complete(const std::string& codec, const parameter_sets& sets) {
  if (codec == "av1")
    return !sets.empty();
  return std::ranges::all_of(kinds(codec), [&](unsigned kind) {
    return std::ranges::any_of(sets, [&](const auto& x) { return nal_type(codec, x) == kind; });
  });
}

std::vector<std::byte> to_extradata(const std::string& codec, const parameter_sets& sets) {
  std::vector<std::byte> result;
  for (const auto& x : sets) {
    if (is_nal_codec(codec)) {
      result.push_back(std::byte{0});
      result.insert(result.end(), start_code.begin(), start_code.end());
    }
    result.insert(result.end(), x.begin(), x.end());
  }
  return result;
}

} // namespace troupe
