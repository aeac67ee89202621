#include "store/key_store.hpp"

#include "store/database.hpp"
#include "store/statement.hpp"

#include <utility>

namespace troupe::store {

namespace {

std::string lines_of(const std::vector<std::string>& names) {
  std::string result;
  for (auto& x : names)
    result += x + '\n';
  return result;
}

std::vector<std::string> names_of(const std::string& lines) {
  std::vector<std::string> result;
  for (size_t begin = 0, end; (end = lines.find('\n', begin)) != std::string::npos; begin = end + 1)
    result.push_back(lines.substr(begin, end - begin));
  return result;
}

} // namespace

class key_store::impl : public database {
public:
  using database::database;

  expected<std::vector<key_record>> all() {
    return guarded("read the keys", [&]() -> expected<std::vector<key_record>> {
      key_record read;
      std::string channels;
      long long created = 0;
      long long expires = 0;
      long long used = 0;
      long long revoked = 0;
      statement s{session()};
      s.out(read.id).out(read.sha256).out(read.name).out(read.role).out(channels).out(read.made_by);
      s.out(created).out(expires).out(used).out(revoked);
      s.prepare("SELECT id, sha256, name, role, channels, made_by, created_ms, expires_ms, used_ms, revoked_ms"
                " FROM api_keys ORDER BY created_ms, id");
      std::vector<key_record> result;
      s.run_all([&] {
        read.channels = names_of(channels);
        read.created_ms = created;
        read.expires_ms = expires;
        read.used_ms = used;
        read.revoked_ms = revoked;
        result.push_back(read);
      });
      return result;
    });
  }

  expected<void> add(const key_record& x) {
    return guarded("store a key", [&]() -> expected<void> {
      const auto channels = lines_of(x.channels);
      const long long created = x.created_ms;
      const long long expires = x.expires_ms;
      const long long used = x.used_ms;
      const long long revoked = x.revoked_ms;
      transaction all{session(), on().kind};
      {
        statement s{session()};
        s.in(x.id, "id").in(x.sha256, "sha256").in(x.name, "name").in(x.role, "role").in(channels, "channels");
        s.in(x.made_by, "made_by").in(created, "created").in(expires, "expires").in(used, "used");
        s.in(revoked, "revoked");
        s.prepare("INSERT INTO api_keys (id, sha256, name, role, channels, made_by, created_ms, expires_ms, used_ms,"
                  " revoked_ms) VALUES (:id, :sha256, :name, :role, :channels, :made_by, :created, :expires, :used,"
                  " :revoked)");
        s.run_one();
      }
      all.commit();
      return {};
    });
  }

  expected<void> update(const std::string& id, int64_t used_ms, int64_t revoked_ms) {
    return guarded("change a key", [&]() -> expected<void> {
      const long long used = used_ms;
      const long long revoked = revoked_ms;
      std::string changed;
      transaction all{session(), on().kind};
      {
        statement s{session()};
        s.in(used, "used").in(revoked, "revoked").in(id, "id").out(changed);
        s.prepare("UPDATE api_keys SET used_ms = :used, revoked_ms = :revoked WHERE id = :id RETURNING id");
        if (!s.run_one())
          return tl::unexpected{error{error_kind::not_found, "there is no key " + id}};
      }
      all.commit();
      return {};
    });
  }
};

expected<key_store> key_store::open(settings from) {
  auto to = parse_target(from);
  if (!to)
    return tl::unexpected{std::move(to.error())};
  auto result = std::make_unique<impl>(std::move(from), std::move(*to));
  if (auto good = result->begin(migrations()); !good)
    return tl::unexpected{std::move(good.error())};
  return key_store{std::move(result)};
}

key_store::key_store(std::unique_ptr<impl> x) : impl_{std::move(x)} {}

key_store::key_store(key_store&&) noexcept = default;
key_store& key_store::operator=(key_store&&) noexcept = default;
key_store::~key_store() = default;

expected<std::vector<key_record>> key_store::all() {
  return impl_->all();
}

expected<void> key_store::add(const key_record& x) {
  return impl_->add(x);
}

expected<void> key_store::update(const std::string& id, int64_t used_ms, int64_t revoked_ms) {
  return impl_->update(id, used_ms, revoked_ms);
}

} // namespace troupe::store
