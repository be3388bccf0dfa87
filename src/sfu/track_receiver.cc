#include "sfu/track_receiver.h"

#include <algorithm>
#include <utility>

#include "codec/audio.h"
#include "sfu/down_track.h"
#include "sfu/speaker_observer.h"

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;

namespace {
constexpr TimeDelta kExpiryInterval = TimeDelta::Millis(500);
constexpr TimeDelta kMinLayerSilence = TimeDelta::Millis(300);
constexpr TimeDelta kScreenShareSilence = TimeDelta::Seconds(2);
constexpr TimeDelta kScreenShareSpacing = TimeDelta::Seconds(1);
}  // namespace

TrackReceiver::TrackReceiver(const Config& config, base::Random& random)
    : config_(config), random_(random), clock_(config.clock != nullptr ? config.clock : &own_clock_) {}

TrackReceiver::~TrackReceiver() {
  for (DownTrack* track : down_tracks_) {
    if (track != nullptr) {
      track->Attach(nullptr);
    }
  }
}

const ReceiveCodec* TrackReceiver::FindCodec(uint8_t payload_type, bool rtx) const {
  for (const ReceiveCodec& codec : config_.codecs) {
    if (rtx ? codec.rtx_payload_type == payload_type : codec.payload_type == payload_type) {
      return &codec;
    }
  }
  return nullptr;
}

bool TrackReceiver::AcceptsPayloadType(uint8_t payload_type) const {
  return FindCodec(payload_type, false) != nullptr || FindCodec(payload_type, true) != nullptr;
}

bool TrackReceiver::IsRtxPayloadType(uint8_t payload_type) const {
  return FindCodec(payload_type, true) != nullptr;
}

ReceiveStream& TrackReceiver::StreamOf(int layer) {
  std::unique_ptr<ReceiveStream>& stream = streams_[static_cast<size_t>(layer)];
  if (stream == nullptr) {
    ReceiveStream::Config config;
    config.layer = static_cast<uint8_t>(layer);
    config.audio = config_.audio;
    config.encrypted = config_.encrypted;
    config.nack = config_.nack;
    config.nack_tracker = config_.audio ? NackTracker::ForAudio() : NackTracker::Config();
    config.keyframes.min_spacing = config_.screen_share
                                       ? std::max(config_.keyframe_spacing, kScreenShareSpacing)
                                       : config_.keyframe_spacing;
    if (config_.audio) {
      config.buffer.max_age = TimeDelta::Seconds(1);
      config.buffer.max_packets = 512;
    }
    stream = std::make_unique<ReceiveStream>(config, random_);
    layers_seen_ = std::max(layers_seen_, layer + 1);
  }
  return *stream;
}

void TrackReceiver::OnRtp(base::Now now, base::PacketRef packet, const rtp::Header& header, int layer,
                          bool rtx, rtp::Ssrc ssrc) {
  if (layer < 0 || layer >= kMaxLayers) {
    ++counters_.unknown_layer;
    return;
  }
  const ReceiveCodec* codec = FindCodec(header.payload_type, rtx);
  if (codec == nullptr) {
    ++counters_.unknown_payload_type;
    return;
  }
  ++counters_.packets;
  if (next_expiry_.infinite()) {
    next_expiry_ = now.mono + kExpiryInterval;
  }
  ReceivedPacket received;
  if (!StreamOf(layer).OnPacket(now, packet, header, rtx, ssrc, *codec, config_.extensions, received)) {
    return;
  }
  codec_ = codec->codec;
  if (muted_) {
    ++counters_.muted;
    return;
  }
  if (config_.audio && !received.late) {
    HearLevel(now, received);
  }
  Forward(now, received);
}

void TrackReceiver::Forward(base::Now now, const ReceivedPacket& packet) {
  ++counters_.forwarded;
  ++iterating_;
  // By index: a down track may be added (and then sees this packet too) or removed (and is null) meanwhile.
  for (size_t i = 0; i < down_tracks_.size(); ++i) {
    // With hundreds of subscribers each one's memory is cold when its turn comes.
    if (i + 1 < down_tracks_.size() && down_tracks_[i + 1] != nullptr) {
      down_tracks_[i + 1]->Prefetch();
    }
    if (down_tracks_[i] != nullptr) {
      down_tracks_[i]->OnPacket(now, packet);
    }
  }
  --iterating_;
  CompactDownTracks();
}

void TrackReceiver::HearLevel(base::Now now, const ReceivedPacket& packet) {
  const ExtensionSlice slice = packet.extensions.audio_level;
  if (slice.length == 0) {
    return;
  }
  const auto level = rtp::ReadAudioLevel(packet.bytes().subspan(slice.offset, slice.length));
  if (!level) {
    return;
  }
  base::ConstBytes opus = packet.payload();
  if (packet.red != nullptr) {
    opus = packet.red->primary().data;
  }
  if (codec::IsOpusDtx(opus)) {
    return;  // Comfort noise is not speech, whatever its level says.
  }
  audio_level_ = AudioLevelSample{.level = level->level, .voice = level->voice, .at = now.mono};
  if (speakers_ == nullptr) {
    return;
  }
  // A frame stands for the time since the one before it: with DTX the first loud frame ends a pause that
  // nothing was sent in, and this is how LiveKit's clients are used to seeing speakers begin.
  constexpr TimeDelta kFrame = TimeDelta::Millis(20);
  constexpr TimeDelta kLongest = TimeDelta::Millis(400);
  const int64_t ticks = packet.timestamp - last_level_timestamp_.value_or(packet.timestamp);
  last_level_timestamp_ = packet.timestamp;
  const TimeDelta since = TimeDelta::Micros(ticks * 1'000'000 / std::max<int64_t>(packet.clock_rate, 1));
  const TimeDelta duration = ticks <= 0 ? kFrame : std::min(since, kLongest);
  speakers_->OnLevel(owner_, level->level, duration, now.mono);
}

void TrackReceiver::OnSenderReport(base::Now now, const rtcp::SenderReport& report) {
  for (const auto& stream : streams_) {
    if (stream != nullptr && stream->started() && stream->ssrc() == report.sender) {
      clock_->OnSenderReport(now.mono, report.ntp);
      stream->OnSenderReport(now, report);
    }
  }
}

void TrackReceiver::AddDownTrack(DownTrack* track) {
  if (std::ranges::find(down_tracks_, track) != down_tracks_.end()) {
    return;
  }
  if (down_tracks_.size() >= config_.max_down_tracks) {
    ++counters_.down_tracks_refused;
    return;
  }
  down_tracks_.push_back(track);
  track->Attach(this);
}

void TrackReceiver::RemoveDownTrack(DownTrack* track) {
  const auto it = std::ranges::find(down_tracks_, track);
  if (it == down_tracks_.end()) {
    return;
  }
  *it = nullptr;
  holes_in_down_tracks_ = true;
  track->Attach(nullptr);
  CompactDownTracks();
}

void TrackReceiver::CompactDownTracks() {
  if (holes_in_down_tracks_ && iterating_ == 0) {
    std::erase(down_tracks_, nullptr);
    holes_in_down_tracks_ = false;
  }
}

size_t TrackReceiver::down_tracks() const {
  return down_tracks_.size() - static_cast<size_t>(std::ranges::count(down_tracks_, nullptr));
}

void TrackReceiver::SetMuted(bool muted, base::Now now) {
  if (muted == muted_) {
    return;
  }
  muted_ = muted;
  if (muted && speakers_ != nullptr) {
    speakers_->Remove(owner_);
  }
  ++iterating_;
  for (size_t i = 0; i < down_tracks_.size(); ++i) {
    if (down_tracks_[i] != nullptr) {
      down_tracks_[i]->OnPublisherMuted(muted, now);
    }
  }
  --iterating_;
  CompactDownTracks();
}

void TrackReceiver::RequestKeyframe(int layer, Timestamp now) {
  if (config_.audio || muted_ || layer < 0 || layer >= kMaxLayers) {
    return;
  }
  const auto& stream = streams_[static_cast<size_t>(layer)];
  if (stream != nullptr && stream->started()) {
    stream->keyframes().Request(now);
  }
}

bool TrackReceiver::LayerWanted(int layer, Timestamp now) const {
  if (!simulcast()) {
    return true;
  }
  bool any = false;
  for (const DownTrack* track : down_tracks_) {
    if (track != nullptr) {
      any = true;
      if (track->WantsLayer(layer, now)) {
        return true;
      }
    }
  }
  return !any;
}

void TrackReceiver::AppendFeedback(base::Now now, rtp::Ssrc local_ssrc, std::vector<rtcp::Nack>& nacks,
                                   std::vector<rtcp::Pli>& plis) {
  for (int layer = 0; layer < kMaxLayers; ++layer) {
    ReceiveStream* stream = streams_[static_cast<size_t>(layer)].get();
    if (stream == nullptr || !stream->started()) {
      continue;
    }
    if (stream->keyframes().NextTimeout() <= now.mono && stream->keyframes().TakeDue(now.mono, rtt_)) {
      plis.push_back(rtcp::Pli{.sender = local_ssrc, .media = stream->ssrc()});
    }
    if (stream->nack().NextTimeout() > now.mono) {
      continue;
    }
    if (muted_ || !LayerWanted(layer, now.mono)) {
      stream->nack().Clear();
      continue;
    }
    rtcp::Nack nack{.sender = local_ssrc, .media = stream->ssrc(), .sequences = {}};
    stream->nack().TakeDue(now.mono, rtt_, nack.sequences);
    if (!nack.sequences.empty()) {
      nacks.push_back(std::move(nack));
    }
  }
}

std::vector<rtcp::ReportBlock> TrackReceiver::ReportBlocks(Timestamp now) {
  std::vector<rtcp::ReportBlock> blocks;
  for (const auto& stream : streams_) {
    if (stream != nullptr && stream->started()) {
      blocks.push_back(stream->MakeReportBlock(now));
    }
  }
  return blocks;
}

Timestamp TrackReceiver::NextTimeout() const {
  Timestamp next = next_expiry_;
  for (const auto& stream : streams_) {
    if (stream != nullptr) {
      next = std::min({next, stream->nack().NextTimeout(), stream->keyframes().NextTimeout()});
    }
  }
  return next;
}

void TrackReceiver::OnTimeout(base::Now now) {
  if (now.mono < next_expiry_) {
    return;
  }
  bool holding = false;
  for (const auto& stream : streams_) {
    if (stream != nullptr) {
      stream->OnTimeout(now.mono);
      holding = holding || stream->buffer().size() > 0;
    }
  }
  next_expiry_ = holding ? now.mono + kExpiryInterval : Timestamp::Infinity();
}

Timestamp TrackReceiver::last_packet() const {
  Timestamp last = Timestamp::Never();
  for (const auto& stream : streams_) {
    if (stream != nullptr) {
      last = std::max(last, stream->last_packet());
    }
  }
  return last;
}

const ReceiveStream* TrackReceiver::stream(int layer) const {
  return layer < 0 || layer >= kMaxLayers ? nullptr : streams_[static_cast<size_t>(layer)].get();
}

bool TrackReceiver::LayerActive(int layer, Timestamp now) const {
  const ReceiveStream* found = stream(layer);
  if (found == nullptr || found->last_packet().never()) {
    return false;
  }
  const TimeDelta silence =
      config_.screen_share ? kScreenShareSilence : std::max(found->frame_interval() * 3, kMinLayerSilence);
  return now - found->last_packet() <= silence;
}

uint64_t TrackReceiver::LayerBitrate(int layer, Timestamp now) const {
  const ReceiveStream* found = stream(layer);
  return found == nullptr ? 0 : found->bitrate(now);
}

TrackReceiver::LayerStats TrackReceiver::Layer(int layer, Timestamp now) const {
  LayerStats stats;
  const ReceiveStream* found = stream(layer);
  if (found == nullptr) {
    return stats;
  }
  stats.started = found->started();
  stats.active = LayerActive(layer, now);
  stats.ssrc = found->ssrc();
  stats.bitrate = found->bitrate(now);
  stats.lost = found->lost();
  stats.jitter = found->jitter();
  stats.width = found->width();
  stats.height = found->height();
  stats.counters = found->counters();
  stats.nack = found->nack().counters();
  stats.keyframes = found->keyframes().counters();
  return stats;
}

QualityMeter::Totals TrackReceiver::QualityTotals() const {
  QualityMeter::Totals totals;
  for (const auto& stream : streams_) {
    if (stream != nullptr) {
      totals.received += stream->counters().packets;
      totals.lost += stream->lost();
      totals.repaired += stream->nack().counters().recovered;
    }
  }
  return totals;
}

TimeDelta TrackReceiver::Jitter() const {
  const int64_t rate = config_.audio ? 48'000 : 90'000;
  uint32_t worst = 0;
  for (const auto& stream : streams_) {
    worst = std::max(worst, stream != nullptr ? stream->jitter() : 0);
  }
  return TimeDelta::Micros(static_cast<int64_t>(worst) * 1'000'000 / rate);
}

void TrackReceiver::SetSpeakerObserver(SpeakerObserver* observer, uint64_t owner) {
  speakers_ = observer;
  owner_ = owner;
}

}  // namespace weir::sfu
