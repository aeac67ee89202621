#include "http/file_client.hpp"

#include "actors/jobs/job_text.hpp"
#include "base/identity.hpp"
#include "config/waits.hpp"
#include "http/ask.hpp"
#include "http/byte_range.hpp"
#include "http/problem.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace troupe::http {

namespace {

namespace beast = boost::beast;
using beast::http::field;

constexpr size_t slice_bytes = 256 * 1024;
constexpr std::string_view go_ahead = "HTTP/1.1 100 Continue\r\n\r\n";

bool is_reading(verb x) {
  return x == verb::get || x == verb::head;
}

} // namespace

file_client::file_client(loop& in, service_ptr shared, std::shared_ptr<file_request> x)
  : loop_(in), shared_(std::move(shared)), request_(std::move(x)), socket_(loop_.context()) {}

void file_client::start() {
  error_code failure;
  // The family matters only to sockets that are still to be opened.
  socket_.assign({AF_UNSPEC, 0}, request_->socket.get(), failure);
  if (failure)
    return;
  request_->socket.release();
  loop_.add(shared_from_this());
  expire_after(shared_->config.write_timeout);
  dispatch();
}

void file_client::dispatch() {
  using enum file_target::kind;
  auto method = request_->of.method;
  auto& target = request_->target;
  auto changes = method == verb::patch || method == verb::put;
  if (!shared_->config.files)
    return refuse(status::not_found, "unknown_path", "this server keeps no files");
  auto& registry = *shared_->config.files;
  auto attempt = request_->parameter("attempt");
  auto brings = changes || (method == verb::head && !attempt.empty());
  if (target.what == uploads && method == verb::post)
    return create_upload();
  if (target.what == upload && (changes || method == verb::head))
    return this->upload(registry.upload(target.id));
  if (target.what == upload && method == verb::delete_) {
    auto done = registry.drop_upload(target.id);
    return done ? answer({status::no_content, {}, {}, {}}) : refuse(done.error());
  }
  if (target.what == chunk && brings)
    return this->upload(registry.chunk_upload(target.id, request_->ticket(), target.number, attempt));
  if (target.what == result && brings)
    return this->upload(registry.result_upload(target.id, request_->ticket(), attempt));
  if (target.what == result && method == verb::delete_)
    return drop_result();
  if (is_reading(method) && target.what != upload && target.what != uploads)
    return download();
  refuse(status::method_not_allowed, "method", "this path does not support that method");
}

// -- downloads ----------------------------------------------------------------

void file_client::download() {
  auto& target = request_->target;
  auto& registry = *shared_->config.files;
  if (target.what == file_target::kind::result)
    return download_result();
  if (target.what == file_target::kind::source) {
    auto source = registry.source(target.id, request_->ticket());
    return source ? serve(std::move(*source)) : refuse(source.error());
  }
  auto path = registry.chunk(target.id, request_->ticket(), target.number, request_->parameter("file"));
  if (!path)
    return refuse(path.error());
  serve(base::descriptor{::open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)});
}

template <class Then>
void file_client::with_job(Then then) {
  auto id = parse_job_id(request_->target.id);
  if (!id)
    return answer(problem(ec::unknown_job, "a job's id is 32 hexadecimal digits; see /api/v1/jobs", request_->of.id));
  phase_ = phase::asking;
  expire_after(config::defaults::outer_wait(shared_->config.ask_timeout));
  auto take = [mail = loop_.mail(), weak = std::weak_ptr<peer>{shared_from_this()},
               then](caf::expected<job_details> x) {
    mail->post([weak, then, x = std::make_shared<caf::expected<job_details>>(std::move(x))] {
      auto me = std::static_pointer_cast<file_client>(weak.lock());
      if (!me || me->phase_ != phase::asking)
        return;
      if (!*x)
        return me->answer(problem(x->error(), me->request_->of.id));
      auto order = to_order((**x).job.request);
      if (!order)
        return me->refuse(status::not_found, "unknown_file", "the job's request cannot be read any more");
      then(*me, (**x).job, order->output);
    });
  };
  ask<job_details>(shared_->system, shared_->gateway, shared_->config.ask_timeout, std::move(take), job_atom_v, *id);
}

void file_client::download_result() {
  with_job([](file_client& me, const store::job& job, const std::string& path) {
    if (job.state != job_state::completed)
      return me.refuse(status::conflict, "not_completed",
                       "the job is " + to_string(job.state) + ": it has a result when it is completed");
    // Others may write to the folder: serve only the file that was published, not the one now behind its name.
    auto identity = published_identity(job.result);
    if (!identity)
      return me.refuse(status::not_found, "unknown_file", "it is not known which file is this job's result");
    me.serve(base::descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)}, *identity);
  });
}

void file_client::drop_result() {
  with_job([](file_client& me, const store::job&, const std::string& path) {
    if (!me.shared_->config.files->drop_result(path))
      return me.refuse(status::conflict, "not_kept", "the coordinator does not own this result: it is not deleted");
    me.answer({status::no_content, {}, {}, {}});
  });
}

bool file_client::still_wanted(const std::string& etag) {
  auto quoted = "\"" + etag + "\"";
  auto wanted = request_->field_of("If-Match");
  if (wanted.empty() || wanted == "*" || wanted == quoted)
    return true;
  refuse({transfer::reason::changed, "the file is not the one that was asked for: it has changed"});
  return false;
}

void file_client::serve(base::descriptor file, const std::string& identity) {
  file_ = std::move(file);
  struct stat found {};
  auto etag = file_ ? base::identity_of(file_.get()) : std::nullopt;
  if (!etag || ::fstat(file_.get(), &found) != 0)
    return refuse(status::not_found, "unknown_file", "the coordinator has no such file, or cannot read it");
  if (!identity.empty() && identity != *etag)
    return refuse(status::not_found, "unknown_file",
                  "the file there is not the published one: it was changed or replaced");
  if (!still_wanted(*etag))
    return;
  etag_ = *etag;
  auto size = static_cast<uint64_t>(found.st_size);
  end_ = size;
  slice_.resize(slice_bytes);
  if (request_->of.method == verb::head && request_->parameter("digest") == "1") {
    phase_ = phase::hashing;
    return hash_slice();
  }
  auto range = request_->field_of("Range");
  auto only_if = request_->field_of("If-Range");
  if (request_->of.method != verb::get || (!only_if.empty() && only_if != "\"" + etag_ + "\""))
    range.clear();
  auto wanted = read_range(range, size);
  if (wanted.kind == range_kind::unsatisfiable) {
    auto no = problem(status::range_not_satisfiable, "range", "the requested range begins after the end of the file",
                      request_->of.id);
    no.fields.emplace_back("Content-Range", "bytes */" + std::to_string(size));
    return answer(std::move(no));
  }
  if (wanted.kind == range_kind::whole)
    return send_head(status::ok, size, etag_, {});
  at_ = wanted.part.first;
  end_ = at_ + wanted.part.size;
  send_head(status::partial_content, wanted.part.size, etag_,
            "bytes " + std::to_string(at_) + "-" + std::to_string(end_ - 1) + "/" + std::to_string(size));
}

void file_client::hash_slice() {
  auto n = ::pread(file_.get(), slice_.data(), std::min<uint64_t>(slice_.size(), end_ - at_), static_cast<off_t>(at_));
  if (n < 0 || (n == 0 && at_ < end_))
    return refuse(status::internal_server_error, "internal", "the file cannot be read");
  hash_.add(std::as_bytes(std::span{slice_.data(), static_cast<size_t>(n)}));
  at_ += static_cast<uint64_t>(n);
  if (at_ == end_)
    return send_head(status::ok, end_, etag_, {});
  // Other clients get their turn in between.
  expire_after(shared_->config.write_timeout);
  boost::asio::post(loop_.context(), [me = self(this)] {
    if (me->phase_ == phase::hashing)
      me->hash_slice();
  });
}

void file_client::send_head(status code, uint64_t length, const std::string& etag, std::string content_range) {
  auto hashed = phase_ == phase::hashing;
  phase_ = phase::sending;
  status_ = static_cast<unsigned>(code);
  shared_->counters->count_response(status_);
  reply x{code, "application/octet-stream", {}, {{"Accept-Ranges", "bytes"}, {"ETag", "\"" + etag + "\""}}};
  if (!content_range.empty())
    x.fields.emplace_back("Content-Range", std::move(content_range));
  if (hashed)
    x.fields.emplace_back("File-SHA256", hash_.digest());
  auto head = make_response(std::move(x), request_->of, request_->parser->get().version(), false);
  head.content_length(length);
  std::ostringstream text;
  text << head.base();
  head_ = std::move(text).str();
  if (request_->of.method == verb::head)
    at_ = end_;
  boost::asio::async_write(socket_, boost::asio::buffer(head_), [me = self(this)](const error_code& failure, size_t n) {
    if (me->phase_ != phase::sending)
      return;
    me->sent_bytes_ += n;
    if (failure)
      return me->hang_up(failure.message(), false);
    me->send_slice();
  });
}

void file_client::send_slice() {
  if (at_ == end_)
    return hang_up({}, true);
  auto n = ::pread(file_.get(), slice_.data(), std::min<uint64_t>(slice_.size(), end_ - at_), static_cast<off_t>(at_));
  if (n <= 0)
    return hang_up("the file became shorter, or cannot be read", false);
  at_ += static_cast<uint64_t>(n);
  expire_after(shared_->config.write_timeout);
  boost::asio::async_write(socket_, boost::asio::buffer(slice_.data(), static_cast<size_t>(n)),
                           [me = self(this)](const error_code& failure, size_t sent) {
                             me->sent_bytes_ += sent;
                             me->shared_->counters->sent_bytes += sent;
                             if (me->phase_ != phase::sending)
                               return;
                             if (failure)
                               return me->hang_up(failure.message(), false);
                             me->send_slice();
                           });
}

// -- uploads ------------------------------------------------------------------

void file_client::create_upload() {
  auto bytes = request_->number_of("Upload-Length");
  auto made =
    bytes ? shared_->config.files->create_upload(
      request_->of.idempotency_key, *bytes, request_->field_of("Upload-Name"), core::client_name(request_->of.from))
          : transfer::refuse(transfer::reason::malformed, "an upload must state its size: Upload-Length: BYTES");
  if (!made)
    return refuse(made.error());
  answer({status::created, {}, {}, {{"Location", "/api/v1/uploads/" + *made}, {"Upload-Id", *made}}});
}

void file_client::upload(transfer::answer<std::shared_ptr<transfer::incoming>> to) {
  if (!to)
    return refuse(to.error());
  incoming_ = std::move(*to);
  if (request_->of.method == verb::put)
    return finish_upload();
  if (request_->of.method == verb::patch)
    return append();
  auto size = incoming_->resume();
  if (!size)
    return refuse(size.error());
  answer({status::ok, {}, {}, {{"Upload-Offset", std::to_string(*size)}}});
}

void file_client::finish_upload() {
  auto bytes = request_->number_of("Upload-Length");
  auto checksum = request_->field_of("Upload-Checksum");
  constexpr std::string_view kind = "sha256 ";
  if (!bytes || !checksum.starts_with(kind))
    return refuse(status::bad_request, "invalid_argument",
                  "an upload ends with Upload-Length: BYTES and Upload-Checksum: sha256 DIGITS");
  auto done = incoming_->finish(*bytes, checksum.substr(kind.size()));
  if (!done)
    return refuse(done.error());
  answer({status::no_content, {}, {}, {}});
}

void file_client::append() {
  auto offset = request_->number_of("Upload-Offset");
  auto bytes = request_->number_of("Upload-Length");
  if (!offset || !bytes)
    return refuse(status::bad_request, "invalid_argument",
                  "a part must state its offset and the total size: Upload-Offset and Upload-Length");
  auto writer = incoming_->begin(*offset, *bytes);
  if (!writer)
    return refuse(writer.error());
  writer_ = *writer;
  auto expects = beast::iequals(request_->parser->get()[field::expect], "100-continue");
  phase_ = phase::receiving;
  request_->parser->body_limit(*bytes - *offset + 1);
  slice_.resize(slice_bytes);
  if (!expects)
    return receive();
  boost::asio::async_write(socket_, boost::asio::buffer(go_ahead),
                           [me = self(this)](const error_code& failure, size_t) {
                             if (me->phase_ != phase::receiving)
                               return;
                             if (failure)
                               return me->hang_up(failure.message(), false);
                             me->receive();
                           });
}

void file_client::receive() {
  if (request_->parser->is_done())
    return go_on();
  expire_after(shared_->config.write_timeout);
  auto& body = request_->parser->get().body();
  body.data = slice_.data();
  body.size = slice_.size();
  body.more = true;
  beast::http::async_read_some(socket_, request_->buffer, *request_->parser,
                               [me = self(this)](const error_code& failure, size_t) { me->on_received(failure); });
}

void file_client::on_received(const error_code& failure) {
  if (phase_ != phase::receiving)
    return;
  // Bytes received before an interruption are kept: the client resumes from there.
  auto got = slice_.size() - request_->parser->get().body().size;
  auto kept = incoming_->append(writer_, std::as_bytes(std::span{slice_.data(), got}));
  if (failure && failure != beast::http::error::need_buffer && failure != beast::http::error::body_limit)
    return hang_up(failure.message(), false);
  if (!kept)
    return refuse(kept.error());
  if (failure == beast::http::error::body_limit)
    return refuse(status::payload_too_large, "limit", "more data arrived than was announced");
  if (!keeps_pace(got))
    return refuse(status::request_timeout, "timeout",
                  "the upload is too slow; the received part is kept: resume from there");
  receive();
}

bool file_client::keeps_pace(size_t got) {
  received_bytes_ += got;
  auto now = clock::now();
  if (now < window_end_)
    return true;
  auto first = window_end_ == clock::time_point{};
  auto enough = received_bytes_ >= window_bytes_;
  window_end_ = now + shared_->config.upload_window;
  window_bytes_ = received_bytes_ + shared_->config.upload_window_bytes;
  return first || enough || request_->parser->is_done();
}

void file_client::go_on() {
  auto size = incoming_->size();
  if (!size)
    return refuse(size.error());
  answer({status::no_content, {}, {}, {{"Upload-Offset", std::to_string(*size)}}});
}

// -- ends ---------------------------------------------------------------------

void file_client::refuse(const transfer::refusal& why) {
  // Transfers are not counted, but guesses of tickets are.
  auto guesses = why.reason == transfer::reason::unauthorized || why.reason == transfer::reason::forbidden;
  auto crowd = guesses ? shared_->door->count(request_->of, clock::now()) : std::nullopt;
  answer(crowd ? std::move(*crowd) : problem(why, request_->of.id));
}

void file_client::refuse(status code, std::string_view word, std::string_view detail) {
  answer(problem(code, word, detail, request_->of.id));
}

void file_client::answer(reply x) {
  phase_ = phase::replying;
  expire_after(shared_->config.write_timeout);
  auto version = request_->parser->get().version();
  response_ = make_response(std::move(x), request_->of, version, false);
  status_ = response_->result_int();
  shared_->counters->count_response(status_);
  beast::http::async_write(socket_, *response_, [me = self(this)](const error_code& failure, size_t n) {
    me->sent_bytes_ += n;
    me->shared_->counters->sent_bytes += n;
    if (me->phase_ == phase::replying)
      me->hang_up(failure ? failure.message() : std::string{}, !failure);
  });
}

void file_client::deadline_passed() {
  if (phase_ == phase::asking)
    return refuse(status::gateway_timeout, "timeout", "the coordinator did not answer in time; try again");
  hang_up("no data moves any more", false);
}

void file_client::shut_down() {
  if (phase_ != phase::replying)
    hang_up("the server stops", false);
}

void file_client::hang_up(std::string note, bool politely) {
  auto me = shared_from_this();
  phase_ = phase::closed;
  auto method = beast::http::to_string(request_->of.method);
  access_record record{request_->of.id,
                       request_->of.remote,
                       {method.data(), method.size()},
                       request_->of.target,
                       {},
                       {},
                       status_,
                       sent_bytes_,
                       {},
                       std::move(note)};
  record.duration = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - request_->began);
  write_log(*shared_, std::move(record));
  if (politely) {
    linger(loop_, std::move(socket_));
  } else {
    error_code failure;
    socket_.close(failure);
  }
  loop_.remove(me);
}

} // namespace troupe::http
