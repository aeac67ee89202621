// The tables. Names and ranges are those of libavcodec 59's encoders, as listed by `ffmpeg -h encoder=NAME`.
#include "encoder/codec/encoder_table.hpp"

#include <algorithm>

namespace troupe::av {

namespace {

constexpr encoder_family families[] = {
  {"libx264 libx264rgb", "preset", "tune", "profile", "level", "crf", true, "forced-idr=1",
   "x264-params:mastering-display", "x264-params:cll", "", "x264-params:ratetol=0.1", "sc_threshold=0"},
  {"libx265", "preset", "tune", "profile", "x265-params:level-idc", "crf", true,
   "forced-idr=1 x265-params=log-level=none", "x265-params:master-display", "x265-params:max-cll", "x265-params:pools",
   "", "x265-params:scenecut=0"},
  {"libsvtav1", "preset", "svtav1-params:tune", "profile", "level", "crf", false, "", "svtav1-params:mastering-display",
   "svtav1-params:content-light", "svtav1-params:lp"},
  {"libvpx libvpx-vp9", "cpu-used", "tune", "profile", "level", "crf", false, ""},
  {"libaom-av1", "cpu-used", "tune", "profile", "level", "crf", false, "", "", "", "", "", "usage=realtime"},
  {"librav1e", "speed", "rav1e-params:tune", "profile", "level", "qp", false, ""},
  {"*_nvenc", "preset", "tune", "profile", "level", "cq", true, "forced-idr=1", "", "", "", "", "no-scenecut=1"},
  {"vp8_vaapi vp9_vaapi av1_vaapi", "compression_level", "", "profile", "level", "global_quality", false, ""},
  {"*_vaapi", "compression_level", "", "profile", "level", "qp", true, ""},
  {"*_qsv", "preset", "", "profile", "level", "global_quality", true, "forced_idr=1"},
  {"*_v4l2m2m *_omx", "", "", "profile", "level", "", false, ""},
  // In these encoders, a closed GOP excludes scene cut detection.
  {"mpeg1video mpeg2video", "", "", "profile", "level", "qscale", true, "sc_threshold=1000000000"},
  {"mpeg4 msmpeg4v2 msmpeg4 h263 h263p flv wmv1 wmv2 rv10 rv20", "", "", "profile", "level", "qscale", true,
   "sc_threshold=1000000000"},
  {"libxvid", "", "", "profile", "level", "qscale", true, ""},
  {"mjpeg speedhq", "", "", "", "", "qscale", false, "sc_threshold=1000000000"},
  {"libtheora ljpeg libwebp libwebp_anim snow", "", "", "", "", "qscale", false, ""},
  {"prores prores_aw prores_ks", "", "", "profile", "", "qscale", false, ""},
  {"dnxhd cfhd", "", "", "profile", "", "", false, ""},
};

constexpr encoder_family general{"", "", "", "profile", "level", "qscale", false, ""};

struct preference {
  std::string_view codec;
  std::string_view encoders;
};

// Software first, because it works wherever the library is. The scheduler requests proven hardware encoders by name.
constexpr preference preferences[] = {
  {"h264", "libx264 h264_nvenc h264_qsv h264_vaapi h264_v4l2m2m"},
  {"hevc", "libx265 hevc_nvenc hevc_qsv hevc_vaapi hevc_v4l2m2m"},
  {"av1", "libsvtav1 libaom-av1 librav1e av1_nvenc av1_qsv"},
  {"vp9", "libvpx-vp9 vp9_qsv vp9_vaapi"},
  {"vp8", "libvpx vp8_vaapi"},
  {"mpeg2video", "mpeg2video mpeg2_qsv mpeg2_vaapi"},
  {"mpeg4", "mpeg4 libxvid"},
  {"prores", "prores_ks prores"},
  {"aac", "libfdk_aac aac"},
  {"opus", "libopus"},
  {"vorbis", "libvorbis"},
  {"mp3", "libmp3lame libshine"},
  {"mp2", "mp2 libtwolame"},
  {"ac3", "ac3"},
  {"jpeg2000", "libopenjpeg jpeg2000"},
};

constexpr std::string_view allowed_options =
  "b_qfactor b_qoffset b_sensitivity b_strategy bidir_refine bluray-compat b-bias b-pyramid b_adapt b_depth b_ref_mode bufsize "
  "cmp coder compression_level cplxblur crf_max brd_scale cutoff dark_mask dct deblock dia_size direct-pred ec "
  "fast-pskip flags2 i_qfactor i_qoffset intra-refresh intra_penalty intra_vlc keyint_min last_pred lmax lmin "
  "luma_elim_threshold chroma_elim_threshold mbcmp mbd mbtree me_method me_range mepc mepre minrate mixed-refs motion-est motion_est "
  "mpv_flags nal-hrd noise_reduction nssew non_linear_quant alternate_scan partitions precmp pre_dia_size psy psy-rd qblur qcomp "
  "qdiff qmax qmin qp quantizer_noise_shaping rc-lookahead rc_init_occupancy refs sc_threshold seq_disp_ext skip_threshold "
  "slice-max-size slices subcmp subq trellis udu_sei a53cc video_format weightb weightp wpredp 8x8dct aq-mode aq-strength aud "
  "chromaoffset tier "
  // VP8, VP9 and AV1
  "arnr-maxframes arnr-strength arnr-type auto-alt-ref cpu-used deadline denoise-block-size denoise-noise-level drop-threshold "
  "enable-cdef enable-global-motion enable-intrabc enable-restoration enable-tpl error-resilience error-resilient frame-parallel "
  "lag-in-frames lossless max-intra-rate maxsection-pct minsection-pct noise-sensitivity overshoot-pct quality row-mt sharpness "
  "speed static-thresh tile-columns tile-rows tiles tune-content undershoot-pct usage "
  // hardware
  "async_depth avbr_accuracy avbr_convergence constrained-encoding delay extbrc idr_interval init_qpB init_qpI init_qpP look_ahead "
  "look_ahead_depth low_delay_brc low_power mbbrc multipass no-scenecut nonref_p rc rc_mode rdo sei spatial-aq spatial_aq "
  "strict_gop surfaces temporal-aq temporal_aq weighted_pred zerolatency "
  // intermediate codecs
  "alpha_bits bits_per_mb coeff_mode context level mbs_per_slice non_deterministic pred quant_mat slicecrc vendor "
  // audio
  "aac_coder aac_is aac_ltp aac_ms aac_pns aac_pred aac_tns abr ad_conv_type application apply_phase_inv center_mixlev "
  "channel_coupling cpl_start_band dheadphone_mode dialnorm dmix_mode dsur_mode dsurex_mode error_protection fec frame_duration "
  "iblock joint_stereo lfe_mix_level loro_cmixlev loro_surmixlev lpc_coeff_precision lpc_passes lpc_type ltrt_cmixlev "
  "ltrt_surmixlev mapping_family max_partition_order max_prediction_order min_partition_order min_prediction_order "
  "mixing_level mode original packet_loss per_frame_metadata prediction_order_method psymodel reservoir room_type "
  "stereo_rematrixing surround_mixlev vbr verbosity "
  "x264-params x265-params svtav1-params ";

constexpr std::string_view allowed_keys =
  "8x8dct aq-mode aq-motion aq-strength asm aud b-adapt b-bias b-intra b-pyramid bframes bframe-bias bitrate cabac cbqpoffs cdef "
  "chroma-qp-offset chromaloc colormatrix colorprim constrained-intra crf-max crf-min crqpoffs ctu cutree deadzone-inter "
  "deadzone-intra deblock direct early-skip enable-cdef enable-dlf enable-overlays enable-qm enable-restoration enable-tf fast-decode fast-intra fast-pskip film-grain "
  "film-grain-denoise frame-threads hdr10 hdr10-opt hierarchical-levels hme hrd input-csp ipratio irefresh-type keyint level-idc limit-modes limit-refs limit-sao limit-tu "
  "lookahead lookahead-slices lookahead-threads lossless master-display max-cll max-luma max-merge max-tu-size mbtree me merange "
  "min-cu-size min-keyint min-luma mixed-refs nal-hrd nr nr-inter nr-intra partitions pbratio pmode pme pools psnr "
  "psy psy-rd psy-rdoq qcomp qg-size qpmax qpmin qpstep range ratetol rc rc-grain rc-lookahead rd rd-refine rdoq-level "
  "rdpenalty rect ref repeat-headers rskip rskip-edge-threshold sao sao-non-deblock scd scenecut scenecut-bias selective-sao "
  "signhide slices sliced-threads ssim ssim-rd strong-intra-smoothing subme sync-lookahead temporal-layers temporal-mvp threads tile-columns tile-rows transfer trellis tskip tskip-fast "
  "tu-inter-depth tu-intra-depth tune uhd-bd vbv-bufsize vbv-init vbv-maxrate videoformat weightb weightp wpp ";

bool has_word(std::string_view words, std::string_view word) {
  for (size_t at = 0; at < words.size();) {
    auto end = std::min(words.find(' ', at), words.size());
    if (words.substr(at, end - at) == word)
      return true;
    at = end + 1;
  }
  return false;
}

/// Like `has_word`, but a word may begin with '*'.
bool has_name(std::string_view words, std::string_view name) {
  for (size_t at = 0; at < words.size();) {
    auto end = std::min(words.find(' ', at), words.size());
    auto word = words.substr(at, end - at);
    if (word.starts_with('*') ? name.ends_with(word.substr(1)) : name == word)
      return true;
    at = end + 1;
  }
  return false;
}

/// Encoders that make no sense for channels, files or libraries: still pictures, raw and pseudo formats, systems of the
/// past, and codecs for only one container.
constexpr std::string_view left_out =
  " a64multi a64multi5 adpcm_argo adpcm_ima_amv alias_pix amv apng asv1 asv2 avrp avui ayuv bitpacked bmp cinepak cljr "
  "comfortnoise dfpwm dpx exr fits flashsv flashsv2 gif h261 jpegls libjxl libwebp libwebp_anim ljpeg msvideo1 nellymoser pam pbm "
  "pcx pfm pgm pgmyuv phm png ppm qoi qtrle r10k r210 rawvideo roq_dpcm roqvideo rpza rv10 rv20 s302m sgi smc snow sonic "
  "sonicls sunrast svq1 targa tiff tta v308 v408 vbn wrapped_avframe xbm xface xwd y41p yuv4 zlib zmbv ";

} // namespace

const encoder_family& family_of(std::string_view encoder) {
  for (const auto& x : families)
    if (has_name(x.names, encoder))
      return x;
  return general;
}

std::vector<std::string_view> preferred_encoders(std::string_view codec) {
  std::vector<std::string_view> result;
  for (const auto& x : preferences) {
    if (x.codec != codec)
      continue;
    for (size_t at = 0; at < x.encoders.size();) {
      auto end = std::min(x.encoders.find(' ', at), x.encoders.size());
      result.push_back(x.encoders.substr(at, end - at));
      at = end + 1;
    }
  }
  return result;
}

bool is_offered(std::string_view encoder) {
  return left_out.find(" " + std::string{encoder} + " ") == std::string_view::npos;
}

bool takes_forced_keys(std::string_view encoder) {
  // libavcodec 59 does not pass the picture's type on to these.
  return encoder != "libsvtav1" && encoder != "librav1e" && encoder != "libtheora";
}

bool is_allowed_option(std::string_view name) {
  return !name.empty() && has_word(allowed_options, name);
}

bool is_allowed_key(std::string_view key) {
  if (key.starts_with("no-"))
    key.remove_prefix(3);
  return !key.empty() && has_word(allowed_keys, key);
}

bool is_key_list(std::string_view name) {
  return name == "x264-params" || name == "x265-params" || name == "svtav1-params" || name == "rav1e-params";
}

} // namespace troupe::av
