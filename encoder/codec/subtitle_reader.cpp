// libavcodec gives all text subtitles as events of ASS: "order,layer,style,name,left,right,vertical,effect,text".
#include "encoder/codec/subtitle_reader.hpp"

#include "base/utf8.hpp"
#include "encoder/container.hpp"
#include "encoder/log.hpp"

extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>
#include <utility>

namespace troupe::av {

namespace {

constexpr size_t text_bytes_max = 4096;

/// Of one stream of teletext.
constexpr size_t pages_max = 8;

/// A line of teletext stays until the next one; this long (ticks) at the most.
constexpr int64_t silence_max = 30 * 90'000;

/// Frees the data that a decoder put into an AVSubtitle.
struct subtitle {
  subtitle() = default;
  subtitle(const subtitle&) = delete;
  subtitle& operator=(const subtitle&) = delete;
  ~subtitle() {
    avsubtitle_free(&value);
  }

  AVSubtitle value = {};
};

void append_text(std::string& to, const AVSubtitleRect& from) {
  auto text = from.ass != nullptr    ? plain_text(from.ass)
              : from.text != nullptr ? std::string{from.text}
                                     : std::string{};
  if (!text.empty() && !to.empty())
    to += '\n';
  to += text;
}

} // namespace

std::string plain_text(std::string_view event) {
  constexpr int fields = 8;
  for (auto i = 0; i < fields; ++i) {
    auto comma = event.find(',');
    if (comma == std::string_view::npos)
      return {};
    event.remove_prefix(comma + 1);
  }
  std::string result;
  auto in_code = false;
  for (size_t i = 0; i < event.size() && result.size() < text_bytes_max; ++i) {
    auto c = event[i];
    if (in_code || c == '{') {
      in_code = c != '}';
      continue;
    }
    if (c == '\\' && i + 1 < event.size() && (event[i + 1] == 'N' || event[i + 1] == 'n' || event[i + 1] == 'h')) {
      result += event[++i] == 'h' ? ' ' : '\n';
      continue;
    }
    if (static_cast<unsigned char>(c) >= 0x20 || c == '\n')
      result += c;
  }
  auto is_space = [](char c) { return c == ' ' || c == '\n'; };
  result.erase(std::find_if_not(result.rbegin(), result.rend(), is_space).base(), result.end());
  result.erase(result.begin(), std::find_if_not(result.begin(), result.end(), is_space));
  return result;
}

bool subtitle_reader::reads(AVCodecID codec) {
  auto text = is_text_subtitle(codec) || codec == AV_CODEC_ID_DVB_TELETEXT;
  return text && avcodec_find_decoder(codec) != nullptr;
}

subtitle_reader::subtitle_reader(codec_context_ptr decoder) : decoder_{std::move(decoder)} {}

std::vector<teletext_page> subtitle_pages(const AVCodecParameters& stream, const AVDictionary* words) {
  // libavformat keeps the descriptor (ETSI EN 300 468, 6.2.43): two bytes for each page, and a list of languages.
  constexpr int plain = 2;
  constexpr int for_hard_of_hearing = 5;
  const auto* found = av_dict_get(words, "language", nullptr, 0);
  std::string_view languages{found != nullptr ? found->value : ""};
  std::vector<teletext_page> result;
  for (int i = 0; i + 1 < stream.extradata_size && result.size() < pages_max; i += 2) {
    auto language = languages.substr(0, languages.find(','));
    languages.remove_prefix(std::min(languages.size(), language.size() + 1));
    auto kind = stream.extradata[i] >> 3;
    if (kind != plain && kind != for_hard_of_hearing)
      continue;
    auto magazine = stream.extradata[i] & 7;
    auto page = stream.extradata[i + 1];
    result.push_back(
      {std::to_string(magazine == 0 ? 8 : magazine) + std::to_string(page >> 4 & 0xf) + std::to_string(page & 0xf),
       language.size() == 3 ? std::string{language} : std::string{}});
  }
  return result;
}

expected<subtitle_reader> subtitle_reader::open(const AVCodecParameters& from, const std::string& page) {
  log_capture log;
  auto step = std::string{"read subtitles in "} + avcodec_get_name(from.codec_id);
  const auto* decoder = reads(from.codec_id) ? avcodec_find_decoder(from.codec_id) : nullptr;
  if (decoder == nullptr)
    return fail(errc::unsupported, step + ": they are no text, or there is no decoder");
  codec_context_ptr context{checked(avcodec_alloc_context3(decoder))};
  if (auto code = avcodec_parameters_to_context(context.get(), &from); code < 0)
    return fail(errc::unsupported, step, code);
  context->pkt_timebase = time_base;
  if (from.codec_id == AV_CODEC_ID_DVB_TELETEXT) {
    auto code = av_opt_set(context->priv_data, "txt_page", page.empty() ? "subtitle" : page.c_str(), 0);
    if (code >= 0)
      code = av_opt_set(context->priv_data, "txt_format", "text", 0);
    if (code < 0)
      return fail(errc::unsupported, step, code);
  }
  if (auto code = avcodec_open2(context.get(), decoder, nullptr); code < 0)
    return fail(errc::unsupported, step, code);
  return subtitle_reader{std::move(context)};
}

std::vector<subtitle_text> subtitle_reader::read(const AVPacket& packet) {
  log_capture log;
  std::vector<subtitle_text> result;
  subtitle decoded;
  auto got = 0;
  packet_ptr copy{checked(av_packet_clone(&packet))};
  if (packet.pts == no_pts || packet.size <= 0
      || avcodec_decode_subtitle2(decoder_.get(), &decoded.value, &got, copy.get()) < 0 || got == 0)
    return result;
  auto& x = decoded.value;
  auto made = subtitle_text{packet.pts, {}, {}};
  if (x.pts != AV_NOPTS_VALUE)
    made.pts = av_rescale_q(x.pts, {1, AV_TIME_BASE}, time_base) + int64_t{x.start_display_time} * 90;
  if (packet.duration > 0)
    made.duration = packet.duration;
  else if (x.end_display_time != UINT32_MAX && x.end_display_time > x.start_display_time)
    made.duration = std::min(int64_t{x.end_display_time - x.start_display_time} * 90, silence_max);
  for (unsigned i = 0; i < x.num_rects; ++i)
    append_text(made.text, *x.rects[i]);
  if (!base::is_utf8(made.text))
    made.text.clear();
  // A timed line that shows nothing clears nothing.
  if (!made.text.empty() || !made.duration)
    result.push_back(std::move(made));
  return result;
}

} // namespace troupe::av
