#include "rtc/published_track.h"

#include <algorithm>
#include <utility>

namespace weir::rtc {
namespace {

using base::Now;

double LossWeight(codec::Codec codec) {
  if (codec == codec::Codec::kRed) {
    return sfu::QualityMeter::kRedWeight;
  }
  return codec::IsVideo(codec) ? sfu::QualityMeter::kVideoWeight : sfu::QualityMeter::kOpusWeight;
}

}  // namespace

PublishedTrack::PublishedTrack(Environment& environment, Now now, livekit::TrackInfo info,
                               const PublishPreference& preference, const OfferedTrack& offered,
                               Transport& transport)
    : environment_(environment),
      transport_(transport),
      info_(std::move(info)),
      sid_(info_.sid()),
      audio_(offered.audio),
      primary_(environment, now, info_, preference, offered, transport),
      quality_(LossWeight(codecs().front().codec)),
      counted_(environment.census, *this) {
  if (info_.codecs().empty()) {
    info_.add_codecs();
  }
  primary_.Describe(offered, *info_.mutable_codecs(0));
  info_.set_mime_type(info_.codecs(0).mime_type());
  info_.set_mid(offered.mid);
  NumberLayers(offered, *info_.mutable_layers());
}

PublishedTrack::~PublishedTrack() = default;

bool PublishedTrack::IsBackupCid(const std::string& cid) const {
  for (int i = 1; i < info_.codecs_size(); ++i) {
    if (!cid.empty() && info_.codecs(i).cid() == cid) {
      return true;
    }
  }
  return false;
}

codec::Codec PublishedTrack::backup_codec() const {
  return info_.codecs_size() > 1 ? codec::CodecFromMime(info_.codecs(1).mime_type()) : codec::Codec::kUnknown;
}

PublishPreference PublishedTrack::BackupPreference() const {
  PublishPreference preference = primary_.preference();
  preference.codec = backup_codec();
  return preference;
}

void PublishedTrack::AddBackup(Now now, const OfferedTrack& offered) {
  backup_.reset();
  backup_ = std::make_unique<TrackSource>(environment_, now, info_, BackupPreference(), offered, transport_);
  backup_->Describe(offered, *info_.mutable_codecs(1));
  for (BackupWaiter* waiter : waiters_) {
    waiter->OnBackup(now, *backup_);
  }
  transport_.Wake();  // For the key frames that they ask for.
}

void PublishedTrack::RemoveBackup() { backup_.reset(); }

void PublishedTrack::SetMuted(Now now, bool muted) {
  info_.set_muted(muted);
  receiver().SetMuted(muted, now);
  if (backup_) {
    backup_->receiver().SetMuted(muted, now);
  }
  if (dynacast_) {
    dynacast_->SetMuted(now.mono, muted);
  }
  transport_.Wake();
}

void PublishedTrack::StartDynacast(base::Timestamp now, Dynacast::Owner& owner) {
  if (audio_) {
    return;
  }
  std::vector<codec::Codec> codecs;
  for (const livekit::SimulcastCodecInfo& entry : info_.codecs()) {
    codecs.push_back(codec::CodecFromMime(entry.mime_type()));
  }
  const bool svc =
      info_.codecs(0).video_layer_mode() == livekit::VideoLayer::MULTIPLE_SPATIAL_LAYERS_PER_STREAM;
  dynacast_ = std::make_unique<Dynacast>(now, environment_.timers, sid_.value(), std::move(codecs),
                                         !svc && info_.layers_size() <= 1, owner);
  dynacast_->SetMuted(now, muted());
}

double PublishedTrack::MeasureQuality() {
  const bool active = !muted() && !std::exchange(was_muted_, muted());
  const sfu::QualityMeter::Totals totals = primary_.receiver().QualityTotals();
  const uint64_t before = std::exchange(measured_packets_, totals.received);
  // Video may pause for good reasons (nobody watches, a still screen); a microphone that had begun may not.
  if (active && audio_ && before > 0 && totals.received == before) {
    quality_.Starve(/*lost=*/false);
  } else {
    quality_.Update(totals, primary_.receiver().rtt(), primary_.receiver().Jitter(), active);
  }
  return muted() ? 100 : quality_.score();
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

livekit::VideoQuality PublishedTrack::QualityOf(int layer) const {
  if (layer < info_.layers_size()) {
    return info_.layers(layer).quality();
  }
  return static_cast<livekit::VideoQuality>(std::clamp(layer, 0, 2));
}

int PublishedTrack::TemporalLayerFor(uint32_t fps, uint32_t full) {
  if (fps == 0 || fps * 10 >= full * 9) {
    return sfu::kMaxLayers - 1;
  }
  return fps * 10 * 2 >= full * 9 ? 1 : 0;
}

}  // namespace weir::rtc
