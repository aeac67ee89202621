// The allow lists, and the little parsing that they need.
#include "encoder/source/allowed_sources.hpp"

#include "base/mask_url.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace troupe::av {

namespace {

constexpr size_t url_max = 4096;

struct scheme_rule {
  std::string_view scheme;
  std::string_view protocols;
};

constexpr std::string_view web = "http,https,httpproxy,tcp,tls,crypto";

constexpr std::array rules{
  scheme_rule{"file", "file,crypto"},
  scheme_rule{"http", web},
  scheme_rule{"https", web},
  scheme_rule{"rtmp", "rtmp,rtmpt,ffrtmphttp,http,tcp"},
  scheme_rule{"rtmps", "rtmps,rtmpts,ffrtmphttp,https,tcp,tls"},
  scheme_rule{"rtmpt", "rtmpt,ffrtmphttp,http,tcp"},
  scheme_rule{"rtp", "rtp,srtp,udp"},
  scheme_rule{"rtsp", "rtsp,rtp,srtp,udp,tcp,http"},
  scheme_rule{"rtsps", "rtsp,rtsps,rtp,srtp,udp,tcp,tls,https"},
  scheme_rule{"srt", "srt"},
  scheme_rule{"udp", "udp"},
};

constexpr std::array<std::string_view, 40> allowed_options{
  "analyzeduration",
  "auth_type",
  "buffer_size",
  "ca_file",
  "cookies",
  "fifo_size",
  "fpsprobesize",
  "framerate",
  "headers",
  "icy",
  "latency",
  "live_start_index",
  "localaddr",
  "localport",
  "max_reload",
  "mode",
  "overrun_nonfatal",
  "passphrase",
  "pbkeylen",
  "pkt_size",
  "probesize",
  "rcvlatency",
  "reconnect",
  "reconnect_at_eof",
  "reconnect_delay_max",
  "reconnect_on_http_error",
  "reconnect_on_network_error",
  "reconnect_streamed",
  "referer",
  "reorder_queue_size",
  "rtmp_app",
  "rtmp_live",
  "rtmp_playpath",
  "rtsp_flags",
  "rtsp_transport",
  "seekable",
  "streamid",
  "timeout",
  "tls_verify",
  "user_agent",
};

std::string lower(std::string_view x) {
  std::string result{x};
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  });
  return result;
}

/// The scheme of `url`, lower case; empty for a path. A colon alone is not enough: file names may have colons.
std::string scheme_of(std::string_view url) {
  auto colon = url.find(':');
  if (colon == std::string_view::npos || colon < 2)
    return {};
  auto name = url.substr(0, colon);
  auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-'
           || c == '.';
  };
  if (!std::all_of(name.begin(), name.end(), legal))
    return {};
  auto result = lower(name);
  return result == "file" || url.substr(colon + 1).starts_with("//") ? result : std::string{};
}

expected<void> check_file(const std::string& path, const base::path_roots& files) {
  auto file = files.open_file(path, O_RDONLY);
  if (!file && file.error().number == 0)
    return fail(errc::option, std::move(file.error().what));
  struct stat info = {};
  if (!file || ::fstat(file->get(), &info) != 0)
    return fail_to_open(errc::io, "open the file " + path.substr(0, 256), -(file ? errno : file.error().number), 0);
  if (info.st_size == 0)
    return fail(errc::media, "open the file " + path + ": the file is empty");
  return {};
}

} // namespace

expected<source_address> parse_source(const std::string& url, const base::path_roots& files) {
  if (url.empty() || url.size() > url_max || url.find('\0') != std::string::npos)
    return fail(errc::option, "a source is a URL or a path of 1 to " + std::to_string(url_max) + " characters, got "
                                + std::to_string(url.size()));
  source_address result;
  auto scheme = scheme_of(url);
  if (scheme.empty() || scheme == "file") {
    auto path = scheme.empty() ? url : url.substr(url.compare(5, 2, "//") == 0 ? 7 : 5);
    if (auto ok = check_file(path, files); !ok)
      return tl::unexpected{std::move(ok.error())};
    result.scheme = "file";
    result.url = "file:" + path;
    result.shown = path;
  } else {
    result.scheme = scheme;
    result.url = scheme + url.substr(scheme.size());
    result.shown = base::mask_url(result.url);
  }
  for (const auto& rule : rules)
    if (rule.scheme == result.scheme) {
      result.protocols = rule.protocols;
      return result;
    }
  return fail(errc::option, "open " + result.shown
                              + ": sources are files, http(s), rtmp(s), rtsp(s), rtp, srt and udp, not "
                              + result.scheme);
}

std::string source_formats(bool one_file) {
  constexpr std::string_view files =
    "aac,ac3,aiff,asf,av1,avi,dts,dtshd,dv,eac3,flac,flv,gxf,h264,hevc,ivf,live_flv,loas,m4v,matroska,mov,mp3,"
    "mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,truehd,vc1,w64,wav";
  return std::string{files} + (one_file ? "" : ",hls,rtp,rtsp");
}

expected<void> check_source_options(const std::map<std::string, std::string>& options) {
  for (const auto& [name, value] : options)
    if (std::find(allowed_options.begin(), allowed_options.end(), name) == allowed_options.end())
      return fail(errc::option, "the source option " + name.substr(0, 64) + " is not on the list of allowed options");
  return {};
}

std::string_view describe_start(std::string_view bytes) {
  while (!bytes.empty() && std::strchr(" \t\r\n\xef\xbb\xbf", bytes.front()) != nullptr)
    bytes.remove_prefix(1);
  if (bytes.empty())
    return "nothing, or nothing but blanks";
  auto head = lower(bytes.substr(0, 256));
  if (head.starts_with("<!doctype html") || head.find("<html") != std::string::npos
      || head.find("<head") != std::string::npos)
    return "an HTML page";
  if (head.starts_with("<?xml") || head.starts_with('<'))
    return "XML or a similar text";
  if (head.starts_with('{') || head.starts_with('['))
    return "JSON or a similar text";
  if (head.starts_with("#extm3u"))
    return "a playlist, whose parts cannot be reached from here: name a URL, or a path that workers have, too";
  auto printable = [](unsigned char c) { return c >= 0x20 || c == '\n' || c == '\r' || c == '\t'; };
  if (std::all_of(bytes.begin(), bytes.end(), printable))
    return "plain text";
  return "bytes of no media format that is read here, or media cut off before its headers";
}

} // namespace troupe::av
