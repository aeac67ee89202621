// URLs as people may see them. Every URL that is printed, logged or answered goes through here.
//
// Two kinds of readers are told apart. Whoever operates the cluster sees which source it is, without what opens it: user and password, the values of the query, keys in
// the path. Whoever only watches a channel sees the host and nothing else. What is no URL, such as a path, stays as it is.
#pragma once

#include <string>
#include <string_view>

namespace troupe::base {

/// For operators: "http://***@host:80/live/***/***/5.ts?token=***". Masked are user and password, all values of the query, the fragment, and of the path:
/// user and password as live services have them (/live/USER/PASSWORD/5.ts, /USER/PASSWORD/5), the stream key of RTMP, and what stands behind "=".
std::string mask_url(std::string_view url);

/// For viewers: "http://host:80".
std::string host_of_url(std::string_view url);

/// The target of a request with the values of its query masked: "/path?a=***&b=***".
std::string mask_query(std::string_view text);

/// A text with every URL in it masked for operators.
std::string mask_urls(std::string_view text);

/// A text with nothing of every URL in it but the host.
std::string only_hosts(std::string_view text);

} // namespace troupe::base
