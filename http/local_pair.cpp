#include "http/local_pair.hpp"

#include <utility>

#include <sys/socket.h>

namespace troupe::http {

std::optional<local_pair> local_pair::make(boost::asio::io_context& in) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return {};
  base::descriptor mine{ends[0]};
  base::descriptor other{ends[1]};
  // As `limit_unsent` does for a client without TLS. The kernel doubles the number.
  constexpr int unread_bytes = 64 * 1024;
  ::setsockopt(mine.get(), SOL_SOCKET, SO_SNDBUF, &unread_bytes, sizeof unread_bytes);
  ::setsockopt(other.get(), SOL_SOCKET, SO_SNDBUF, &unread_bytes, sizeof unread_bytes);
  socket end{in};
  boost::system::error_code failure;
  end.assign(boost::asio::local::stream_protocol{}, mine.get(), failure);
  if (failure)
    return {};
  mine.release();
  return local_pair{std::move(end), std::move(other)};
}

} // namespace troupe::http
