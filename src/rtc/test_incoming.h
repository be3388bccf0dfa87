// A track as a simulated client receives it: checks every packet against what its publisher sent, asks for
// lost ones, reports.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rtc/media_engine.h"
#include "rtc/test_media.h"
#include "rtcp/ntp.h"
#include "rtcp/packets.h"
#include "rtp/sequence.h"

namespace weir::rtc::test {

class IncomingTrack {
 public:
  struct Config {
    std::string receiver;  // Identity of who receives.
    std::string sid;
    std::string publisher;  // Whose track it is, and under which cid it was published.
    std::string cid;
    std::string mid;
    bool audio = true;
    rtp::Ssrc ssrc;
    std::optional<rtp::Ssrc> rtx;
    std::vector<NegotiatedCodec> codecs;
  };
  struct Counters {
    uint64_t packets = 0;
    uint64_t repaired = 0;  // Arrived as RTX.
    uint64_t duplicates = 0;
    uint64_t silence = 0;
    uint64_t fillers = 0;
    uint64_t nacked = 0;
    uint64_t given_up = 0;
    uint64_t plis = 0;
    uint64_t sender_reports = 0;
  };

  IncomingTrack(Config config, const MediaLedger& ledger) : config_(std::move(config)), ledger_(ledger) {}

  const Config& config() const { return config_; }
  const Counters& counters() const { return counters_; }
  const std::set<sim::Stamp>& stamps() const { return stamps_; }
  Timestamp last_packet() const { return last_packet_; }
  const std::set<int>& layers() const { return layers_; }
  std::optional<int> last_layer() const { return last_layer_; }
  const std::set<codec::Codec>& codecs_seen() const { return codecs_seen_; }

  std::optional<Timestamp> ended_at;  // The section was taken from it.

  // The first thing that was wrong with a packet, or nothing.
  std::optional<std::string> OnPacket(Now now, const rtp::Header& header, ConstBytes packet) {
    return Take(now, header.payload_type, header.sequence, header.timestamp, header.marker,
                header.Payload(packet), false);
  }
  // RFC 4588: the original number comes before the payload.
  std::optional<std::string> OnRtx(Now now, const rtp::Header& header, ConstBytes packet) {
    const ConstBytes payload = header.Payload(packet);
    if (payload.size() < 2) {
      return std::nullopt;  // Padding to probe with.
    }
    const NegotiatedCodec* codec = nullptr;
    for (const NegotiatedCodec& candidate : config_.codecs) {
      if (candidate.rtx_payload_type == header.payload_type) {
        codec = &candidate;
      }
    }
    if (codec == nullptr) {
      return "RTX under a payload type that was not negotiated";
    }
    ++counters_.repaired;
    return Take(now, codec->sdp.payload_type, base::LoadU16(payload.data()), header.timestamp, header.marker,
                payload.subspan(2), true);
  }

  void OnSenderReport(Now now, const rtcp::SenderReport& report) {
    ++counters_.sender_reports;
    last_sr_ = rtcp::CompactNtp(report.ntp);
    last_sr_at_ = now.mono;
  }

  // Sequence numbers to ask for now.
  std::vector<uint16_t> TakeNacks(Now now) {
    std::vector<uint16_t> due;
    for (auto entry = missing_.begin(); entry != missing_.end();) {
      auto& [seq, state] = *entry;
      if (state.next <= now.mono && ++state.attempts > kMaxAttempts) {
        ++counters_.given_up;
        keyframe_wanted_ |= !config_.audio;
        entry = missing_.erase(entry);
        continue;
      }
      if (state.next <= now.mono) {
        state.next = now.mono + kRetry;
        due.push_back(static_cast<uint16_t>(seq));
      }
      ++entry;
    }
    counters_.nacked += due.size();
    return due;
  }
  bool TakePli(Now now) {
    const bool due = (keyframe_wanted_ || (!config_.audio && !keyframe_seen_)) && now.mono >= next_pli_;
    if (due) {
      keyframe_wanted_ = false;
      next_pli_ = now.mono + TimeDelta::Millis(500);
      ++counters_.plis;
    }
    return due;
  }
  std::optional<rtcp::ReportBlock> Report(Now now) const {
    if (!unwrapper_.highest()) {
      return std::nullopt;
    }
    rtcp::ReportBlock block;
    block.ssrc = config_.ssrc;
    block.cumulative_lost = static_cast<int32_t>(missing_.size());
    block.highest_seq = static_cast<uint32_t>(*unwrapper_.highest());
    block.last_sr = last_sr_;
    if (last_sr_ != 0) {
      block.delay_since_last_sr = rtcp::CompactNtpFromDelta(now.mono - last_sr_at_);
    }
    return block;
  }

  // What can only be seen in the order of sequence numbers: time does not go back, frames end where their
  // marker is, a change of layer begins with a key frame, picture ids count up.
  std::optional<std::string> CheckOrder() const {
    const Arrived* before = nullptr;
    int64_t before_seq = 0;
    for (const auto& [seq, arrived] : arrived_) {
      if (arrived.payload_size == 0) {
        continue;  // A filler takes the time of its place.
      }
      if (before != nullptr) {
        const bool adjacent = seq == before_seq + 1;
        if (rtp::TimestampNewer(before->timestamp, arrived.timestamp)) {
          return Wrong("time goes back", seq);
        }
        if (!config_.audio && adjacent && before->marker && before->timestamp == arrived.timestamp) {
          return Wrong("a frame goes on after its marker", seq);
        }
        if (!config_.audio && adjacent && before->source != arrived.source && !arrived.keyframe) {
          return Wrong("a layer begins without a key frame", seq);
        }
        const bool same_frame = before->timestamp == arrived.timestamp;
        const int step = (arrived.picture_id - before->picture_id) & 0x7fff;
        if (!config_.audio && (same_frame ? step != 0 : step == 0 || step > 0x4000)) {
          return Wrong("picture ids do not follow frames", seq);
        }
      }
      before = &arrived;
      before_seq = seq;
    }
    return std::nullopt;
  }

 private:
  struct Arrived {
    uint32_t timestamp = 0;
    bool marker = false;
    bool keyframe = false;
    int picture_id = 0;
    rtp::Ssrc source;
    size_t payload_size = 0;
    uint64_t hash = 0;
  };
  struct Missing {
    int attempts = 0;
    Timestamp next;
  };
  static constexpr int kMaxAttempts = 10;
  static constexpr int64_t kMaxGap = 500;
  static constexpr TimeDelta kPatience = TimeDelta::Millis(15);
  static constexpr TimeDelta kRetry = TimeDelta::Millis(130);

  std::string Wrong(const std::string& what, int64_t seq) const {
    return config_.receiver + " <- " + config_.publisher + "/" + config_.cid + " at " + std::to_string(seq) +
           ": " + what;
  }

  std::optional<std::string> Take(Now now, uint8_t payload_type, uint16_t sequence, uint32_t timestamp,
                                  bool marker, ConstBytes payload, bool repair) {
    const std::optional<int64_t> highest = unwrapper_.highest();
    const int64_t seq = unwrapper_.Unwrap(sequence);
    if (ended_at && now.mono - *ended_at > TimeDelta::Millis(700)) {
      return Wrong("media after the end of its section", seq);
    }
    if (!repair) {
      NoteGap(now, highest, seq);
    }
    missing_.erase(seq);
    last_packet_ = now.mono;
    Arrived arrived{timestamp, marker, false, 0, {}, payload.size(), HashBytes(payload)};
    if (const auto known = arrived_.find(seq); known != arrived_.end()) {
      ++counters_.duplicates;
      const bool same = known->second.hash == arrived.hash && known->second.timestamp == timestamp &&
                        known->second.marker == marker;
      return same ? std::nullopt : std::optional(Wrong("a sequence number with two contents", seq));
    }
    ++counters_.packets;
    auto wrong = payload.empty() ? TakeFiller(seq) : Check(payload_type, payload, seq, arrived);
    arrived_.emplace(seq, arrived);
    return wrong;
  }

  void NoteGap(Now now, std::optional<int64_t> highest, int64_t seq) {
    if (!highest || seq <= *highest) {
      return;
    }
    if (seq - *highest > kMaxGap) {
      keyframe_wanted_ |= !config_.audio;
      return;
    }
    for (int64_t lost = *highest + 1; lost < seq; ++lost) {
      missing_.try_emplace(lost, Missing{0, now.mono + kPatience});
    }
  }

  std::optional<std::string> TakeFiller(int64_t seq) {
    ++counters_.fillers;
    return config_.audio ? std::optional(Wrong("an empty audio packet", seq)) : std::nullopt;
  }

  std::optional<std::string> Check(uint8_t payload_type, ConstBytes payload, int64_t seq, Arrived& arrived) {
    const auto codec = std::find_if(
        config_.codecs.begin(), config_.codecs.end(),
        [&](const NegotiatedCodec& candidate) { return candidate.sdp.payload_type == payload_type; });
    if (codec == config_.codecs.end()) {
      return Wrong("payload type " + std::to_string(payload_type) + " was not negotiated", seq);
    }
    codecs_seen_.insert(codec->codec);
    switch (codec->codec) {
      case codec::Codec::kOpus:
        return CheckAudio(payload, seq);
      case codec::Codec::kRed: {
        const auto red = codec::ParseRed(payload);
        if (!red) {
          return Wrong("broken RED", seq);
        }
        for (size_t i = 0; i < red->count; ++i) {
          if (auto wrong = CheckAudio(red->blocks[i].data, seq)) {
            return wrong;
          }
        }
        return std::nullopt;
      }
      case codec::Codec::kVp8: {
        const auto descriptor = codec::ParseVp8(payload);
        if (!descriptor) {
          return Wrong("broken VP8", seq);
        }
        arrived.keyframe = descriptor->keyframe;
        arrived.picture_id = descriptor->picture_id;
        keyframe_seen_ |= descriptor->keyframe;
        return CheckBody(payload.subspan(descriptor->descriptor_size), seq, &arrived);
      }
      default:
        return Wrong("a codec that nobody publishes", seq);
    }
  }

  std::optional<std::string> CheckAudio(ConstBytes body, int64_t seq) {
    static constexpr uint8_t kSilence[] = {0xf8, 0xff, 0xfe};
    if (body.size() >= 3 && std::equal(std::begin(kSilence), std::end(kSilence), body.begin())) {
      ++counters_.silence;
      return std::nullopt;
    }
    return CheckBody(body, seq, nullptr);
  }

  std::optional<std::string> CheckBody(ConstBytes body, int64_t seq, Arrived* arrived) {
    const auto stamp = sim::ReadStamp(body);
    const SentRecord* sent = stamp ? ledger_.Find(*stamp) : nullptr;
    if (sent == nullptr) {
      return Wrong("a payload that nobody sent", seq);
    }
    if (sent->publisher == config_.receiver) {
      return Wrong("its own media", seq);
    }
    if (sent->publisher != config_.publisher || sent->cid != config_.cid) {
      return Wrong("media of another track: " + sent->publisher + "/" + sent->cid, seq);
    }
    if (sent->body_hash != HashBytes(body)) {
      return Wrong("a payload that was changed", seq);
    }
    if (arrived != nullptr) {
      arrived->source = stamp->source;
    }
    layers_.insert(sent->layer);
    last_layer_ = sent->layer;
    stamps_.insert(*stamp);
    return std::nullopt;
  }

  const Config config_;
  const MediaLedger& ledger_;
  rtp::SeqUnwrapper unwrapper_;
  std::map<int64_t, Arrived> arrived_;
  std::map<int64_t, Missing> missing_;
  std::set<sim::Stamp> stamps_;
  std::set<int> layers_;
  std::optional<int> last_layer_;
  std::set<codec::Codec> codecs_seen_;
  bool keyframe_seen_ = false;
  bool keyframe_wanted_ = false;
  Timestamp next_pli_ = Timestamp::Never();
  Timestamp last_packet_ = Timestamp::Never();
  uint32_t last_sr_ = 0;
  Timestamp last_sr_at_;
  Counters counters_;
};

// Shares of what a track's publisher sent in [from, to) that arrived: audio by packet, video by frame that is
// complete on some layer.
struct Coverage {
  size_t sent = 0;
  size_t arrived = 0;
  double ratio() const { return sent == 0 ? 0 : static_cast<double>(arrived) / static_cast<double>(sent); }
};

inline Coverage CoverageOf(MediaLedger& ledger, const std::vector<const IncomingTrack*>& tracks,
                           const std::string& cid, Timestamp from, Timestamp to) {
  std::map<int64_t, std::map<int, int>> wanted;  // Frame to layer to packets.
  std::map<int64_t, std::map<int, int>> received;
  for (const sim::Stamp& stamp : ledger.Of(cid)) {
    const SentRecord& record = *ledger.Find(stamp);
    if (record.at < from || record.at >= to) {
      continue;
    }
    wanted[record.frame][record.layer] = record.packets_of_frame;
    const bool here = std::any_of(tracks.begin(), tracks.end(), [&](const IncomingTrack* track) {
      return track->stamps().contains(stamp);
    });
    received[record.frame][record.layer] += here ? 1 : 0;
  }
  Coverage coverage;
  for (const auto& [frame, layers] : wanted) {
    ++coverage.sent;
    const std::map<int, int>& here = received[frame];
    const bool complete = std::any_of(layers.begin(), layers.end(), [&](const auto& layer) {
      return here.at(layer.first) >= layer.second;
    });
    coverage.arrived += complete ? 1 : 0;
  }
  return coverage;
}

}  // namespace weir::rtc::test
