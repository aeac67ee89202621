#include "packaging/adts.hpp"

#include "packaging/samples.hpp"

namespace troupe {

std::optional<adts_header> adts_of(std::span<const std::byte> bytes) {
  auto at = [&](size_t i) { return std::to_integer<uint32_t>(bytes[i]); };
  if (bytes.size() < 7 || at(0) != 0xff || (at(1) & 0xf6) != 0xf0)
    return std::nullopt;
  auto size = (at(1) & 1) != 0 ? size_t{7} : size_t{9};
  if (bytes.size() < size)
    return std::nullopt;
  return adts_header{(at(1) & 8) << 16 | (at(2) & 0xfd) << 8 | (at(3) & 0xc0), size, (at(6) & 3) == 0};
}

av::expected<std::vector<std::byte>> config_of_adts(const AVCodecParameters& p, std::span<const std::byte> bytes) {
  constexpr auto step = "read an ADTS header";
  AVBSFContext* made = nullptr;
  if (auto rc = av_bsf_alloc(av_bsf_get_by_name("aac_adtstoasc"), &made); rc < 0)
    return av::fail(av::errc::unsupported, step, rc);
  av::bitstream_filter_ptr filter{made};
  auto rc = avcodec_parameters_copy(made->par_in, &p);
  if (rc >= 0)
    rc = av_bsf_init(made);
  auto packet = av::make_packet();
  borrow(*packet, sample{}, bytes);
  if (rc >= 0)
    rc = av_bsf_send_packet(made, packet.get());
  if (rc >= 0)
    rc = av_bsf_receive_packet(made, packet.get());
  if (rc < 0)
    return av::fail(av::errc::media, step, rc);
  size_t size = 0;
  const auto* found = av_packet_get_side_data(packet.get(), AV_PKT_DATA_NEW_EXTRADATA, &size);
  auto first = reinterpret_cast<const std::byte*>(found);
  return std::vector<std::byte>{first, first + size};
}

} // namespace troupe
