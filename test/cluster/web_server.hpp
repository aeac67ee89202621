// An HTTP server of a few lines: the same page for every request, which is what a wrong URL of a source often leads to,
// or the files of one folder.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace troupe::test {

class web_server {
public:
  /// The whole body for the path of a request ("/live.m3u8"); nothing for one that is not there.
  using answers = std::function<std::optional<std::string>(const std::string& path)>;

  /// Listens on loopback.
  explicit web_server(std::string page);
  explicit web_server(answers pages);

  /// What regular files of the folder hold at the time of the request; not of folders below it.
  static answers folder(std::string path);

  web_server(const web_server&) = delete;
  web_server& operator=(const web_server&) = delete;
  ~web_server();

  uint16_t port() const noexcept {
    return port_;
  }

private:
  void serve() const;
  void answer(int client) const;

  answers pages_;
  uint16_t port_ = 0; // before the socket, whose making sets it
  int listener_ = -1;
  int stop_[2] = {-1, -1}; // a pipe: closed to end the thread
  std::thread thread_;
};

/// A port of loopback on which nobody listens.
uint16_t closed_port();

} // namespace troupe::test
