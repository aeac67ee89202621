// A server that receives the callbacks of ended jobs: it keeps the requests, and answers as the test tells it.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace troupe::test {

class callback_receiver {
public:
  struct received {
    std::string head; ///< request line and fields
    std::string body;
  };

  /// The status of the answer to the n-th request, counted from 0; 0 closes the connection instead.
  using answers = std::function<unsigned(size_t n)>;

  explicit callback_receiver(answers status);
  callback_receiver(const callback_receiver&) = delete;
  callback_receiver& operator=(const callback_receiver&) = delete;
  ~callback_receiver();

  uint16_t port() const noexcept {
    return port_;
  }

  std::vector<received> all() const;

private:
  void serve();
  void take(int client);

  answers status_;
  uint16_t port_ = 0;
  int listener_ = -1;
  int stop_[2] = {-1, -1};
  mutable std::mutex mutex_; ///< guards `all_`
  std::vector<received> all_;
  std::thread thread_;
};

} // namespace troupe::test
