// Upload requests: the header as received, and the files that the coordinator creates for it. No file appears outside
// the folder, none is larger than announced, and every occupied place is given back.
#include "http/byte_range.hpp"
#include "http/file_request.hpp"
#include "http/target.hpp"
#include "transfer/upload_registry.hpp"

#include "test/fuzz/fuzz.hpp"
#include "test/support/temporary_folder.hpp"

#include <array>
#include <filesystem>
#include <span>
#include <string>

using namespace troupe;
using fuzz::require;

namespace {

namespace beast = boost::beast;

constexpr uint64_t bytes_max = 4096;
constexpr size_t uploads_max = 4;

/// True if this file name has only one component.
bool is_plain(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name != "." && name != "..";
}

class folder {
public:
  folder() {
    std::filesystem::create_directory(inside);
  }

  void check() const {
    for (auto& entry : std::filesystem::directory_iterator{own.path()})
      require(entry.path() == inside, "nothing appears outside of the folder");
    for (auto& entry : std::filesystem::recursive_directory_iterator{inside})
      require(!entry.is_regular_file() || entry.file_size() <= bytes_max, "no file is larger than allowed");
  }

  test::temporary_folder own;
  const std::string inside = own.path("work");
};

transfer::upload_registry_config config_of(const folder& x) {
  transfer::upload_registry_config result;
  result.secret = "secret";
  result.work_folder = x.inside;
  result.bytes_max = bytes_max;
  result.uploads_max = uploads_max;
  result.client_uploads_max = uploads_max;
  return result;
}

/// A request whose header has been read; empty if the server's parser refuses it.
bool read_header(http::file_request& x, std::string_view text) {
  x.parser = std::make_unique<beast::http::request_parser<beast::http::buffer_body>>();
  x.parser->header_limit(8192);
  beast::error_code failure;
  x.parser->put(boost::asio::buffer(text.data(), text.size()), failure);
  if ((failure && failure != beast::http::error::need_buffer) || !x.parser->is_header_done())
    return false;
  auto target = x.parser->get().target();
  std::string_view whole{target.data(), target.size()};
  auto mark = whole.find('?');
  x.of.query = mark == std::string_view::npos ? std::string{} : std::string{whole.substr(mark + 1)};
  auto path = http::decode_path(whole.substr(0, mark));
  auto named = path ? http::file_target::of(*path) : std::nullopt;
  if (!named)
    return false;
  x.target = *named;
  x.of.idempotency_key = x.field_of("Idempotency-Key");
  return true;
}

void serve(transfer::upload_registry& uploads, http::file_request& x, std::string_view body, std::string& upload) {
  using kind = http::file_target::kind;
  auto attempt = x.parameter("attempt");
  auto bytes = x.number_of("Upload-Length");
  http::read_range(x.field_of("Range"), bytes.value_or(0));
  switch (x.target.what) {
  case kind::uploads:
    if (auto made = bytes ? uploads.create_upload(x.of.idempotency_key, *bytes, x.field_of("Upload-Name"), "client")
                          : transfer::refuse(transfer::reason::malformed, "no size");
        made) {
      require(is_plain(*made), "an upload's id is a file name");
      require(*bytes <= bytes_max, "what is too large is refused");
      upload = *made;
    }
    return;
  case kind::upload: {
    auto to = uploads.upload(x.target.id == "-" ? upload : x.target.id);
    if (!to)
      return;
    auto offset = x.number_of("Upload-Offset");
    if (offset && bytes) {
      auto writer = (*to)->begin(*offset, *bytes);
      if (writer)
        (void)(*to)->append(*writer, std::as_bytes(std::span{body.data(), body.size()}));
    }
    if (auto sum = x.field_of("Upload-Checksum"); bytes && !sum.empty())
      (void)(*to)->finish(*bytes, sum);
    return;
  }
  case kind::chunk:
    require(!uploads.chunk(x.target.id, x.ticket(), x.target.number, x.parameter("file")), "no ticket, no chunk");
    require(!uploads.chunk_upload(x.target.id, x.ticket(), x.target.number, attempt), "no ticket, no upload");
    return;
  case kind::result:
    require(!uploads.result_upload(x.target.id, x.ticket(), attempt), "no ticket, no upload");
    return;
  case kind::source:
    require(!uploads.source(x.target.id, x.ticket()), "no ticket, no source");
    return;
  }
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const folder scratch;
  transfer::upload_registry uploads{config_of(scratch)};
  auto rest = fuzz::text_of(data, size);
  std::string upload;
  // Requests are separated by a byte that no header holds.
  for (int i = 0; i < 8 && !rest.empty(); ++i) {
    auto text = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(text.size() + 1, rest.size()));
    http::file_request x{.target = {}, .of = {}, .socket = {}, .buffer = {}, .parser = {}, .began = {}, .place = {}};
    if (read_header(x, text)) {
      auto end = text.find("\r\n\r\n");
      serve(uploads, x, end == std::string_view::npos ? std::string_view{} : text.substr(end + 4), upload);
    }
  }
  scratch.check();
  if (!upload.empty())
    (void)uploads.drop_upload(upload);
  std::error_code failure;
  std::filesystem::remove_all(scratch.inside, failure);
  std::filesystem::create_directory(scratch.inside, failure);
  return 0;
}
