// Certificates of nodes: asked for, signed, read and revoked.
//
// A node makes its own key and sends a request. The authority takes only the public key from it, and writes name, role
// and purpose itself. A worker's certificate serves only to connect; the coordinator's serves to be connected to, too.
#pragma once

#include "core/trust/membership.hpp"
#include "trust/certificate.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace troupe::trust {

struct certificate_request {
  std::string text; ///< PEM
  std::string key;  ///< PEM, secret
};

/// A request with a new key.
tl::expected<certificate_request, std::string> make_request();

struct node_order {
  std::string name; ///< of the node
  core::node_role role = core::node_role::worker;
  int64_t now_s = 0; ///< Unix time
  int64_t life_s = 0;
};

/// What a certificate of a node says.
struct node_identity {
  std::string name;
  std::string role;
  std::string serial; ///< hexadecimal, in upper case
  core::lifetime life;
};

struct signed_certificate {
  std::string chain; ///< the certificate, then its authority's
  node_identity who;
};

/// The error says why the request gets no certificate.
tl::expected<signed_certificate, std::string> sign_request(const certificate& authority, const std::string& request,
                                                           const node_order& order);

node_identity identity_of(const certificate& x);

/// The signature of the text by the certificate's key, in hexadecimal digits; empty if that fails.
std::string sign_text(const certificate& by, std::string_view text);

/// True if the key of this certificate made the signature.
bool is_signature(const certificate& of, std::string_view text, std::string_view digits);

struct revocation {
  std::string serial;
  int64_t at_s = 0; ///< Unix time
};

/// The authority's list of revoked certificates, in PEM. Whoever checks it refuses every certificate when it has ended.
tl::expected<std::string, std::string> sign_revocations(const certificate& authority, std::span<const revocation> all,
                                                        int64_t now_s, int64_t life_s);

} // namespace troupe::trust
