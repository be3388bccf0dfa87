// The RTCP of one transport: what arrives is told to down tracks and receivers, what is due goes out in
// compounds.

#include <algorithm>
#include <functional>
#include <utility>

#include "base/overloaded.h"
#include "rtc/transport.h"
#include "rtcp/compound.h"
#include "rtcp/ntp.h"
#include "rtcp/writer.h"

namespace weir::rtc {
namespace {

using base::Now;

// Collects packets into compounds of at most `limit` bytes and sends each when the next packet does not fit.
class CompoundWriter {
 public:
  using Send = std::function<void(base::ConstBytes)>;
  CompoundWriter(size_t limit, Send send)
      : limit_(std::min(limit, sizeof storage_)), send_(std::move(send)) {}

  template <typename Packet>
  void Add(const Packet& packet) {
    if (!TryAdd(packet)) {
      Flush();
      TryAdd(packet);
    }
  }
  void AddBytes(base::ConstBytes packet) {
    if (size_ + packet.size() > limit_) {
      Flush();
    }
    if (packet.size() <= limit_) {
      std::copy(packet.begin(), packet.end(), storage_ + size_);
      size_ += packet.size();
    }
  }
  void Flush() {
    if (size_ > 0) {
      send_({storage_, size_});
      size_ = 0;
    }
  }

 private:
  template <typename Packet>
  bool TryAdd(const Packet& packet) {
    base::ByteWriter writer({storage_ + size_, limit_ - size_});
    if (!rtcp::Write(packet, writer)) {
      return false;
    }
    size_ += writer.position();
    return true;
  }

  uint8_t storage_[1200];
  size_t size_ = 0;
  const size_t limit_;
  const Send send_;
};

}  // namespace

void Transport::OnRtcp(Now now, base::ConstBytes compound) {
  // What was read before a broken packet counts; the rest of the compound is lost.
  rtcp_scratch_.clear();
  if (!rtcp::ParseCompound(compound, rtcp_scratch_)) {
    ++counters_.rtcp_malformed;
  }
  for (const rtcp::Packet& packet : rtcp_scratch_) {
    OnRtcpPacket(now, packet);
  }
}

void Transport::OnRtcpPacket(Now now, const rtcp::Packet& packet) {
  const auto with_track = [&](rtp::Ssrc ssrc, const auto& call) {
    if (sfu::DownTrack* track = FindDownTrack(ssrc)) {
      call(*track);
    } else {
      ++counters_.rtcp_unknown_ssrc;
    }
  };
  std::visit(
      base::Overloaded{
          [&](const rtcp::SenderReport& report) {
            if (sfu::TrackReceiver* receiver = demuxer_.ReceiverOf(report.sender)) {
              receiver->OnSenderReport(now, report);
            }
            OnReportBlocks(now, report.blocks);
          },
          [&](const rtcp::ReceiverReport& report) { OnReportBlocks(now, report.blocks); },
          [&](const rtcp::Nack& nack) {
            with_track(nack.media, [&](sfu::DownTrack& track) { track.OnNack(now, nack.sequences); });
          },
          [&](const rtcp::Pli& pli) {
            with_track(pli.media, [&](sfu::DownTrack& track) { track.OnPli(now.mono); });
          },
          [&](const rtcp::Fir& fir) {
            for (const rtcp::FirEntry& entry : fir.entries) {
              with_track(entry.ssrc, [&](sfu::DownTrack& track) { track.OnFir(now.mono); });
            }
          },
          [&](const rtcp::XrDlrr& dlrr) {
            for (const rtcp::DlrrItem& item : dlrr.items) {
              const uint32_t compact = rtcp::CompactNtp(rtcp::NtpFromWall(now.wall));
              if (const auto rtt = rtcp::RoundTripTime(compact, item.last_rr, item.delay_since_last_rr)) {
                uplink_rtt_ = rtt;
              }
            }
          },
          // What clients say of themselves beyond this is not needed: names, estimates of their own downlink,
          // goodbyes (tracks end by negotiation).
          [](const rtcp::Sdes&) {},
          [](const rtcp::Bye&) {},
          [](const rtcp::Remb&) {},
          [](const rtcp::TransportFeedback&) {},
          [](const rtcp::XrRrtr&) {},
      },
      packet);
}

void Transport::OnReportBlocks(Now now, const std::vector<rtcp::ReportBlock>& blocks) {
  for (const rtcp::ReportBlock& block : blocks) {
    if (sfu::DownTrack* track = FindDownTrack(block.ssrc)) {
      track->OnReportBlock(now, block);
    }
  }
}

void Transport::SendCompound(base::ConstBytes compound) {
  connection_.SendRtcp(environment_.output, compound);
}

// NACK and PLI of the receivers and transport feedback: due at their own times, reduced size (RFC 5506).
void Transport::SendFeedback(Now now) {
  CompoundWriter writer(config_.max_report_size, [this](base::ConstBytes bytes) { SendCompound(bytes); });
  std::vector<rtcp::Nack> nacks;
  std::vector<rtcp::Pli> plis;
  for (sfu::TrackReceiver* receiver : receivers_) {
    receiver->AppendFeedback(now, local_ssrc_, nacks, plis);
  }
  for (const rtcp::Nack& nack : nacks) {
    writer.Add(nack);
  }
  for (const rtcp::Pli& pli : plis) {
    writer.Add(pli);
  }
  if (twcc_.NextTimeout() <= now.mono) {
    while (const auto feedback = twcc_.Build(now.mono, local_ssrc_)) {
      writer.AddBytes(*feedback);
    }
  }
  writer.Flush();
}

void Transport::SendReports(Now now) {
  // Half of the interval is jitter, so that the reports of many connections do not fall on one moment.
  const int64_t interval = config_.report_interval.micros();
  next_report_ = now.mono + base::TimeDelta::Micros(
                                interval / 2 + environment_.random.Below(static_cast<uint32_t>(interval)));

  CompoundWriter writer(config_.max_report_size, [this](base::ConstBytes bytes) { SendCompound(bytes); });
  for (const Outgoing& outgoing : outgoing_) {
    if (const auto report = outgoing.track->MakeSenderReport(now)) {
      writer.Add(*report);
      writer.Add(rtcp::Sdes{.items = {{report->sender, cname_}}});
    }
  }
  rtcp::ReceiverReport reports{.sender = local_ssrc_};
  const auto add_reports = [&] {
    if (!reports.blocks.empty()) {
      writer.Add(std::exchange(reports, {.sender = local_ssrc_}));
    }
  };
  for (sfu::TrackReceiver* receiver : receivers_) {
    if (const auto round_trip = uplink_rtt_ ? uplink_rtt_ : rtt()) {
      receiver->SetRtt(*round_trip);
    }
    for (const rtcp::ReportBlock& block : receiver->ReportBlocks(now.mono)) {
      reports.blocks.push_back(block);
      if (reports.blocks.size() == rtcp::kMaxReportBlocks) {
        add_reports();
      }
    }
  }
  add_reports();
  if (!receivers_.empty()) {
    writer.Add(rtcp::XrRrtr{.sender = local_ssrc_, .ntp = rtcp::NtpFromWall(now.wall)});
  }
  writer.Flush();
}

}  // namespace weir::rtc
