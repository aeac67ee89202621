// The rows of what orders and channels may reach: URLs and paths.
#include "config/option_rows.hpp"

namespace troupe::config {

// One row reads as one sentence: clang-format would put each field on its own line.
// clang-format off
std::vector<option> access_rows() {
  using c = configuration;
  using u = core::url_rules;
  using p = path_options;
  return {
    {.key = "paths.read", .kind = kind::path_list, .at = at<&c::paths, &p::read>,
     .help = "Folders whose files may be sources; `/` allows all. Links may lead from one folder into another, but "
             "nowhere else. Devices, pipes, files of the kernel, `node.state_dir`, and `task.hidden` are never opened. "
             "Folders of files that `channels` names are added. Each node applies its own list, and its tasks see "
             "nothing else.",
     .default_text = "/home, /media, /mnt, /srv, /data, /run/media, /tmp, /var/tmp, $HOME (not root's), $TMPDIR"},
    {.key = "paths.write", .kind = kind::path_list, .at = at<&c::paths, &p::write>,
     .help = "Folders in which results may appear, as in `paths.read`.",
     .default_text = "as `paths.read` has by default"},
    {.key = "urls.schemes", .kind = kind::word_list, .at = at<&c::urls, &u::schemes>,
     .help = "Schemes that the URLs of sources may have. Callbacks always use http or https.",
     .default_text = "http, https, rtmp, rtmps, rtmpt, rtp, rtsp, rtsps, srt, udp"},
    {.key = "urls.hosts", .kind = kind::host_list, .at = at<&c::urls, &u::hosts>,
     .help = "Hosts that sources and callbacks may reach: names, which include all names below them, and addresses.",
     .default_text = "all"},
    {.key = "urls.private_networks", .kind = kind::boolean, .at = at<&c::urls, &u::private_networks>,
     .help = "Whether sources and callbacks may reach addresses of private networks, such as 192.168.1.20. Cameras and "
             "tuners have such addresses."},
    {.key = "urls.loopback", .kind = kind::boolean, .at = at<&c::urls, &u::loopback>,
     .help = "Whether sources and callbacks may reach services of the machine itself, such as 127.0.0.1. Such services "
             "often trust their own machine."},
    {.key = "urls.networks", .kind = kind::network_list, .at = at<&c::urls, &u::networks>,
     .help = "Addresses and networks that sources and callbacks may reach although they are loopback, link-local, "
             "private or reserved.",
     .default_text = "none"},
  };
}
// clang-format on

} // namespace troupe::config
