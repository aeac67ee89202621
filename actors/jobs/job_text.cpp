#include "actors/jobs/job_text.hpp"

#include "base/path_text.hpp"
#include "messages/type_ids.hpp"

#include <caf/json_reader.hpp>
#include <caf/json_writer.hpp>

namespace troupe {

namespace {

template <class T>
std::string written(const T& x) {
  caf::json_writer out;
  return out.apply(x) ? std::string{out.str().data(), out.str().size()} : std::string{};
}

} // namespace

std::string to_text(const file_order& x) {
  auto as_text = x;
  as_text.input = base::to_path_text(x.input);
  as_text.output = base::to_path_text(x.output);
  return written(as_text);
}

std::string to_text(const file_published& x) {
  return written(x);
}

std::optional<std::string> published_identity(const std::string& text) {
  caf::json_reader in;
  file_published result;
  if (!in.load(caf::string_view{text.data(), text.size()}) || !in.apply(result) || result.identity.empty())
    return {};
  return std::move(result.identity);
}

std::optional<file_order> to_order(const std::string& text) {
  caf::json_reader in;
  file_order result;
  // CAF's reader appends to the texts that it finds.
  for (auto* preset :
       {&result.video.codec, &result.video.fit, &result.video.deinterlace, &result.audio.codec, &result.audio.others})
    preset->clear();
  if (!in.load(caf::string_view{text.data(), text.size()}) || !in.apply(result))
    return {};
  for (auto* path : {&result.input, &result.output}) {
    auto read = base::from_path_text(*path);
    if (!read)
      return {};
    *path = std::move(*read);
  }
  return result;
}

std::string part_name(const file_work& x) {
  if (auto* chunk = std::get_if<chunk_work>(&x.work))
    return (chunk->kind == chunk_kind::video ? "chunk " : "sound, chunk ") + std::to_string(chunk->number);
  return std::holds_alternative<probe_work>(x.work) ? "probe" : "assembly";
}

} // namespace troupe
