#include "rtc/published_track.h"

#include <algorithm>

namespace weir::rtc {
namespace {

using base::Now;

// The sender follows the order of our answer, so what it was told to prefer is what it sends.
std::vector<NegotiatedCodec> PreferredFirst(std::vector<NegotiatedCodec> codecs,
                                            const PublishPreference& preference) {
  const auto first = [&](codec::Codec wanted) {
    std::stable_partition(codecs.begin(), codecs.end(),
                          [&](const NegotiatedCodec& codec) { return codec.codec == wanted; });
  };
  if (preference.codec != codec::Codec::kUnknown) {
    first(preference.codec);
  }
  if (preference.red) {
    first(codec::Codec::kRed);
  }
  return codecs;
}

std::vector<sfu::ReceiveCodec> ReceiveCodecs(const std::vector<NegotiatedCodec>& codecs) {
  std::vector<sfu::ReceiveCodec> receive;
  for (const NegotiatedCodec& codec : codecs) {
    receive.push_back({codec.codec, codec.sdp.payload_type, codec.sdp.clock_rate, codec.rtx_payload_type});
  }
  return receive;
}

}  // namespace

PublishedTrack::PublishedTrack(Environment& environment, Now now, livekit::TrackInfo info,
                               const PublishPreference& preference, const OfferedTrack& offered,
                               Transport& transport)
    : environment_(environment),
      transport_(transport),
      info_(std::move(info)),
      preference_(preference),
      sid_(info_.sid()),
      mid_(offered.mid),
      sdp_cid_(offered.cid),
      audio_(offered.audio),
      codecs_(PreferredFirst(offered.codecs, preference)) {
  Describe(offered);
  sfu::TrackReceiver::Config config;
  config.audio = audio_;
  config.codecs = ReceiveCodecs(codecs_);
  config.extensions = offered.extensions;
  config.encrypted = encrypted();
  config.screen_share = info_.source() == livekit::SCREEN_SHARE;
  config.spatial_layers = std::max(1, static_cast<int>(offered.rids.size()));
  config.clock = &transport.clock();
  receiver_ = std::make_unique<sfu::TrackReceiver>(config, environment.random);
  counted_.emplace(environment.census, *this);
  receiver_->SetSimulcastStreams(
      std::max<int>({1, static_cast<int>(offered.rids.size()), static_cast<int>(offered.ssrcs.size())}));
  receiver_->SetMuted(info_.muted(), now);
  transport.AddReceiver(*receiver_);
  transport.demuxer().AddSection(now, {mid_, receiver_.get(), offered.rids, offered.ssrcs});
}

PublishedTrack::~PublishedTrack() {
  transport_.demuxer().RemoveSection(mid_);
  transport_.RemoveReceiver(*receiver_);
}

void PublishedTrack::Describe(const OfferedTrack& offered) {
  const std::string mime(codec::MimeType(codecs_.front().codec));
  info_.set_mime_type(mime);
  info_.set_mid(offered.mid);
  if (info_.codecs().empty()) {
    info_.add_codecs();
  }
  livekit::SimulcastCodecInfo& codec = *info_.mutable_codecs(0);
  codec.set_mime_type(mime);
  codec.set_mid(offered.mid);
  if (codec.cid() != offered.cid) {
    codec.set_sdp_cid(offered.cid);
  }
  const auto number_layers = [&](auto& layers) {
    for (int i = 0; i < layers.size(); ++i) {
      livekit::VideoLayer& layer = *layers.Mutable(i);
      layer.set_spatial_layer(i);
      if (static_cast<size_t>(i) < offered.rids.size()) {
        layer.set_rid(offered.rids[static_cast<size_t>(i)]);
      }
      if (static_cast<size_t>(i) < offered.ssrcs.size()) {
        layer.set_ssrc(offered.ssrcs[static_cast<size_t>(i)].first.value());
        layer.set_repair_ssrc(offered.ssrcs[static_cast<size_t>(i)].second.value_or(rtp::Ssrc()).value());
      }
    }
  };
  number_layers(*info_.mutable_layers());
  number_layers(*codec.mutable_layers());
}

void PublishedTrack::SetMuted(Now now, bool muted) {
  info_.set_muted(muted);
  receiver_->SetMuted(muted, now);
  transport_.Wake();
}

int PublishedTrack::LayerFor(livekit::VideoQuality quality) const {
  int layer = 0;
  for (int i = 0; i < info_.layers_size(); ++i) {
    if (info_.layers(i).quality() <= quality) {
      layer = i;
    }
  }
  return info_.layers().empty() ? std::clamp<int>(quality, 0, 2) : layer;
}

int PublishedTrack::LayerFor(uint32_t width, uint32_t height) const {
  const uint32_t wanted = std::min(width, height);
  const auto short_side = [](uint32_t w, uint32_t h) { return std::min(w, h); };
  const bool sized = !info_.layers().empty() &&
                     std::all_of(info_.layers().begin(), info_.layers().end(),
                                 [](const auto& layer) { return layer.width() > 0 && layer.height() > 0; });
  if (sized) {
    for (int i = 0; i < info_.layers_size(); ++i) {
      if (short_side(info_.layers(i).width(), info_.layers(i).height()) * 10 >= wanted * 9) {
        return i;
      }
    }
    return info_.layers_size() - 1;
  }
  return wanted <= 200   ? 0
         : wanted <= 400 ? 1
                         : 2;  // The ladder that clients publish by default: 180, 360, full.
}

int PublishedTrack::TemporalLayerFor(uint32_t fps, uint32_t full) {
  if (fps == 0 || fps * 10 >= full * 9) {
    return sfu::kMaxLayers - 1;
  }
  return fps * 10 * 2 >= full * 9 ? 1 : 0;
}

}  // namespace weir::rtc
