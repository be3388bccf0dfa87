// One track that a participant sends: what the others are told of it, and where its packets arrive.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/livekit_models.pb.h"
#include "rtc/answer.h"
#include "rtc/environment.h"
#include "rtc/ids.h"
#include "rtc/transport.h"
#include "sfu/track_receiver.h"

namespace weir::rtc {

class PublishedTrack {
 public:
  // Registers with the transport's demultiplexer; packets that waited for this arrive within the call.
  PublishedTrack(Environment& environment, base::Now now, livekit::TrackInfo info,
                 const PublishPreference& preference, const OfferedTrack& offered, Transport& transport);
  ~PublishedTrack();
  PublishedTrack(const PublishedTrack&) = delete;
  PublishedTrack& operator=(const PublishedTrack&) = delete;

  const TrackSid& sid() const { return sid_; }
  const std::string& mid() const { return mid_; }
  const std::string& sdp_cid() const { return sdp_cid_; }
  bool audio() const { return audio_; }
  bool muted() const { return info_.muted(); }
  bool encrypted() const { return info_.encryption() != livekit::Encryption::NONE; }
  const livekit::TrackInfo& info() const { return info_; }
  livekit::TrackInfo& mutable_info() { return info_; }
  const PublishPreference& preference() const { return preference_; }
  // As negotiated with the publisher; the first is what TrackInfo announces.
  const std::vector<NegotiatedCodec>& codecs() const { return codecs_; }
  sfu::TrackReceiver& receiver() { return *receiver_; }
  const sfu::TrackReceiver& receiver() const { return *receiver_; }
  Transport& transport() { return transport_; }

  void SetMuted(base::Now now, bool muted);

  // The spatial layer for a wish (signal.md 8.5): by size when width and height are given, else by quality.
  int LayerFor(livekit::VideoQuality quality) const;
  int LayerFor(uint32_t width, uint32_t height) const;
  // The temporal layer that reaches `fps`, of a stream with `full` frames per second; 0: no wish.
  static int TemporalLayerFor(uint32_t fps, uint32_t full = 30);

 private:
  void Describe(const OfferedTrack& offered);

  Environment& environment_;
  Transport& transport_;
  livekit::TrackInfo info_;
  const PublishPreference preference_;
  const TrackSid sid_;
  const std::string mid_;
  const std::string sdp_cid_;
  const bool audio_;
  std::vector<NegotiatedCodec> codecs_;
  std::unique_ptr<sfu::TrackReceiver> receiver_;
  std::optional<Census::Entry> counted_;  // Last.
};

}  // namespace weir::rtc
