// The formats that channels are delivered in, and which of them a player gets if its address names none.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace troupe::http {

enum class delivery_format : uint8_t { ts, hls, dash };

inline constexpr std::array delivery_formats{delivery_format::ts, delivery_format::hls, delivery_format::dash};

/// The name in the API, and in `?format=`.
std::string_view to_string(delivery_format x) noexcept;

/// One number for each format.
template <class T>
using by_format = std::array<T, delivery_formats.size()>;

/// Decided by `format` in the query, else by the media types that the client accepts, else by its name (the header
/// User-Agent). A client that says nothing of use gets MPEG-TS. The error says which formats there are.
tl::expected<delivery_format, std::string> choose_format(std::string_view query, std::string_view accept,
                                                         std::string_view user_agent);

} // namespace troupe::http
