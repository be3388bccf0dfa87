// The receiving end of one RTP stream, as strict as a decoder: it puts packets in order, asks for what is
// missing, and judges frames by VP8's reference rules. What a correct forwarder never does (jump in sequence
// numbers or picture ids, go back in time, repeat a payload) is a violation, told in words.
//
// Works on RTP after SRTP. Feed packets to OnRtp, call OnTimeout at NextTimeout(), send what TakeNack and
// TakePli return. Only VP8 and Opus from the media sources are understood.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "codec/vp8.h"
#include "rtcp/packets.h"
#include "rtp/packet.h"
#include "rtp/sequence.h"
#include "sim/stamp.h"

namespace weir::sim {

class MediaSink {
 public:
  struct Config {
    rtp::Ssrc ssrc;
    std::optional<rtp::Ssrc> rtx_ssrc;
    bool video = true;
    uint8_t payload_type = 96;
    uint8_t rtx_payload_type = 97;
    bool nack = true;
    rtp::Ssrc local_ssrc{1};
    base::TimeDelta nack_delay = base::TimeDelta::Millis(10);      // Lets reordering heal.
    base::TimeDelta nack_interval = base::TimeDelta::Millis(100);  // Between requests for one packet.
    int max_nacks = 10;
    base::TimeDelta max_wait = base::TimeDelta::Seconds(1);  // Then a gap is given up.
    base::TimeDelta pli_interval = base::TimeDelta::Millis(500);
    size_t max_buffered = 2048;  // Packets that wait behind a gap.
    bool expect_stamps = true;   // Of video. Audio may hold silence that the forwarder made.
  };
  struct Stats {
    uint64_t packets = 0;  // Media and repaired, without duplicates.
    uint64_t payload_bytes = 0;
    uint64_t padding = 0;  // Packets without payload.
    uint64_t duplicates = 0;
    uint64_t repaired = 0;     // Arrived by RTX or after a NACK.
    uint64_t given_up = 0;     // Never arrived.
    uint64_t ignored = 0;      // Another SSRC or payload type, unreadable.
    uint64_t frames = 0;       // Decodable. Audio: every packet.
    uint64_t frames_lost = 0;  // Complete or not, but not decodable.
    uint64_t keyframes = 0;
    uint64_t nacks = 0;  // Sequence numbers asked for.
    uint64_t plis = 0;
    uint16_t width = 0;  // Of the last key frame.
    uint16_t height = 0;
    std::array<uint64_t, 4> frames_by_tid = {};
    std::optional<Stamp> last_stamp;  // Of the last decodable frame: which source layer is shown.
    base::TimeDelta longest_freeze;   // Between decodable frames.
  };

  explicit MediaSink(const Config& config) : config_(config) {}

  void OnRtp(base::Timestamp now, base::ConstBytes packet);
  void OnSenderReport(base::Timestamp now, const rtcp::SenderReport& report);
  base::Timestamp NextTimeout() const;
  void OnTimeout(base::Timestamp now);

  std::optional<rtcp::Nack> TakeNack();
  std::optional<rtcp::Pli> TakePli(base::Timestamp now);
  rtcp::ReportBlock MakeReportBlock(base::Timestamp now);  // RFC 3550 section 6.4.1 and appendix A.

  const Stats& stats() const { return stats_; }
  // At most 20; empty when all was well.
  const std::vector<std::string>& violations() const { return violations_; }
  base::Timestamp last_frame() const { return last_frame_; }

 private:
  struct Waiting {
    uint32_t timestamp = 0;
    bool marker = false;
    std::optional<codec::Vp8Descriptor> vp8;
    std::optional<Stamp> stamp;
    bool empty = false;
  };
  struct Missing {
    base::Timestamp since;
    base::Timestamp next_nack;
    int nacks = 0;
  };
  struct FrameUnderWay {
    codec::Vp8Descriptor first;
    uint32_t timestamp = 0;
    std::optional<Stamp> stamp;
  };

  void OnMedia(base::Timestamp now, uint16_t sequence, const rtp::Header& header, base::ConstBytes payload,
               bool repair);
  void CheckStamp(int64_t sequence, const Waiting& packet);
  void UpdateJitter(base::Timestamp now, uint32_t timestamp);
  void NoteMissing(base::Timestamp now, int64_t from, int64_t to);
  void Advance(base::Timestamp now);
  void GiveUp(base::Timestamp now);
  void Take(base::Timestamp now, const Waiting& packet);
  void TakeVideo(base::Timestamp now, const Waiting& packet);
  void FinishFrame(base::Timestamp now, const FrameUnderWay& frame);
  bool IsDecodable(const FrameUnderWay& frame);
  void CountFrame(base::Timestamp now, const std::optional<Stamp>& stamp);
  void Violate(std::string text);

  const Config config_;
  Stats stats_;
  std::vector<std::string> violations_;

  rtp::SeqUnwrapper unwrapper_;
  std::optional<int64_t> first_;
  int64_t next_ = 0;  // To be taken.
  std::map<int64_t, Waiting> waiting_;
  std::map<int64_t, Missing> missing_;
  std::vector<uint16_t> due_nacks_;

  std::optional<FrameUnderWay> frame_;
  std::optional<uint32_t> last_timestamp_;
  bool gap_ = true;  // Packets are missing before the next one: references may be, too.
  bool need_keyframe_ = true;
  std::optional<int32_t> last_picture_id_;
  std::optional<uint8_t> last_tl0_;  // Of the last decodable base layer frame.
  std::set<int> broken_tids_;        // Temporal layers that wait for a sync point.
  base::Timestamp last_frame_ = base::Timestamp::Never();
  base::Timestamp last_pli_ = base::Timestamp::Never();

  std::map<Stamp, int64_t> seen_;  // The newest stamps and the sequence numbers that brought them.
  std::deque<Stamp> seen_order_;

  int64_t received_total_ = 0;
  int64_t reported_expected_ = 0;
  int64_t reported_received_ = 0;
  std::optional<int64_t> last_transit_;
  int64_t jitter_q4_ = 0;
  uint32_t last_sr_ = 0;
  base::Timestamp last_sr_at_ = base::Timestamp::Never();
};

}  // namespace weir::sim
