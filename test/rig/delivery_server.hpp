// An HTTP server for the tests of delivery: a thread for each connection, which may keep an answer back.
#pragma once

#include <atomic>
#include <functional>
#include <istream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

namespace troupe::bench::delivery {

struct served {
  int status = 200;
  std::string type;
  std::string fields; ///< more header lines, each with its end
  std::string body;
};

class delivery_server {
public:
  using handler = std::function<served(const std::string& target)>; ///< called on any thread

  explicit delivery_server(handler answer)
    : answer_(std::move(answer)),
      acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}),
      thread_([this] { run(); }) {}

  ~delivery_server() {
    stop_ = true;
    // Wakes the acceptor.
    boost::asio::ip::tcp::socket last{context_};
    boost::system::error_code ignored;
    last.connect(acceptor_.local_endpoint(), ignored);
  }

  std::string url(const std::string& name) const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/" + name;
  }

private:
  void run() {
    std::vector<std::jthread> connections;
    while (!stop_) {
      boost::system::error_code error;
      auto socket = std::make_shared<boost::asio::ip::tcp::socket>(context_);
      acceptor_.accept(*socket, error);
      if (!error && !stop_)
        connections.emplace_back([this, socket] { serve(*socket); });
    }
  }

  /// Ends when the client does.
  void serve(boost::asio::ip::tcp::socket& socket) const {
    boost::system::error_code error;
    boost::asio::streambuf request;
    while (true) {
      auto bytes = boost::asio::read_until(socket, request, "\r\n\r\n", error);
      if (error)
        return;
      std::string text(bytes, '\0');
      std::istream{&request}.read(text.data(), static_cast<std::streamsize>(bytes));
      auto from = text.find(' ') + 1;
      auto answer = answer_(text.substr(from, text.find(' ', from) - from));
      auto head = "HTTP/1.1 " + std::to_string(answer.status) + " Answer\r\nContent-Type: " + answer.type
                  + "\r\nContent-Length: " + std::to_string(answer.body.size()) + "\r\n" + answer.fields + "\r\n";
      boost::asio::write(socket, boost::asio::buffer(head + answer.body), error);
    }
  }

  handler answer_;
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> stop_ = false;
  std::jthread thread_;
};

} // namespace troupe::bench::delivery
