#include "rtc/track_source.h"

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

sfu::TrackReceiver::Config ReceiverConfig(const livekit::TrackInfo& info, const OfferedTrack& offered,
                                          const std::vector<NegotiatedCodec>& codecs, Transport& transport) {
  sfu::TrackReceiver::Config config;
  config.audio = offered.audio;
  config.codecs = ReceiveCodecs(codecs);
  config.extensions = offered.extensions;
  config.encrypted = info.encryption() != livekit::Encryption::NONE;
  config.screen_share = info.source() == livekit::SCREEN_SHARE;
  config.spatial_layers = std::max(1, static_cast<int>(offered.rids.size()));
  config.clock = &transport.clock();
  return config;
}

}  // namespace

TrackSource::TrackSource(Environment& environment, Now now, const livekit::TrackInfo& info,
                         const PublishPreference& preference, const OfferedTrack& offered,
                         Transport& transport)
    : transport_(transport),
      mid_(offered.mid),
      sdp_cid_(offered.cid),
      preference_(preference),
      codecs_(PreferredFirst(offered.codecs, preference)),
      receiver_(std::make_unique<sfu::TrackReceiver>(ReceiverConfig(info, offered, codecs_, transport),
                                                     environment.random)),
      counted_(environment.census, *this) {
  receiver_->SetSimulcastStreams(
      std::max<int>({1, static_cast<int>(offered.rids.size()), static_cast<int>(offered.ssrcs.size())}));
  receiver_->SetMuted(info.muted(), now);
  transport.AddReceiver(*receiver_);
  transport.demuxer().AddSection(now, {mid_, receiver_.get(), offered.rids, offered.ssrcs});
}

TrackSource::~TrackSource() {
  transport_.RemoveSection(mid_);
  transport_.RemoveReceiver(*receiver_);
}

void NumberLayers(const OfferedTrack& offered,
                  google::protobuf::RepeatedPtrField<livekit::VideoLayer>& layers) {
  for (int i = 0; i < layers.size(); ++i) {
    livekit::VideoLayer& layer = *layers.Mutable(i);
    const auto at = static_cast<size_t>(i);
    layer.set_spatial_layer(i);
    if (at < offered.rids.size()) {
      layer.set_rid(offered.rids[at]);
    }
    if (at < offered.ssrcs.size()) {
      layer.set_ssrc(offered.ssrcs[at].first.value());
      layer.set_repair_ssrc(offered.ssrcs[at].second.value_or(rtp::Ssrc()).value());
    }
  }
}

void TrackSource::Describe(const OfferedTrack& offered, livekit::SimulcastCodecInfo& entry) const {
  entry.set_mime_type(std::string(codec::MimeType(codecs_.front().codec)));
  entry.set_mid(mid_);
  if (entry.cid() != sdp_cid_) {
    entry.set_sdp_cid(sdp_cid_);
  }
  NumberLayers(offered, *entry.mutable_layers());
}

}  // namespace weir::rtc
