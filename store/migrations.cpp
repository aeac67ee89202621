#include "store/migrations.hpp"

#include <array>

namespace troupe::store {

namespace {

using namespace std::string_view_literals;

// Short columns first: a scan in SQLite then stops before the long texts, and never reads their pages. The index of
// times includes the name, so that a search in names reads only the index.
constexpr std::array version_1{
  R"(CREATE TABLE jobs (
  number SERIAL_KEY,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  previous_state TEXT NOT NULL,
  queue TEXT NOT NULL,
  priority BIGINT NOT NULL,
  submitted_ms BIGINT NOT NULL,
  started_ms BIGINT NOT NULL DEFAULT 0,
  ended_ms BIGINT NOT NULL DEFAULT 0,
  not_before_ms BIGINT NOT NULL DEFAULT 0,
  attempt BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0,
  progress_ppm BIGINT NOT NULL DEFAULT 0,
  failure TEXT NOT NULL DEFAULT 'none',
  worker TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL,
  search_name TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  callback_url TEXT NOT NULL,
  excluded_workers TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL DEFAULT '',
  request TEXT NOT NULL,
  result TEXT NOT NULL DEFAULT ''))"sv,
  "CREATE UNIQUE INDEX jobs_by_key ON jobs (idempotency_key) WHERE idempotency_key <> ''"sv,
  "CREATE INDEX jobs_by_time ON jobs (submitted_ms, number, search_name)"sv,
  "CREATE INDEX jobs_by_state ON jobs (state, submitted_ms, number)"sv,
  "CREATE INDEX jobs_by_queue ON jobs (queue, submitted_ms, number)"sv,
  "CREATE INDEX jobs_open ON jobs (priority, number) WHERE ended_ms = 0"sv,
  R"(CREATE TABLE chunks (
  job BIGINT NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
  number BIGINT NOT NULL,
  kind TEXT NOT NULL,
  from_pts BIGINT NOT NULL,
  to_pts BIGINT NOT NULL,
  state TEXT NOT NULL,
  previous_state TEXT NOT NULL,
  attempt BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0,
  worker TEXT NOT NULL DEFAULT '',
  file TEXT NOT NULL DEFAULT '',
  bytes BIGINT NOT NULL DEFAULT 0,
  sha256 TEXT NOT NULL DEFAULT '',
  frames BIGINT NOT NULL DEFAULT 0,
  first_pts BIGINT NOT NULL DEFAULT 0,
  last_pts BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (job, number)))"sv,
  R"(CREATE TABLE history (
  number SERIAL_KEY,
  job BIGINT NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
  chunk BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  why TEXT NOT NULL,
  node TEXT NOT NULL,
  attempt BIGINT NOT NULL))"sv,
  "CREATE INDEX history_by_job ON history (job, number)"sv,
  // The number of jobs in each state. Every transaction that moves a job updates it, because counting would read all
  // jobs.
  R"(CREATE TABLE job_counts (
  queue TEXT NOT NULL,
  state TEXT NOT NULL,
  jobs BIGINT NOT NULL,
  PRIMARY KEY (queue, state)))"sv,
};

// The lines of jobs' logs, and the callbacks that are due. Few callbacks wait at a time, so their rows have an index of
// their own.
constexpr std::array version_2{
  R"(CREATE TABLE logs (
  number SERIAL_KEY,
  job BIGINT NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
  at_ms BIGINT NOT NULL,
  level TEXT NOT NULL,
  part TEXT NOT NULL,
  line TEXT NOT NULL))"sv,
  "CREATE INDEX logs_by_job ON logs (job, number)"sv,
  R"(CREATE TABLE callbacks (
  delivery BIGINT NOT NULL PRIMARY KEY,
  job BIGINT NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
  ended_ms BIGINT NOT NULL,
  tries BIGINT NOT NULL DEFAULT 0,
  not_before_ms BIGINT NOT NULL DEFAULT 0,
  done_ms BIGINT NOT NULL DEFAULT 0,
  note TEXT NOT NULL DEFAULT ''))"sv,
  "CREATE INDEX callbacks_by_job ON callbacks (job)"sv,
  "CREATE INDEX callbacks_open ON callbacks (not_before_ms, delivery) WHERE done_ms = 0"sv,
};

// The keys of the HTTP interface. Only the hash of a key is stored. The names of channels are one text, a name a line.
constexpr std::array version_3{
  R"(CREATE TABLE api_keys (
  id TEXT NOT NULL PRIMARY KEY,
  sha256 TEXT NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  channels TEXT NOT NULL,
  made_by TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL DEFAULT 0,
  used_ms BIGINT NOT NULL DEFAULT 0,
  revoked_ms BIGINT NOT NULL DEFAULT 0))"sv,
};

// Who changed what over HTTP. The program numbers the rows, in order. Those that prove no role have an index of their
// own, because there are fewer of them and they have a bound of their own.
constexpr std::array version_4{
  R"(CREATE TABLE audit (
  number BIGINT NOT NULL PRIMARY KEY,
  at_ms BIGINT NOT NULL,
  key_id TEXT NOT NULL,
  key_name TEXT NOT NULL,
  caller_role TEXT NOT NULL,
  address TEXT NOT NULL,
  request TEXT NOT NULL,
  method TEXT NOT NULL,
  route TEXT NOT NULL,
  target TEXT NOT NULL,
  made TEXT NOT NULL,
  status BIGINT NOT NULL))"sv,
  "CREATE INDEX audit_by_time ON audit (at_ms)"sv,
  "CREATE INDEX audit_of_nobody ON audit (number) WHERE caller_role = ''"sv,
};

// The cluster's own authority, whose key is encrypted; the tokens by which nodes join, of which only the secret's hash
// is stored; and the certificates that nodes have.
constexpr std::array version_5{
  R"(CREATE TABLE cluster_authority (
  number BIGINT NOT NULL PRIMARY KEY,
  certificate TEXT NOT NULL,
  sealed_key TEXT NOT NULL))"sv,
  R"(CREATE TABLE join_tokens (
  id TEXT NOT NULL PRIMARY KEY,
  sha256 TEXT NOT NULL,
  role TEXT NOT NULL,
  made_by TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  uses_max BIGINT NOT NULL,
  uses BIGINT NOT NULL DEFAULT 0,
  revoked_ms BIGINT NOT NULL DEFAULT 0))"sv,
  R"(CREATE TABLE node_certificates (
  serial TEXT NOT NULL PRIMARY KEY,
  node TEXT NOT NULL,
  role TEXT NOT NULL,
  token TEXT NOT NULL,
  begins_ms BIGINT NOT NULL,
  ends_ms BIGINT NOT NULL,
  revoked_ms BIGINT NOT NULL DEFAULT 0))"sv,
  "CREATE INDEX node_certificates_by_node ON node_certificates (node)"sv,
};

constexpr std::array steps{migration{1, version_1}, migration{2, version_2}, migration{3, version_3},
                           migration{4, version_4}, migration{5, version_5}};

} // namespace

std::span<const migration> migrations() {
  return steps;
}

} // namespace troupe::store
