// RAII owners for libcurl's handles, and the common first steps of all our requests. The users differ only in the
// options that they set.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

namespace troupe::transfer::curl {

struct cleanup {
  void operator()(CURL* x) const noexcept {
    curl_easy_cleanup(x);
  }

  void operator()(curl_slist* x) const noexcept {
    curl_slist_free_all(x);
  }
};

/// CURLM is an alias of CURL, or of void: its owner needs its own deleter.
struct multi_cleanup {
  void operator()(CURLM* x) const noexcept {
    curl_multi_cleanup(x);
  }
};

using easy = std::unique_ptr<CURL, cleanup>;
using multi = std::unique_ptr<CURLM, multi_cleanup>;

/// The library's one-time initialisation, safe on any thread. False if it failed.
inline bool ready() {
  static const auto result = curl_global_init(CURL_GLOBAL_DEFAULT);
  return result == CURLE_OK;
}

/// Null if libcurl cannot be initialised.
inline easy make_easy() {
  return easy{ready() ? curl_easy_init() : nullptr};
}

/// Null if libcurl cannot be initialised.
inline multi make_multi() {
  return multi{ready() ? curl_multi_init() : nullptr};
}

/// The header lines of a request. Must outlive the exchange.
class fields {
public:
  /// `line` is "Name: value". Throws std::bad_alloc if out of memory, so that a request never lacks one of its lines.
  void add(const std::string& line) {
    auto* longer = curl_slist_append(list_.get(), line.c_str());
    if (longer == nullptr)
      throw std::bad_alloc{};
    (void)list_.release();
    list_.reset(longer);
  }

  /// Null if there are none.
  curl_slist* get() const noexcept {
    return list_.get();
  }

private:
  std::unique_ptr<curl_slist, cleanup> list_;
};

/// Receives libcurl's error message. Must outlive the exchange.
using error_buffer = std::array<char, CURL_ERROR_SIZE>;

/// Sets options one after the other, up to the first that is refused.
class options {
public:
  /// Only HTTP and HTTPS, no signals, and error messages in `detail`. As for the program curl, CURL_CA_BUNDLE names the
  /// file of the authorities that certificates must come from.
  options(CURL* handle, error_buffer& detail) : handle_(handle) {
    (*this)(CURLOPT_ERRORBUFFER, detail.data());
    (*this)(CURLOPT_PROTOCOLS_STR, "http,https");
    (*this)(CURLOPT_NOSIGNAL, 1L);
    if (const char* bundle = std::getenv("CURL_CA_BUNDLE"); bundle != nullptr && *bundle != '\0')
      (*this)(CURLOPT_CAINFO, bundle);
  }

  template <class T>
  void operator()(CURLoption option, T value) {
    if (code_ == CURLE_OK)
      code_ = curl_easy_setopt(handle_, option, value);
  }

  /// The error of the first option that was refused.
  CURLcode code() const noexcept {
    return code_;
  }

  /// Runs the exchange, if every option was accepted.
  CURLcode perform() const {
    return code_ == CURLE_OK ? curl_easy_perform(handle_) : code_;
  }

private:
  CURL* handle_;
  CURLcode code_ = CURLE_OK;
};

/// Status of the latest answer on `handle`; 0 if none came.
inline unsigned status_of(CURL* handle) {
  long result = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &result);
  return static_cast<unsigned>(result);
}

/// The error message: the detail, or the text of the code.
inline std::string words(CURLcode code, const error_buffer& detail) {
  return detail[0] != '\0' ? std::string{detail.data()} : std::string{curl_easy_strerror(code)};
}

} // namespace troupe::transfer::curl
