#include "sfu/layer_selector.h"

#include <algorithm>

#include "sfu/track_receiver.h"

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;
using codec::Codec;

LayerSelector::Verdict LayerSelector::Decide(Timestamp now, const ReceivedPacket& packet,
                                             const TrackReceiver& receiver) {
  const int stream = packet.layer;
  if (stream == stream_ && packet.epoch == epoch_) {
    return WantsFrame(packet) ? Verdict::kForward : Verdict::kDrop;
  }
  // A key frame whose beginning comes late cannot be begun with: what followed it has been passed over.
  if (!packet.keyframe || packet.late || !ShouldTake(now, packet, receiver)) {
    return Verdict::kOther;
  }
  return Verdict::kSwitch;
}

bool LayerSelector::ShouldTake(Timestamp now, const ReceivedPacket& packet,
                               const TrackReceiver& receiver) const {
  const int stream = packet.layer;
  if (stream == stream_ || !receiver.simulcast()) {
    return true;  // The same stream in a new epoch, or all there is.
  }
  if (stream_ < 0) {
    return stream <= max_spatial_ || stream == DesiredStream(now, receiver);
  }
  if (stream > stream_) {
    return stream <= max_spatial_;
  }
  if (stream_ > max_spatial_ && stream <= max_spatial_) {
    return true;
  }
  return Silent(stream_, now, receiver) && CanFallTo(stream, now, receiver);
}

bool LayerSelector::Commit(const ReceivedPacket& packet, const TrackReceiver& receiver) {
  stream_ = packet.layer;
  epoch_ = packet.epoch;
  svc_ = !receiver.simulcast() && packet.spatial >= 0;
  overlap_until_ = Timestamp::Infinity();
  spatial_ = max_spatial_;
  temporal_ = max_temporal_;
  pending_temporal_ = -1;
  dependency_.Reset();
  return WantsFrame(packet);
}

int LayerSelector::SvcSpatialLimit(const ReceivedPacket& packet) const {
  if (!svc_) {
    return codec::kMaxSpatialLayers;  // In simulcast the stream decides, whatever the packets say (VP9-2).
  }
  // A receiver of AV1 without the descriptor cannot tell the layers apart: it decodes the lowest, and nothing
  // at all of key-frame-dependent modes when it gets the others too.
  return packet.codec == Codec::kAv1 && !config_.dependency_descriptor ? 0 : max_spatial_;
}

bool LayerSelector::WantsFrame(const ReceivedPacket& packet) {
  if (packet.dependency != nullptr && packet.codec != Codec::kVp8) {
    return dependency_.Wants(*packet.dependency, packet.active_targets, SvcSpatialLimit(packet),
                             TemporalLimit(), packet.late);
  }
  if (!packet.late && (packet.new_frame || packet.keyframe || (svc_ && packet.start_of_frame))) {
    AdaptToFrame(packet);
  }
  if (svc_ && packet.spatial > spatial_) {
    return false;
  }
  return packet.temporal < 0 || packet.temporal <= temporal_ || !CanDropTemporal(packet.codec);
}

// H.264 has no sign in its payload that tells a droppable temporal layer reliably.
bool LayerSelector::CanDropTemporal(Codec codec) {
  return codec == Codec::kVp8 || codec == Codec::kVp9 || codec == Codec::kH265;
}

void LayerSelector::AdaptToFrame(const ReceivedPacket& packet) {
  const int limit = TemporalLimit();
  if (packet.keyframe) {
    spatial_ = max_spatial_;
    temporal_ = limit;
    pending_temporal_ = -1;
    return;
  }
  if (packet.new_frame) {
    spatial_ = std::min(spatial_, max_spatial_);
    if (pending_temporal_ >= 0) {
      temporal_ = std::max(temporal_, pending_temporal_);
      pending_temporal_ = -1;
    }
    temporal_ = std::min(temporal_, limit);
  }
  if (!packet.switch_up || temporal_ >= limit || packet.temporal < 0) {
    return;
  }
  if (packet.temporal > temporal_) {
    temporal_ = std::min<int>(packet.temporal, limit);
  } else if (packet.codec == Codec::kVp9) {
    // RFC 9628: U on a picture says that later pictures of higher layers look back no further than to it.
    pending_temporal_ = limit;
  }
}

void LayerSelector::SetMax(int spatial, int temporal, Timestamp now) {
  max_spatial_ = std::clamp(spatial, 0, kMaxLayers - 1);
  max_temporal_ = std::clamp(temporal, 0, kMaxLayers - 1);
  if (stream_ > max_spatial_) {
    if (overlap_until_.infinite()) {
      overlap_until_ = now + config_.downgrade_overlap;
    }
  } else {
    overlap_until_ = Timestamp::Infinity();
  }
}

void LayerSelector::Interrupt() {
  stream_ = -1;
  overlap_until_ = Timestamp::Infinity();
  dependency_.Reset();
}

bool LayerSelector::Silent(int stream, Timestamp now, const TrackReceiver& receiver) const {
  const ReceiveStream* found = receiver.stream(stream);
  if (found == nullptr || found->last_packet().never()) {
    return true;
  }
  const TimeDelta least =
      receiver.config().screen_share ? config_.min_silence_screen_share : config_.min_silence;
  return now - found->last_packet() > std::max(found->frame_interval() * 3, least);
}

// A stream that has been living on while the current one is silent. After an outage of the whole publisher
// the streams come back one by one, and none of them has stopped.
bool LayerSelector::CanFallTo(int stream, Timestamp now, const TrackReceiver& receiver) const {
  const ReceiveStream* found = receiver.stream(stream);
  return !Silent(stream, now, receiver) && now - found->active_since() >= config_.min_silence;
}

// The highest living stream up to the maximum; failing that, the lowest living one above; failing that,
// whatever is being forwarded.
int LayerSelector::DesiredStream(Timestamp now, const TrackReceiver& receiver) const {
  for (int stream = max_spatial_; stream >= 0; --stream) {
    const bool fall = stream < stream_ && stream_ <= max_spatial_;
    if (fall ? CanFallTo(stream, now, receiver) : !Silent(stream, now, receiver)) {
      return stream;
    }
  }
  if (stream_ >= 0 && stream_ <= max_spatial_) {
    return stream_;
  }
  for (int stream = max_spatial_ + 1; stream < kMaxLayers; ++stream) {
    if (!Silent(stream, now, receiver)) {
      return stream;
    }
  }
  return stream_;
}

bool LayerSelector::OnTimeout(Timestamp now, const TrackReceiver& receiver) {
  if (stream_ < 0 || now < overlap_until_) {
    return false;
  }
  const int desired = DesiredStream(now, receiver);
  if (desired == stream_ || desired > max_spatial_) {
    overlap_until_ = now + config_.downgrade_overlap;  // Nothing below lives: this stream is all there is.
    return false;
  }
  Interrupt();
  return true;
}

std::optional<int> LayerSelector::WantedKeyframe(Timestamp now, const TrackReceiver& receiver) const {
  if (!receiver.simulcast()) {
    const ReceiveStream* found = receiver.stream(0);
    const bool new_epoch = found != nullptr && found->epoch() != epoch_;
    const bool svc_up = svc_ && !dependency_.has_target() && spatial_ < max_spatial_;
    const bool wanted = stream_ < 0 || new_epoch || svc_up || dependency_.needs_keyframe();
    return wanted ? std::optional(0) : std::nullopt;
  }
  const int desired = DesiredStream(now, receiver);
  if (desired < 0 || (desired == stream_ && receiver.stream(desired)->epoch() == epoch_)) {
    return std::nullopt;
  }
  return desired;
}

bool LayerSelector::Wants(int stream, Timestamp now, const TrackReceiver& receiver) const {
  return !receiver.simulcast() || stream == stream_ || stream == DesiredStream(now, receiver);
}

int LayerSelector::current_spatial() const {
  if (stream_ < 0 || !svc_) {
    return stream_;
  }
  return dependency_.has_target() ? dependency_.spatial() : spatial_;
}

int LayerSelector::current_temporal() const {
  if (stream_ < 0) {
    return -1;
  }
  return dependency_.has_target() ? dependency_.temporal() : temporal_;
}

std::optional<uint32_t> LayerSelector::target_mask(const ReceivedPacket& packet) const {
  // A packet with a structure announces all of its targets; what follows it narrows them.
  if (packet.dependency == nullptr || packet.dependency->attached_structure || !dependency_.has_target()) {
    return std::nullopt;
  }
  return dependency_.mask();
}

bool LayerSelector::MarksEnd(const ReceivedPacket& packet) const {
  if (packet.marker) {
    return true;
  }
  return svc_ && packet.end_of_frame && packet.spatial >= 0 && packet.spatial == current_spatial();
}

}  // namespace weir::sfu
