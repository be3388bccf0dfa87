// Where the packets of a published track arrive in one codec: a section of its publisher's connection and the
// receiver behind it. A track has one source, or two when its publisher also sends a backup codec.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proto/livekit_models.pb.h"
#include "rtc/answer.h"
#include "rtc/environment.h"
#include "rtc/transport.h"
#include "sfu/track_receiver.h"

namespace weir::rtc {

class TrackSource {
 public:
  // Registers with the transport's demultiplexer; packets that waited for this arrive within the call.
  TrackSource(Environment& environment, base::Now now, const livekit::TrackInfo& info,
              const PublishPreference& preference, const OfferedTrack& offered, Transport& transport);
  ~TrackSource();
  TrackSource(const TrackSource&) = delete;
  TrackSource& operator=(const TrackSource&) = delete;

  const std::string& mid() const { return mid_; }
  const std::string& sdp_cid() const { return sdp_cid_; }
  // As negotiated with the publisher; the first is what it sends.
  const std::vector<NegotiatedCodec>& codecs() const { return codecs_; }
  const PublishPreference& preference() const { return preference_; }
  sfu::TrackReceiver& receiver() { return *receiver_; }
  const sfu::TrackReceiver& receiver() const { return *receiver_; }
  // Writes what the section says into `info`'s entry of this codec; its layers' RIDs and SSRCs too.
  void Describe(const OfferedTrack& offered, livekit::SimulcastCodecInfo& entry) const;

 private:
  Transport& transport_;
  const std::string mid_;
  const std::string sdp_cid_;
  const PublishPreference preference_;
  std::vector<NegotiatedCodec> codecs_;
  std::unique_ptr<sfu::TrackReceiver> receiver_;
  Census::Entry counted_;  // Last.
};

// Numbers the layers and names their streams as `offered` does.
void NumberLayers(const OfferedTrack& offered,
                  google::protobuf::RepeatedPtrField<livekit::VideoLayer>& layers);

}  // namespace weir::rtc
