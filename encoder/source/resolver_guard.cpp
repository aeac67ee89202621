#include "encoder/source/resolver_guard.hpp"

#include <dlfcn.h>
#include <netdb.h>
#include <sys/socket.h>

#include <utility>

namespace troupe::av {

namespace {

using lookup = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

thread_local const connection_rules* active_rules = nullptr;
thread_local std::string* active_refusal = nullptr;

lookup system_lookup() noexcept {
  static const auto result = reinterpret_cast<lookup>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return result;
}

void refuse(std::string why) {
  if (active_refusal->empty())
    *active_refusal = std::move(why);
}

/// Removes the addresses that are refused. Returns the reason for the last one.
std::string remove_refused(addrinfo** list) {
  std::string why;
  while (*list != nullptr) {
    auto address = core::address_of(*(**list).ai_addr);
    auto refused = address ? active_rules->address(*address) : std::string{"its address is none of the internet"};
    if (refused.empty()) {
      list = &(*list)->ai_next;
      continue;
    }
    why = std::move(refused);
    auto* removed = std::exchange(*list, (*list)->ai_next);
    removed->ai_next = nullptr;
    ::freeaddrinfo(removed);
  }
  return why;
}

int guarded_lookup(const char* host, const char* port, const addrinfo* hints, addrinfo** result) {
  if (auto why = active_rules->host(host, port); !why.empty()) {
    refuse(std::move(why));
    return EAI_FAIL;
  }
  if (auto code = system_lookup()(host, port, hints, result); code != 0)
    return code;
  auto why = remove_refused(result);
  if (*result != nullptr)
    return 0;
  refuse("the host " + std::string{host} + " leads nowhere allowed: " + why);
  return EAI_FAIL;
}

} // namespace

resolver_guard::resolver_guard(const connection_rules* rules, std::string& refusal) noexcept
  : outer_rules_{active_rules}, outer_refusal_{active_refusal} {
  if (rules == nullptr)
    return;
  active_rules = rules;
  active_refusal = &refusal;
}

resolver_guard::~resolver_guard() {
  active_rules = outer_rules_;
  active_refusal = outer_refusal_;
}

bool resolver_guard::works() noexcept {
  static const auto result =
    ::dlsym(RTLD_DEFAULT, "getaddrinfo") == reinterpret_cast<void*>(&::getaddrinfo) && system_lookup() != nullptr;
  return result;
}

} // namespace troupe::av

/// Found before the C library's by all libraries of this process.
extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* host, const char* port,
                                                                  const addrinfo* hints, addrinfo** result) {
  using namespace troupe::av;
  // A lookup without host or port only asks what kind of address a text is, and a passive one is for listening.
  auto own = host == nullptr || port == nullptr || (hints != nullptr && (hints->ai_flags & AI_PASSIVE) != 0);
  return active_rules == nullptr || own ? system_lookup()(host, port, hints, result)
                                        : guarded_lookup(host, port, hints, result);
}
