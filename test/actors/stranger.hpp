// A raw connection to the cluster port, for tests: a client that is no node, or begins as one.
#pragma once

#include "actors/cluster/link.hpp"
#include "base/descriptor.hpp"
#include "core/trust/link_proof.hpp"

#include <boost/test/unit_test.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace troupe {

/// A client that is no node.
class stranger {
public:
  static constexpr std::chrono::milliseconds patience{10'000};

  explicit stranger(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BOOST_REQUIRE(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }

  /// A line without its end; empty if the other side ends first.
  std::string line() {
    std::string result;
    char next = 0;
    while (hears() && ::recv(socket_.get(), &next, 1, 0) == 1 && next != '\n')
      result += next;
    return result;
  }

  /// Answers the greeting as a node that has what `as` has. True if it is welcome.
  bool proves(const link_config& as) {
    claim = {as.role, as.name, std::string(64, 'c'), {}};
    claim.proof =
      core::link_proof(core::link_side::node, as.secret, claim, core::read_greeting(line()).value_or(""), "");
    return says(core::claim_line(claim)) && core::read_welcome(line()).has_value();
  }

  /// Waits for a heartbeat of BASP, which only nodes get that have said who they are.
  bool is_known() {
    const auto beat = '\6' + std::string(31, '\0');
    std::string heard;
    char bytes[4096];
    while (!heard.ends_with(beat) && hears()) {
      auto n = ::recv(socket_.get(), bytes, sizeof bytes, 0);
      if (n <= 0)
        return false;
      heard.append(bytes, static_cast<size_t>(n));
    }
    return true;
  }

  core::link_claim claim; ///< the last one

  bool says(const std::string& words) {
    return ::send(socket_.get(), words.data(), words.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(words.size());
  }

  /// Waits until the other side sends something, or closes. False if it does neither in time.
  bool hears(std::chrono::milliseconds span = patience) {
    pollfd what{socket_.get(), POLLIN, 0};
    return ::poll(&what, 1, static_cast<int>(span.count())) > 0;
  }

  /// Waits until the other side has ended the connection.
  bool is_left() {
    char ignored[4096];
    while (hears()) {
      if (::recv(socket_.get(), ignored, sizeof ignored, 0) <= 0)
        return true;
    }
    return false;
  }

private:
  base::descriptor socket_;
};

} // namespace troupe
