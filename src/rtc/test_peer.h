// One peer connection of a simulated client: sends the packets of sources with repairs, hands what arrives to
// incoming tracks, and does the RTCP of both.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/overloaded.h"
#include "peer/connection.h"
#include "rtc/test_incoming.h"
#include "rtc/test_media.h"
#include "rtc/test_world.h"
#include "rtcp/compound.h"
#include "rtcp/writer.h"
#include "rtp/header_writer.h"

namespace weir::rtc::test {

class TestPeer final : public peer::Observer {
 public:
  // Chromium's numbers, as in test_offer.h.
  static constexpr uint8_t kAudioLevelId = 1, kTransportCcId = 3, kMidId = 4, kRidId = 10,
                           kRepairedRidId = 11;

  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnPeerConnected(Now now, TestPeer& peer) = 0;
    virtual void OnPeerData(Now now, TestPeer& peer, std::string_view label, bool binary,
                            ConstBytes bytes) = 0;
  };
  struct Counters {
    uint64_t unknown_ssrc = 0;  // Media that overtook its description.
    uint64_t nacks_received = 0;
    uint64_t plis_received = 0;
    uint64_t transport_feedback = 0;
    uint64_t receiver_reports = 0;
    uint64_t retransmitted = 0;
  };

  TestPeer(TestWorld& world, std::string name, ice::Role role, const net::SocketAddress& address,
           Owner& owner)
      : name(std::move(name)),
        address(address),
        public_address(address),
        world_(world),
        owner_(owner),
        connection(Config(role), TestCertificate(), world.network.random(), *this) {
    connection.ice().AddLocalCandidate(ice::MakeHostCandidate(net::Protocol::kUdp, address, 65535));
    output.on_packet = [this](const net::FiveTuple&, ConstBytes) { ++sent_datagrams; };
  }

  // ---- Media out.

  void Send(Now now, const std::string& mid, bool audio, const MediaPacket& packet, uint8_t payload_type) {
    OutgoingStream& stream = *packet.stream;
    const int64_t seq = stream.next_seq++;
    Buffer header(200);
    rtp::HeaderWriter writer(header);
    writer.Begin(payload_type, packet.marker, static_cast<uint16_t>(seq), packet.timestamp, stream.ssrc);
    if (packet.audio_level) {
      const uint8_t level[] = {static_cast<uint8_t>(0x80 | *packet.audio_level)};
      writer.AddExtension(kAudioLevelId, level);
    }
    AddIds(writer, stream, mid, audio, kRidId);
    header.resize(writer.Finish());
    ++stream.packets;
    stream.octets += static_cast<uint32_t>(packet.payload.size());
    stream.last_timestamp = packet.timestamp;
    stream.last_at = now.mono;
    connection.SendRtp(output, header, {}, packet.payload, 0, static_cast<uint32_t>(seq >> 16));
    stream.history[seq] = {payload_type, seq, packet.timestamp, packet.marker, header, packet.payload};
    if (stream.history.size() > 800) {
      stream.history.erase(stream.history.begin());
    }
  }

  // ---- RTCP out; call every 20 ms or so.

  void SendFeedback(Now now) {
    if (!connection.connected()) {
      return;
    }
    for (const auto& [mid, track] : incoming) {
      const std::vector<uint16_t> lost = track->TakeNacks(now);
      if (!lost.empty()) {
        SendRtcp(rtcp::Nack{kReporter, track->config().ssrc, lost});
      }
      if (track->TakePli(now)) {
        SendRtcp(rtcp::Pli{kReporter, track->config().ssrc});
      }
    }
    if (now.mono >= next_report_) {
      next_report_ = now.mono + TimeDelta::Seconds(1);
      SendReports(now);
    }
  }

  template <typename Packet>
  void SendRtcp(const Packet& packet) {
    uint8_t space[1200];
    base::ByteWriter writer(space);
    rtcp::Write(packet, writer);
    connection.SendRtcp(output, writer.written());
  }

  // ---- Tracks.

  IncomingTrack* FindIncoming(rtp::Ssrc ssrc) {
    for (const auto& list : {&live_, &ended_}) {
      for (IncomingTrack* track : *list) {
        if (track->config().ssrc == ssrc || track->config().rtx == ssrc) {
          return track;
        }
      }
    }
    return nullptr;
  }
  void SetIncoming(Now now, const std::string& mid, std::unique_ptr<IncomingTrack> track) {
    EndIncoming(now, mid);
    live_.push_back(track.get());
    incoming[mid] = std::move(track);
  }
  void EndIncoming(Now now, const std::string& mid) {
    if (const auto found = incoming.find(mid); found != incoming.end()) {
      found->second->ended_at = now.mono;
      std::erase(live_, found->second.get());
      ended_.push_back(found->second.get());
      past.push_back(std::move(found->second));
      incoming.erase(found);
    }
  }

  // peer::Observer

  void OnRtp(Now now, base::PacketRef packet) override {
    const ConstBytes bytes = std::as_const(*packet).bytes();
    const auto header = rtp::ParseHeader(bytes);
    if (!header) {
      world_.violations.push_back(name + ": not RTP");
      return;
    }
    world_.Log(static_cast<uint64_t>(now.mono.micros()));
    world_.Log(HashBytes(header->Payload(bytes), header->ssrc.value() + header->sequence));
    IncomingTrack* track = FindIncoming(header->ssrc);
    if (track == nullptr) {
      NoteUnknown(now, header->ssrc);
      return;
    }
    unknown_since_.erase(header->ssrc);
    const bool rtx = track->config().rtx == header->ssrc;
    const auto wrong = rtx ? track->OnRtx(now, *header, bytes) : track->OnPacket(now, *header, bytes);
    if (wrong) {
      world_.violations.push_back(*wrong);
    }
  }

  void OnRtcp(Now now, ConstBytes compound) override {
    const auto read = rtcp::VisitCompound(
        compound, base::Overloaded{
                      [&](const rtcp::SenderReport& report) {
                        if (IncomingTrack* track = FindIncoming(report.sender)) {
                          track->OnSenderReport(now, report);
                        }
                      },
                      [&](const rtcp::ReceiverReport& report) {
                        ++counters.receiver_reports;
                        for (const rtcp::ReportBlock& block : report.blocks) {
                          if (OutgoingStream* stream = FindStream(block.ssrc)) {
                            (stream->ssrc == block.ssrc ? stream->reported : stream->rtx_reported) = true;
                          }
                        }
                      },
                      [&](const rtcp::Nack& nack) { Repair(now, nack); },
                      [&](const rtcp::Pli& pli) {
                        ++counters.plis_received;
                        if (OutgoingStream* stream = FindStream(pli.media)) {
                          stream->keyframe_due = true;
                        }
                      },
                      [&](const rtcp::TransportFeedback&) { ++counters.transport_feedback; },
                      [](const auto&) {},
                  });
    if (!read) {
      world_.violations.push_back(name + ": broken RTCP from the server");
    }
  }

  void OnIceState(Now, ice::State state) override { ice_state = state; }
  void OnConnected(Now now) override {
    next_report_ = now.mono + TimeDelta::Millis(300);
    owner_.OnPeerConnected(now, *this);
  }
  void OnChannelOpened(Now, uint16_t channel, std::string_view label) override {
    channels[std::string(label)] = channel;
    labels[channel] = std::string(label);
  }
  void OnChannelMessage(Now now, uint16_t channel, bool binary, ConstBytes message) override {
    owner_.OnPeerData(now, *this, labels[channel], binary, message);
  }
  void OnChannelClosed(Now, uint16_t channel) override {
    channels.erase(labels[channel]);
    labels.erase(channel);
  }
  void OnFailed(Now, const std::string& reason) override { failure = reason; }

  const std::string name;
  const net::SocketAddress address;
  net::SocketAddress public_address;  // As the server sees it: a NAT's.
  NetworkOutput output;

 private:
  static peer::Connection::Config Config(ice::Role role) {
    peer::Connection::Config config;
    config.ice.role = role;
    return config;
  }
  static constexpr rtp::Ssrc kReporter{1};

  TestWorld& world_;
  Owner& owner_;

 public:
  peer::Connection connection;
  std::map<std::string, std::unique_ptr<IncomingTrack>> incoming;  // By mid.
  std::vector<std::unique_ptr<IncomingTrack>> past;
  std::map<std::string, MediaSource*> sources;  // By mid.
  std::map<std::string, uint16_t> channels;     // Open ones, by label.
  std::map<uint16_t, std::string> labels;
  ice::State ice_state = ice::State::kNew;
  std::string failure;
  uint64_t sent_datagrams = 0;
  Counters counters;

 private:
  void AddIds(rtp::HeaderWriter& writer, const OutgoingStream& stream, const std::string& mid, bool audio,
              uint8_t rid_id) {
    writer.AddExtension(kMidId, base::AsBytes(mid));
    const bool known = rid_id == kRidId ? stream.reported : stream.rtx_reported;
    if (!stream.rid.empty() && !known) {
      writer.AddExtension(rid_id, base::AsBytes(stream.rid));
    }
    // Audio may go out again byte for byte, so it carries nothing that would change.
    if (!audio) {
      uint8_t number[2];
      base::StoreU16(number, transport_sequence_++);
      writer.AddExtension(kTransportCcId, number);
    }
  }

  OutgoingStream* FindStream(rtp::Ssrc ssrc) {
    for (const auto& [mid, source] : sources) {
      if (OutgoingStream* stream = source->FindStream(ssrc)) {
        return stream;
      }
    }
    return nullptr;
  }

  void NoteUnknown(Now now, rtp::Ssrc ssrc) {
    ++counters.unknown_ssrc;
    const Timestamp since = unknown_since_.try_emplace(ssrc, now.mono).first->second;
    if (now.mono - since > TimeDelta::Seconds(1)) {
      world_.violations.push_back(name + ": media of an SSRC that no description names");
    }
  }

  void Repair(Now now, const rtcp::Nack& nack) {
    ++counters.nacks_received;
    for (const auto& [mid, source] : sources) {
      OutgoingStream* stream = source->FindStream(nack.media);
      if (stream == nullptr || !source->sending) {
        continue;
      }
      for (const uint16_t lost : nack.sequences) {
        const int64_t back = rtp::SeqDistance(static_cast<uint16_t>(stream->next_seq), lost);
        const auto stored = stream->history.find(stream->next_seq - back);
        if (stored != stream->history.end()) {
          ++counters.retransmitted;
          Resend(now, mid, source->audio(), *stream, stored->second);
        }
      }
    }
  }

  void Resend(Now, const std::string& mid, bool audio, OutgoingStream& stream,
              const OutgoingStream::Stored& stored) {
    if (audio) {
      connection.SendRtp(output, stored.header, {}, stored.payload, 0,
                         static_cast<uint32_t>(stored.seq >> 16));
      return;
    }
    const int64_t seq = stream.next_rtx_seq++;
    Buffer header(200);
    rtp::HeaderWriter writer(header);
    writer.Begin(static_cast<uint8_t>(stored.payload_type + 1), stored.marker, static_cast<uint16_t>(seq),
                 stored.timestamp, stream.rtx);
    AddIds(writer, stream, mid, audio, kRepairedRidId);
    header.resize(writer.Finish());
    uint8_t original[2];
    base::StoreU16(original, static_cast<uint16_t>(stored.seq));
    connection.SendRtp(output, header, original, stored.payload, 0, static_cast<uint32_t>(seq >> 16));
  }

  void SendReports(Now now) {
    rtcp::ReceiverReport reports{.sender = kReporter, .blocks = {}};
    for (const auto& [mid, track] : incoming) {
      if (const auto block = track->Report(now)) {
        reports.blocks.push_back(*block);
      }
    }
    if (!reports.blocks.empty()) {
      SendRtcp(reports);
    }
    for (const auto& [mid, source] : sources) {
      for (const auto& stream : source->streams()) {
        if (source->sending && stream->packets > 0) {
          SendRtcp(SenderReportOf(now, *source, *stream));
        }
      }
    }
  }

  static rtcp::SenderReport SenderReportOf(Now now, const MediaSource& source, const OutgoingStream& stream) {
    rtcp::SenderReport report;
    report.sender = stream.ssrc;
    report.ntp = rtcp::NtpFromWall(now.wall);
    const int64_t rate = source.audio() ? 48000 : 90000;
    const int64_t since = (now.mono - stream.last_at).micros();
    report.rtp = stream.last_timestamp + static_cast<uint32_t>(since * rate / 1'000'000);
    report.packets = stream.packets;
    report.octets = stream.octets;
    return report;
  }

  std::vector<IncomingTrack*> live_;
  std::vector<IncomingTrack*> ended_;
  std::map<rtp::Ssrc, Timestamp> unknown_since_;
  uint16_t transport_sequence_ = 0;
  Timestamp next_report_ = Timestamp::Infinity();
};

}  // namespace weir::rtc::test
