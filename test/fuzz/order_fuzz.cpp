// Orders of file jobs as clients may send them: any text as the body, and JSON whose names and values come from the
// input. An order is either accepted completely and within the limits, or refused with a message of bounded length. The
// same holds for the query of a list.
#include "http/jobs.hpp"
#include "http/json_body.hpp"

#include "test/fuzz/fuzz.hpp"

#include <array>
#include <string>
#include <vector>

#include <boost/json/serialize.hpp>

using namespace troupe;
using fuzz::require;

namespace {

/// Refusals quote the refused text, cut to a bound.
constexpr size_t refusal_bytes_max = 4096;

constexpr std::array known = {"input",   "output",  "container",  "preset", "profile",  "video",       "audio",
                              "chunk",   "limits",  "overwrite",  "name",   "priority", "queue",       "callback",
                              "codec",   "options", "bitrate",    "height", "width",    "fps",         "fit",
                              "seconds", "frames",  "max_memory", "memory", "crf",      "x264-params", "channels"};

/// Takes pieces of the input, one after the other.
class pieces {
public:
  explicit pieces(std::string_view rest) : rest_{rest} {}

  bool empty() const {
    return rest_.empty();
  }

  uint8_t byte() {
    if (rest_.empty())
      return 0;
    auto result = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return result;
  }

  std::string text() {
    auto size = std::min<size_t>(byte(), rest_.size());
    std::string result{rest_.substr(0, size)};
    rest_.remove_prefix(size);
    return result;
  }

private:
  std::string_view rest_;
};

boost::json::value value_of(pieces& from, int depth);

boost::json::object object_of(pieces& from, int depth) {
  boost::json::object result;
  for (auto n = from.byte() % 16; n > 0 && !from.empty(); --n) {
    auto kind = from.byte();
    auto name = kind < 200 ? std::string{known[kind % known.size()]} : from.text();
    result[boost::json::string_view{name.data(), name.size()}] = value_of(from, depth + 1);
  }
  return result;
}

boost::json::value value_of(pieces& from, int depth) {
  switch (from.byte() % 7) {
  case 0:
    return static_cast<int64_t>(from.byte()) << from.byte() % 56;
  case 1:
    return from.byte() / 7.0;
  case 2:
    return from.byte() % 2 == 0;
  case 3:
    return nullptr;
  case 4:
    return depth > 40 ? boost::json::value{} : boost::json::value(object_of(from, depth));
  case 5:
    return boost::json::array{from.byte()};
  default: {
    auto text = from.text();
    return boost::json::string(text.data(), text.size());
  }
  }
}

void check(std::string_view body) {
  static const std::vector<profile> profiles{{"small", {}, {}}};
  auto order = http::read_submission(body, profiles);
  if (!order) {
    require(!order.error().empty(), "a refusal says why");
    require(order.error().size() <= refusal_bytes_max, "a refusal is short");
    return;
  }
  auto& x = order->order;
  require(!x.input.empty() && !x.output.empty() && !x.container.empty(), "an order names its files and container");
  require(x.input.find('\0') == std::string::npos && x.output.find('\0') == std::string::npos, "a path is one");
  require(x.input != x.output, "the input is never the output");
  require(order->name.size() <= 255, "a name is short");
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0)
    return 0;
  auto text = fuzz::text_of(data + 1, size - 1);
  if (data[0] % 3 == 0) {
    check(text);
  } else if (data[0] % 3 == 1) {
    pieces from{text};
    auto body = object_of(from, 0);
    body["input"] = "/films/a.mkv";
    body["output"] = "/films/b.mp4";
    check(boost::json::serialize(body));
  } else if (auto question = http::read_question(text)) {
    require(question->rows >= 1 && question->rows <= 1000, "a page is bounded");
  } else {
    require(!question.error().empty() && question.error().size() <= refusal_bytes_max, "a refusal is short");
  }
  return 0;
}
