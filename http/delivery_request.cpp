#include "http/delivery_request.hpp"

#include "base/random_id.hpp"
#include "http/byte_range.hpp"
#include "http/query.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace troupe::http {

namespace {

/// A player that returns after a restart may bring a key that is not known here.
constexpr size_t key_max = 32;

bool is_key(std::string_view x) {
  return !x.empty() && x.size() <= key_max
         && std::ranges::all_of(x, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// The containers of HLS: MP4 is for all players of this decade, MPEG-TS for the older ones.
constexpr std::string_view in_mp4 = "mp4";
constexpr std::string_view in_transport = "ts";

} // namespace

std::optional<delivery_target> delivery_target::of(const std::vector<std::string>& path) {
  if (path.size() < 4 || path[0] != "live" || path[1].empty() || path[2].empty())
    return std::nullopt;
  if (path.size() == 4 && (path[3] == hls_entry || path[3] == dash_entry || path[3] == clock_name))
    return delivery_target{path[1], path[2], {}, {}, path[3]};
  if (path.size() == 6 && is_key(path[3]) && !path[4].empty() && !path[5].empty())
    return delivery_target{path[1], path[2], path[3], path[4], path[5]};
  // A player's updates of its manifest. They are in the folder of the entry: players disagree about what names in a
  // manifest are relative to, its first address or that of its updates.
  if (path.size() == 4 && path[3].ends_with(dash_suffix)) {
    auto key = path[3].substr(0, path[3].size() - dash_suffix.size());
    if (is_key(key))
      return delivery_target{path[1], path[2], key, {}, std::string{dash_entry}};
  }
  return std::nullopt;
}

std::string new_viewer_key() {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(base::random_id()));
  return text.data();
}

std::optional<delivery_format> format_of(std::string_view file) {
  if (file == hls_entry || file.ends_with(".m3u8"))
    return delivery_format::hls;
  if (file == dash_entry)
    return delivery_format::dash;
  return std::nullopt;
}

tl::expected<delivery_parameters, std::string> read_parameters(const request& of, const std::string& file) {
  delivery_parameters all;
  auto& result = all.wanted;
  result.file = file;
  result.gzip = of.takes_gzip;
  auto done =
    read_query(of.query, [&](const std::string& key, const std::string& value) -> tl::expected<void, std::string> {
      if (key == "_HLS_msn" || key == "_HLS_part") {
        auto number = to_number<int64_t>(value);
        if (!number || *number < 0)
          return tl::unexpected{key + " must be a whole number"};
        (key == "_HLS_msn" ? result.msn : result.part) = *number;
      } else if (key == "_HLS_skip") {
        result.skip = value == "YES" || value == "v2";
      } else if (key == "container") {
        if (value != in_mp4 && value != in_transport)
          return tl::unexpected{std::string{"container is mp4 or ts"}};
        all.transport = value == in_transport;
      }
      return {};
    });
  if (!done)
    return tl::unexpected{std::move(done.error())};
  return all;
}

void allow_all_origins(reply& x) {
  x.fields.emplace_back("Access-Control-Allow-Origin", "*");
  x.fields.emplace_back("Access-Control-Expose-Headers", "Date, Content-Length, Content-Range");
}

reply preflight() {
  reply result{status::no_content, {}, {}};
  allow_all_origins(result);
  result.fields.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
  result.fields.emplace_back("Access-Control-Allow-Headers", "*");
  result.fields.emplace_back("Access-Control-Max-Age", "86400");
  result.fields.emplace_back("Allow", "GET, HEAD, OPTIONS");
  return result;
}

reply redirect(std::string name, const request& of) {
  reply result{status::found, {}, {}};
  if (!of.query.empty())
    name += "?" + of.query;
  result.fields.emplace_back("Location", std::move(name));
  return result;
}

void cut_to_range(reply& x, const std::string& range) {
  uint64_t size = 0;
  for (auto& bytes : x.media)
    size += bytes.size();
  auto wanted = read_range(range, size);
  x.fields.emplace_back("Accept-Ranges", "bytes");
  if (wanted.kind == range_kind::whole)
    return;
  if (wanted.kind == range_kind::unsatisfiable) {
    x = {status::range_not_satisfiable, {}, {}};
    x.fields.emplace_back("Content-Range", "bytes */" + std::to_string(size));
    return;
  }
  x.code = status::partial_content;
  x.part = wanted.part;
  x.fields.emplace_back("Content-Range", "bytes " + std::to_string(wanted.part.first) + "-"
                                           + std::to_string(wanted.part.first + wanted.part.size - 1) + "/"
                                           + std::to_string(size));
}

} // namespace troupe::http
