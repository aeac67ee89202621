// What a request for HLS or DASH says: its path, its parameters, its range. Also the answers that need no rendition.
#pragma once

#include "http/delivery_format.hpp"
#include "http/message.hpp"
#include "packaging/rendition.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::http {

/// The files with which a player begins.
inline constexpr std::string_view hls_entry = "index.m3u8";
inline constexpr std::string_view dash_entry = "manifest.mpd";

/// Follows a viewer's key in the name of its own manifest.
inline constexpr std::string_view dash_suffix = ".mpd";

/// The server's clock, for players of DASH.
inline constexpr std::string_view clock_name = "time";

/// What a path below "/live/" names, except for "/live/{channel}/{profile}.ts".
struct delivery_target {
  std::string channel;
  std::string name;    ///< of the profile or ladder
  std::string viewer;  ///< key; empty for the entry
  std::string profile; ///< of the rendition; empty for the entry
  std::string file;    ///< "index.m3u8", "v.m3u8", "v-1234.m4s"

  static std::optional<delivery_target> of(const std::vector<std::string>& path);
};

/// A viewer's key: nobody can guess it.
std::string new_viewer_key();

/// The format that a file belongs to for certain. Segments belong to both, so they give nothing.
std::optional<delivery_format> format_of(std::string_view file);

struct delivery_parameters {
  delivery_request wanted;
  bool transport = false; ///< HLS in MPEG-TS
};

/// The parameters of a request for `file`; the error is for the client.
tl::expected<delivery_parameters, std::string> read_parameters(const request& of, const std::string& file);

/// For pages of all sites: players are embedded anywhere. Who may watch was decided before.
void allow_all_origins(reply& x);

/// The answer to a browser that asks what a page of another site may do below "/live/".
reply preflight();

/// To another name in the same folder, with the same query.
reply redirect(std::string name, const request& of);

/// Leaves of the reply's media what the client asked for by `range`, the value of that header.
void cut_to_range(reply& x, const std::string& range);

} // namespace troupe::http
