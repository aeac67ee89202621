#include "store/authority_store.hpp"

#include "store/database.hpp"
#include "store/statement.hpp"

#include <utility>

namespace troupe::store {

class authority_store::impl : public database {
public:
  using database::database;

  /// Calls `f` in a transaction.
  template <class F>
  expected<void> change(std::string_view doing, F f) {
    return guarded(doing, [&]() -> expected<void> {
      transaction all{session(), on().kind};
      if (auto done = f(); !done)
        return done;
      all.commit();
      return {};
    });
  }

  expected<std::optional<authority_record>> authority() {
    return guarded("read the cluster's authority", [&]() -> expected<std::optional<authority_record>> {
      authority_record read;
      statement s{session()};
      s.out(read.certificate).out(read.sealed_key);
      s.prepare("SELECT certificate, sealed_key FROM cluster_authority WHERE number = 1");
      return s.run_one() ? std::optional{read} : std::nullopt;
    });
  }

  expected<void> add(const authority_record& x) {
    return change("store the cluster's authority", [&]() -> expected<void> {
      statement s{session()};
      s.in(x.certificate, "certificate").in(x.sealed_key, "key");
      s.prepare("INSERT INTO cluster_authority (number, certificate, sealed_key) VALUES (1, :certificate, :key)");
      s.run_one();
      return {};
    });
  }

  expected<std::vector<join_token_record>> tokens() {
    return guarded("read the join tokens", [&]() -> expected<std::vector<join_token_record>> {
      join_token_record read;
      long long created = 0;
      long long expires = 0;
      long long most = 0;
      long long uses = 0;
      long long revoked = 0;
      statement s{session()};
      s.out(read.id).out(read.sha256).out(read.role).out(read.made_by);
      s.out(created).out(expires).out(most).out(uses).out(revoked);
      s.prepare("SELECT id, sha256, role, made_by, created_ms, expires_ms, uses_max, uses, revoked_ms"
                " FROM join_tokens ORDER BY created_ms, id");
      std::vector<join_token_record> result;
      s.run_all([&] {
        read.created_ms = created;
        read.expires_ms = expires;
        read.uses_max = most;
        read.uses = uses;
        read.revoked_ms = revoked;
        result.push_back(read);
      });
      return result;
    });
  }

  expected<void> add(const join_token_record& x) {
    return change("store a join token", [&]() -> expected<void> {
      const long long created = x.created_ms;
      const long long expires = x.expires_ms;
      const long long most = x.uses_max;
      const long long uses = x.uses;
      const long long revoked = x.revoked_ms;
      statement s{session()};
      s.in(x.id, "id").in(x.sha256, "sha256").in(x.role, "role").in(x.made_by, "made_by").in(created, "created");
      s.in(expires, "expires").in(most, "most").in(uses, "uses").in(revoked, "revoked");
      s.prepare("INSERT INTO join_tokens (id, sha256, role, made_by, created_ms, expires_ms, uses_max, uses,"
                " revoked_ms) VALUES (:id, :sha256, :role, :made_by, :created, :expires, :most, :uses, :revoked)");
      s.run_one();
      return {};
    });
  }

  expected<void> revoke_token(const std::string& id, int64_t at_ms) {
    return change("revoke a join token", [&]() -> expected<void> {
      const long long at = at_ms;
      std::string changed;
      statement s{session()};
      s.in(at, "at").in(id, "id").out(changed);
      s.prepare("UPDATE join_tokens SET revoked_ms = :at WHERE id = :id RETURNING id");
      if (!s.run_one())
        return tl::unexpected{error{error_kind::not_found, "there is no join token " + id}};
      return {};
    });
  }

  expected<std::vector<node_certificate_record>> certificates() {
    return guarded("read the nodes' certificates", [&]() -> expected<std::vector<node_certificate_record>> {
      node_certificate_record read;
      long long begins = 0;
      long long ends = 0;
      long long revoked = 0;
      statement s{session()};
      s.out(read.serial).out(read.node).out(read.role).out(read.token).out(begins).out(ends).out(revoked);
      s.prepare("SELECT serial, node, role, token, begins_ms, ends_ms, revoked_ms FROM node_certificates"
                " ORDER BY serial");
      std::vector<node_certificate_record> result;
      s.run_all([&] {
        read.begins_ms = begins;
        read.ends_ms = ends;
        read.revoked_ms = revoked;
        result.push_back(read);
      });
      return result;
    });
  }

  expected<void> add(const node_certificate_record& x) {
    return change("store a node's certificate", [&]() -> expected<void> { return insert(x); });
  }

  expected<void> admit(const node_certificate_record& x) {
    return change("admit a node", [&]() -> expected<void> {
      {
        std::string changed;
        statement s{session()};
        s.in(x.token, "id").out(changed);
        s.prepare("UPDATE join_tokens SET uses = uses + 1 WHERE id = :id AND uses < uses_max AND revoked_ms = 0"
                  " RETURNING id");
        if (!s.run_one())
          return tl::unexpected{error{error_kind::not_found, "the join token " + x.token + " has no use left"}};
      }
      return insert(x);
    });
  }

  expected<void> revoke_node(const std::string& node, int64_t at_ms) {
    return change("revoke a node", [&]() -> expected<void> {
      const long long at = at_ms;
      statement s{session()};
      s.in(at, "at").in(node, "node");
      s.prepare("UPDATE node_certificates SET revoked_ms = :at WHERE node = :node AND revoked_ms = 0");
      s.run_one();
      return {};
    });
  }

  expected<void> drop(int64_t tokens_ms, int64_t certificates_ms) {
    return change("drop old join tokens and certificates", [&]() -> expected<void> {
      const long long tokens = tokens_ms;
      const long long certificates = certificates_ms;
      {
        statement s{session()};
        s.in(tokens, "at").prepare("DELETE FROM join_tokens WHERE expires_ms <= :at");
        s.run_one();
      }
      statement s{session()};
      s.in(certificates, "at").prepare("DELETE FROM node_certificates WHERE ends_ms <= :at");
      s.run_one();
      return {};
    });
  }

private:
  expected<void> insert(const node_certificate_record& x) {
    const long long begins = x.begins_ms;
    const long long ends = x.ends_ms;
    const long long revoked = x.revoked_ms;
    statement s{session()};
    s.in(x.serial, "serial").in(x.node, "node").in(x.role, "role").in(x.token, "token");
    s.in(begins, "begins").in(ends, "ends").in(revoked, "revoked");
    s.prepare("INSERT INTO node_certificates (serial, node, role, token, begins_ms, ends_ms, revoked_ms)"
              " VALUES (:serial, :node, :role, :token, :begins, :ends, :revoked)");
    s.run_one();
    return {};
  }
};

expected<authority_store> authority_store::open(settings from) {
  auto to = parse_target(from);
  if (!to)
    return tl::unexpected{std::move(to.error())};
  auto result = std::make_unique<impl>(std::move(from), std::move(*to));
  if (auto good = result->begin(migrations()); !good)
    return tl::unexpected{std::move(good.error())};
  return authority_store{std::move(result)};
}

authority_store::authority_store(std::unique_ptr<impl> x) : impl_{std::move(x)} {}

authority_store::authority_store(authority_store&&) noexcept = default;
authority_store& authority_store::operator=(authority_store&&) noexcept = default;
authority_store::~authority_store() = default;

expected<std::optional<authority_record>> authority_store::authority() {
  return impl_->authority();
}

expected<void> authority_store::add(const authority_record& x) {
  return impl_->add(x);
}

expected<std::vector<join_token_record>> authority_store::tokens() {
  return impl_->tokens();
}

expected<void> authority_store::add(const join_token_record& x) {
  return impl_->add(x);
}

expected<void> authority_store::revoke_token(const std::string& id, int64_t at_ms) {
  return impl_->revoke_token(id, at_ms);
}

expected<std::vector<node_certificate_record>> authority_store::certificates() {
  return impl_->certificates();
}

expected<void> authority_store::add(const node_certificate_record& x) {
  return impl_->add(x);
}

expected<void> authority_store::admit(const node_certificate_record& x) {
  return impl_->admit(x);
}

expected<void> authority_store::revoke_node(const std::string& node, int64_t at_ms) {
  return impl_->revoke_node(node, at_ms);
}

expected<void> authority_store::forget(int64_t tokens_ms, int64_t certificates_ms) {
  return impl_->drop(tokens_ms, certificates_ms);
}

} // namespace troupe::store
