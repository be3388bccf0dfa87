#include "sfu/down_track.h"

#include <algorithm>
#include <array>

#include "codec/audio.h"
#include "sfu/track_receiver.h"

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;
using codec::Codec;

namespace {
constexpr TimeDelta kSilenceInterval = TimeDelta::Millis(20);
constexpr uint32_t kSilenceTicks = 960;
constexpr size_t kMaxTrailer = 64;
constexpr TimeDelta kWaitingCheck = TimeDelta::Millis(100);
constexpr TimeDelta kSimulcastCheck = TimeDelta::Millis(50);
constexpr TimeDelta kIdleCheck = TimeDelta::Seconds(1);

LayerSelector::Config SelectorConfig(const DownTrack::Config& config) {
  LayerSelector::Config selector;
  selector.downgrade_overlap = config.downgrade_overlap;
  selector.dependency_descriptor = config.extensions.has(rtp::Extension::kDependencyDescriptor);
  return selector;
}

RetransmissionGate::Config GateConfig(const DownTrack::Config& config) {
  RetransmissionGate::Config gate;
  gate.max_resends = config.audio ? 2 : 5;
  return gate;
}

PacketBuilder::Config BuilderConfig(const DownTrack::Config& config) {
  PacketBuilder::Config builder{.extensions = config.extensions, .mid = config.mid};
  for (const SendCodec& codec : config.codecs) {
    if (codec.codec == Codec::kOpus && builder.opus_payload_type == 0) {
      builder.opus_payload_type = codec.payload_type;
    }
  }
  return builder;
}
}  // namespace

DownTrack::DownTrack(const Config& config, PacketSender& sender, base::Random& random)
    : config_(config),
      sender_(sender),
      forwarder_(config.audio, SelectorConfig(config), random),
      builder_(BuilderConfig(config)),
      sent_(config.audio ? config.audio_history : config.video_history),
      gate_(GateConfig(config)),
      reports_(random),
      mid_needed_(!config.mid.empty() && config.extensions.has(rtp::Extension::kMid)),
      rtx_seq_(1000 + random.Below(31'000)) {}

DownTrack::~DownTrack() {
  if (receiver_ != nullptr) {
    receiver_->RemoveDownTrack(this);
  }
}

void DownTrack::Attach(TrackReceiver* receiver) {
  if (receiver != nullptr) {
    // Another source: what is remembered of packets is about buffers that are out of reach.
    forwarder_.Interrupt(false);
    sent_.Clear();
  }
  receiver_ = receiver;
  next_check_ = receiver == nullptr || config_.audio ? Timestamp::Infinity() : Timestamp();
}

const SendCodec* DownTrack::Find(Codec codec) const {
  const auto it = std::ranges::find(config_.codecs, codec, &SendCodec::codec);
  return it == config_.codecs.end() ? nullptr : &*it;
}

bool DownTrack::UsesRtx(const SendCodec& codec) const {
  return config_.repair && config_.rtx_ssrc.has_value() && codec.rtx_payload_type.has_value();
}

// Which of the subscriber's codecs the publisher's becomes. Only when the publisher's changes.
void DownTrack::Resolve(const ReceivedPacket& packet) {
  source_payload_type_ = packet.payload_type;
  source_codec_ = packet.codec;
  send_codec_ = Find(packet.codec);
  mode_ = packet.codec == Codec::kRed ? Mode::kRed : Mode::kPass;
  if (send_codec_ == nullptr && packet.codec == Codec::kRed && packet.red != nullptr) {
    send_codec_ = Find(Codec::kOpus);
    mode_ = Mode::kRedToOpus;
  }
  codec_supported_ = send_codec_ != nullptr;
  if (!codec_supported_) {
    mode_ = Mode::kUnsupported;
    return;
  }
  codec_ = send_codec_->codec;
}

void DownTrack::OnPacket(base::Now now, const ReceivedPacket& packet) {
  if (disabled_ || publisher_muted_ || receiver_ == nullptr) {
    return;
  }
  if (packet.payload_type != source_payload_type_ || packet.codec != source_codec_) {
    Resolve(packet);
  }
  if (mode_ == Mode::kUnsupported) {
    ++stats_.unsupported_codec;
    return;
  }
  if (now.mono >= next_check_) {
    Check(now.mono);
  }
  if (mode_ == Mode::kRedToOpus) {
    if (packet.late && red_.WasRecovered(packet.seq)) {
      return;
    }
    EmitRecovered(now, packet);
  }
  Forwarded forwarded;
  switch (forwarder_.Process(now, packet, *receiver_, forwarded)) {
    case Forwarder::Outcome::kDrop:
      return;
    case Forwarder::Outcome::kFill:
      EmitFiller(now, forwarded);
      return;
    case Forwarder::Outcome::kForward:
      break;
  }
  EmitPacket(now, packet, forwarded);
}

void DownTrack::EmitPacket(base::Now now, const ReceivedPacket& packet, const Forwarded& forwarded) {
  if (mode_ == Mode::kPass) [[likely]] {
    const PayloadForm form = packet.vp8 != nullptr ? PayloadForm::kVp8 : PayloadForm::kPlain;
    Emit(now, packet, forwarded, form, packet.payload_offset, packet.payload_size);
    return;
  }
  if (mode_ == Mode::kRed || packet.red == nullptr) {
    const PayloadForm form = packet.red == nullptr ? PayloadForm::kPlain : PayloadForm::kRed;
    Emit(now, packet, forwarded, form, packet.payload_offset, packet.payload_size);
    return;
  }
  const base::ConstBytes primary = packet.red->primary().data;
  if (primary.empty()) {
    EmitFiller(now, forwarded);
    return;
  }
  Emit(now, packet, forwarded, PayloadForm::kRedBlock,
       static_cast<uint16_t>(primary.data() - packet.bytes().data()), static_cast<uint16_t>(primary.size()));
}

void DownTrack::EmitRecovered(base::Now now, const ReceivedPacket& packet) {
  const RedConverter::Recovered recovered = red_.Recover(packet, forwarder_.highest_source());
  for (size_t i = 0; i < recovered.count; ++i) {
    const RecoveredAudio& audio = recovered.packets[i];
    Forwarded forwarded;
    if (forwarder_.ProcessRecovered(now, packet, audio.back, audio.ticks, forwarded)) {
      red_.OnRecovered(packet.seq - audio.back);
      ++stats_.recovered_from_red;
      Emit(now, packet, forwarded, PayloadForm::kRedBlock, audio.payload_offset, audio.payload_size);
    }
  }
}

PacketBuilder::Target DownTrack::PrimaryTarget(int64_t seq, const SendCodec& codec) const {
  return PacketBuilder::Target{.ssrc = config_.ssrc,
                               .seq = seq,
                               .payload_type = codec.payload_type,
                               .original_seq = std::nullopt,
                               .stamps = !Exact(codec)};
}

void DownTrack::Emit(base::Now now, const ReceivedPacket& packet, const Forwarded& forwarded,
                     PayloadForm form, uint16_t payload_offset, uint16_t payload_size) {
  SentPacket sent;
  sent.source_seq = static_cast<uint32_t>(packet.source_seq);
  sent.timestamp = forwarded.timestamp;
  sent.payload_offset = payload_offset;
  sent.payload_size = payload_size;
  sent.layer = packet.layer;
  sent.payload_type = send_codec_->payload_type;
  sent.form = form;
  sent.marker = forwarded.marker;
  sent.mid = mid_needed_;
  if (forwarded.vp8) {
    sent.vp8 = *forwarded.vp8;
  }
  KeptDescriptor kept;
  sent.descriptor =
      forwarded.target_mask.has_value() && PatchDescriptor(packet, *forwarded.target_mask, kept);
  const PacketBuilder::Source source{.packet = packet.packet,
                                     .csrc_count = packet.csrc_count,
                                     .extensions = packet.extensions,
                                     .vp8 = packet.vp8};
  if (!builder_.Build(source, sent, sent.descriptor ? &kept : nullptr,
                      PrimaryTarget(forwarded.seq, *send_codec_), out_)) {
    ++stats_.unbuildable;
    return;
  }
  if (config_.repair) {
    sent_.Add(forwarded.seq, sent);
    if (sent.descriptor) {
      sent_.Keep(forwarded.seq, kept);
    }
  }
  SendFirst(now, *send_codec_);
}

// Announces which decode targets are left (sfu.md DD-2), on every packet but those with a structure.
bool DownTrack::PatchDescriptor(const ReceivedPacket& packet, uint32_t mask, KeptDescriptor& kept) const {
  const ExtensionSlice slice = packet.extensions.dependency_descriptor;
  if (packet.dependency == nullptr || !config_.extensions.has(rtp::Extension::kDependencyDescriptor)) {
    return false;
  }
  const size_t size = codec::PatchDependencyDescriptor(
      packet.bytes().subspan(slice.offset, slice.length), *packet.dependency,
      codec::DependencyDescriptorPatch{.active_targets = mask & packet.active_targets}, kept.bytes);
  kept.size = static_cast<uint8_t>(size);
  return size > 0;
}

void DownTrack::EmitFiller(base::Now now, const Forwarded& forwarded) {
  if (builder_.BuildPadding(PrimaryTarget(forwarded.seq, *send_codec_), forwarded.timestamp, mid_needed_,
                            out_)) {
    ++stats_.fillers;
    SendFirst(now, *send_codec_);
  }
}

void DownTrack::SendFirst(base::Now now, const SendCodec& codec) {
  if (last_sent_.never()) {
    reports_.OnFirstPacket(now.mono);
  }
  last_sent_ = now.mono;
  out_.audio = config_.audio;
  out_.retransmission = false;
  out_.exact = Exact(codec);
  const size_t payload = size_t{out_.prefix_size} + out_.payload_size;
  ++stats_.packets;
  stats_.bytes += payload;
  stats_.header_bytes += out_.header_size;
  gate_.OnMediaSent(out_.size());
  if (!sender_.Send(out_)) {
    ++stats_.sender_drops;
  }
  out_.packet = base::PacketRef();
}

void DownTrack::OnPublisherMuted(bool muted, base::Now now) {
  if (muted == publisher_muted_) {
    return;
  }
  publisher_muted_ = muted;
  silence_left_ = 0;
  next_silence_ = Timestamp::Infinity();
  if (!muted) {
    next_check_ = config_.audio ? Timestamp::Infinity() : now.mono;
    AskForKeyframe(now.mono);
    return;
  }
  forwarder_.Interrupt(true);
  next_check_ = Timestamp::Infinity();
  // Without the room's trailer a receiver would try to decrypt our silence.
  const bool encrypted = receiver_ != nullptr && receiver_->config().encrypted;
  const bool opus = Find(Codec::kOpus) != nullptr && send_codec_ != nullptr && mode_ != Mode::kUnsupported &&
                    (source_codec_ == Codec::kOpus || source_codec_ == Codec::kRed);
  if (config_.audio && forwarder_.started() && opus && !disabled_ &&
      (!encrypted || !config_.silence_trailer.empty())) {
    silence_left_ = static_cast<int>(config_.silence.micros() / kSilenceInterval.micros());
    next_silence_ = std::max(now.mono, last_sent_ + kSilenceInterval);
  }
}

void DownTrack::EmitSilence(base::Now now) {
  std::array<uint8_t, codec::kOpusSilence.size() + kMaxTrailer> payload;
  auto end = std::ranges::copy(codec::kOpusSilence, payload.begin()).out;
  if (receiver_ != nullptr && receiver_->config().encrypted) {
    const size_t size = std::min(config_.silence_trailer.size(), kMaxTrailer);
    end = std::copy_n(config_.silence_trailer.begin(), size, end);
  }
  const Forwarded forwarded = forwarder_.Append(kSilenceTicks, now.mono);
  const SendCodec& opus = *Find(Codec::kOpus);
  const PacketBuilder::Target target = PrimaryTarget(forwarded.seq, opus);
  const base::ConstBytes bytes(payload.data(), static_cast<size_t>(end - payload.begin()));
  if (builder_.BuildOwn(target, forwarded.timestamp, mid_needed_, bytes, out_)) {
    ++stats_.silence_packets;
    SendFirst(now, opus);
  }
}

void DownTrack::SetMaxLayers(int spatial, int temporal, Timestamp now) {
  forwarder_.selector().SetMax(spatial, temporal, now);
  AskForKeyframe(now);
  if (!next_check_.infinite()) {
    next_check_ = std::min(next_check_, now + kWaitingCheck);
  }
}

void DownTrack::SetDisabled(bool disabled, Timestamp now) {
  if (disabled == disabled_) {
    return;
  }
  disabled_ = disabled;
  if (disabled) {
    forwarder_.Interrupt(false);
    silence_left_ = 0;
    next_silence_ = Timestamp::Infinity();
    next_check_ = Timestamp::Infinity();
    return;
  }
  next_check_ = config_.audio ? Timestamp::Infinity() : now;
  AskForKeyframe(now);
}

bool DownTrack::WantsLayer(int layer, Timestamp now) const {
  return !disabled_ && receiver_ != nullptr && forwarder_.selector().Wants(layer, now, *receiver_);
}

void DownTrack::AskForKeyframe(Timestamp now) {
  if (config_.audio || disabled_ || publisher_muted_ || receiver_ == nullptr) {
    return;
  }
  const auto layer = forwarder_.selector().WantedKeyframe(now, *receiver_);
  if (layer) {
    receiver_->RequestKeyframe(*layer, now);
  }
}

// Looks after layers: ends overlaps, notices silence, asks for key frames. The receiver merges what is asked.
void DownTrack::Check(Timestamp now) {
  if (config_.audio || disabled_ || publisher_muted_ || receiver_ == nullptr) {
    next_check_ = Timestamp::Infinity();
    return;
  }
  forwarder_.selector().OnTimeout(now, *receiver_);
  const auto layer = forwarder_.selector().WantedKeyframe(now, *receiver_);
  if (layer) {
    receiver_->RequestKeyframe(*layer, now);
  }
  next_check_ = now + (receiver_->simulcast() ? kSimulcastCheck : layer ? kWaitingCheck : kIdleCheck);
}

Timestamp DownTrack::NextTimeout() const { return std::min(next_silence_, next_check_); }

void DownTrack::OnTimeout(base::Now now) {
  while (silence_left_ > 0 && now.mono >= next_silence_) {
    EmitSilence(now);
    next_silence_ = --silence_left_ > 0 ? next_silence_ + kSilenceInterval : Timestamp::Infinity();
  }
  if (now.mono >= next_check_) {
    Check(now.mono);
  }
}

}  // namespace weir::sfu
