// One track that a participant sends: what the others are told of it, and where its packets arrive.
//
// A track may have a backup codec, for subscribers that cannot take the primary one. Its publisher sends it
// when Dynacast tells that somebody wants it, in a section of its own; until then such subscribers wait.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/livekit_models.pb.h"
#include "rtc/answer.h"
#include "rtc/dynacast.h"
#include "rtc/environment.h"
#include "rtc/ids.h"
#include "rtc/track_source.h"
#include "rtc/transport.h"
#include "sfu/connection_quality.h"
#include "sfu/track_receiver.h"

namespace weir::rtc {

// Told whenever the backup codec's packets have where to arrive.
class BackupWaiter {
 public:
  virtual void OnBackup(base::Now now, TrackSource& source) = 0;

 protected:
  ~BackupWaiter() = default;
};

class PublishedTrack {
 public:
  // See TrackSource.
  PublishedTrack(Environment& environment, base::Now now, livekit::TrackInfo info,
                 const PublishPreference& preference, const OfferedTrack& offered, Transport& transport);
  ~PublishedTrack();
  PublishedTrack(const PublishedTrack&) = delete;
  PublishedTrack& operator=(const PublishedTrack&) = delete;

  const TrackSid& sid() const { return sid_; }
  const std::string& mid() const { return primary_.mid(); }
  const std::string& sdp_cid() const { return primary_.sdp_cid(); }
  bool audio() const { return audio_; }
  bool muted() const { return info_.muted(); }
  bool encrypted() const { return info_.encryption() != livekit::Encryption::NONE; }
  const livekit::TrackInfo& info() const { return info_; }
  livekit::TrackInfo& mutable_info() { return info_; }
  const PublishPreference& preference() const { return primary_.preference(); }
  // As negotiated with the publisher; the first is what TrackInfo announces.
  const std::vector<NegotiatedCodec>& codecs() const { return primary_.codecs(); }
  sfu::TrackReceiver& receiver() { return primary_.receiver(); }

  // ---- The backup codec.
  codec::Codec backup_codec() const;  // kUnknown without one.
  bool IsBackupCid(const std::string& cid) const;
  PublishPreference BackupPreference() const;
  TrackSource* backup() { return backup_.get(); }  // Null until the publisher sends it.
  void AddBackup(base::Now now, const OfferedTrack& offered);
  void RemoveBackup();
  void AddWaiter(BackupWaiter& waiter) { waiters_.push_back(&waiter); }
  void RemoveWaiter(BackupWaiter& waiter) { std::erase(waiters_, &waiter); }

  // Video only, else null.
  Dynacast* dynacast() { return dynacast_.get(); }
  void StartDynacast(base::Timestamp now, Dynacast::Owner& owner);
  Transport& transport() { return transport_; }

  void SetMuted(base::Now now, bool muted);
  // Once every few seconds: what arrived since the call before (sfu::QualityMeter's scale).
  double MeasureQuality();

  // The spatial layer for a wish (signal.md 8.5): by size when width and height are given, else by quality.
  int LayerFor(livekit::VideoQuality quality) const;
  int LayerFor(uint32_t width, uint32_t height) const;
  // The quality that a layer is published as.
  livekit::VideoQuality QualityOf(int layer) const;
  // The temporal layer that reaches `fps`, of a stream with `full` frames per second; 0: no wish.
  static int TemporalLayerFor(uint32_t fps, uint32_t full = 30);

 private:
  Environment& environment_;
  Transport& transport_;
  livekit::TrackInfo info_;
  const TrackSid sid_;
  const bool audio_;
  TrackSource primary_;
  std::unique_ptr<TrackSource> backup_;
  std::vector<BackupWaiter*> waiters_;
  std::unique_ptr<Dynacast> dynacast_;
  sfu::QualityMeter quality_;
  uint64_t measured_packets_ = 0;
  bool was_muted_ = true;  // At the last measurement.
  Census::Entry counted_;  // Last.
};

}  // namespace weir::rtc
