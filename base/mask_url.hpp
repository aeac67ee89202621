// URLs and other texts in a form that may be shown. Every URL that is printed, logged or returned passes through here.
//
// There are two kinds of readers. Operators see which source the URL names, without its credentials: user and password,
// query values, and keys in the path are masked. Viewers of a channel see only the host. A string that is not a URL,
// such as a path, stays unchanged.
#pragma once

#include <string>
#include <string_view>

namespace troupe::base {

/// For operators: "http://***@host:80/live/***/***/5.ts?token=***". Masked are user and password, all query values, the
/// fragment, and credentials in the path: user and password of live services (/live/USER/PASSWORD/5.ts,
/// /USER/PASSWORD/5), the stream key of RTMP, and text after "=".
std::string mask_url(std::string_view url);

/// For viewers: "http://host:80".
std::string host_of_url(std::string_view url);

/// A request's target with its query values and API keys masked: "/path/trp_***?a=***&b=***".
std::string mask_query(std::string_view text);

/// A text in which every URL is masked for operators, and so is every API key ("trp_***") and what follows "Bearer".
std::string mask_urls(std::string_view text);

/// A text in which every URL is reduced to its host.
std::string only_hosts(std::string_view text);

} // namespace troupe::base
