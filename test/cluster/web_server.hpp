// A small HTTP server. It answers every request with the same page, as often happens when a source's URL is wrong, or
// it serves the files of one folder.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace troupe::test {

class web_server {
public:
  /// The whole body for a request's path ("/live.m3u8"); empty if there is no such file.
  using answers = std::function<std::optional<std::string>(const std::string& path)>;

  /// Listens on loopback.
  explicit web_server(std::string page);
  explicit web_server(answers pages);

  /// Serves the regular files of the folder, with their content at the time of the request; no subfolders.
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
