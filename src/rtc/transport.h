// One peer connection of a participant, as the media plane sees it: packets in to the demultiplexer and its
// receivers, packets of down tracks out, RTCP both ways on timers, data channels by label.
//
// It does not know what was negotiated or why; negotiation (publisher_negotiation, subscriber_negotiation)
// tells it. It lives on its room's worker. Owner calls come from inside packet and timer handling: the owner
// defers destruction to the end of the turn.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/counters.h"
#include "peer/connection.h"
#include "rtc/environment.h"
#include "rtc/flush_list.h"
#include "rtc/send_queue.h"
#include "rtc/timer_queue.h"
#include "rtcp/packets.h"
#include "sfu/demuxer.h"
#include "sfu/down_track.h"
#include "sfu/publisher_clock.h"
#include "sfu/track_receiver.h"
#include "sfu/twcc_responder.h"

namespace weir::rtc {

// What clients call their peer connections.
enum class Target : uint8_t { kPublisher, kSubscriber };

// The data channels of the protocol, known by label (never by parameters: the Go SDK's lossy channel
// retransmits once).
enum class DataChannel : uint8_t { kReliable, kLossy, kDataTrack, kUnlabelled };
inline constexpr std::string_view kReliableLabel = "_reliable";
inline constexpr std::string_view kLossyLabel = "_lossy";
inline constexpr std::string_view kDataTrackLabel = "_data_track";

class Transport final : public peer::Observer, public Timed, public Flushable {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnTransportConnected(base::Now now, Transport& transport) = 0;  // DTLS is up.
    virtual void OnTransportIceState(base::Now now, Transport& transport, ice::State state) = 0;
    virtual void OnTransportFailed(base::Now now, Transport& transport, const std::string& reason) = 0;
    virtual void OnDataChannelOpened(base::Now now, Transport& transport, DataChannel channel) = 0;
    virtual void OnData(base::Now now, DataChannel channel, bool binary, base::ConstBytes message) = 0;
    // True: nothing authentic has come for Config::silence. False: something has, after that.
    virtual void OnTransportSilence(base::Now now, Transport& transport, bool silent) = 0;
  };
  struct Config {
    Target target = Target::kPublisher;
    ice::Role ice_role = ice::Role::kControlled;
    bool tcp_only = false;
    base::TimeDelta report_interval = base::TimeDelta::Seconds(1);
    base::TimeDelta silence = base::TimeDelta::Seconds(5);
    size_t max_report_size = 1150;  // Bytes of one RTCP compound before sealing.
  };
  struct Counters {
    uint64_t rtcp_malformed = 0;
    uint64_t rtcp_unknown_ssrc = 0;
    uint64_t data_dropped = 0;  // No open channel of that label, or its queue was full.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"rtcp_malformed", &Counters::rtcp_malformed},
          {"rtcp_unknown_ssrc", &Counters::rtcp_unknown_ssrc},
          {"data_dropped", &Counters::data_dropped},
      });
    }
  };

  Transport(Environment& environment, const Config& config, Owner& owner);
  ~Transport() override;

  Target target() const { return config_.target; }
  peer::Connection& connection() { return connection_; }
  const peer::Connection& connection() const { return connection_; }
  bool tcp_only() const { return config_.tcp_only; }
  bool connected() const { return connection_.connected(); }

  // New ICE credentials of ours, for a restart; the router learns them.
  void RestartIce(base::Now now);
  void SetRemoteIce(base::Now now, const ice::Credentials& credentials);
  void AddRemoteCandidate(base::Now now, const ice::Candidate& candidate);

  // ---- Receiving.
  sfu::RtpDemuxer& demuxer() { return demuxer_; }
  sfu::PublisherClock& clock() { return clock_; }
  void AddReceiver(sfu::TrackReceiver& receiver);
  void RemoveReceiver(sfu::TrackReceiver& receiver);
  // Of the demultiplexer. The streams' SRTP state goes when its table fills up: a client may use an SSRC
  // again.
  void RemoveSection(const std::string& mid);
  // Something about a receiver's deadlines changed from outside (a subscriber asked for a key frame).
  void Wake();

  // ---- Sending.
  sfu::PacketSender& sender() { return queue_; }
  void AddDownTrack(sfu::DownTrack& track, rtp::Ssrc ssrc, std::optional<rtp::Ssrc> rtx);
  void RemoveDownTrack(sfu::DownTrack& track);
  // Raw RTCP beside the timers, for tests of what a client would send.
  const SendQueue::Counters& send_counters() const { return queue_.counters(); }

  // ---- Data.
  void CreateDataChannels(
      base::Now now);  // The three of the protocol, by us: before the first offer to a subscriber.
  bool SendData(base::Now now, DataChannel channel, std::shared_ptr<const base::Buffer> message);
  // Bytes that wait to be sent.
  size_t buffered_data(DataChannel channel) const {
    const auto id = ChannelId(channel);
    return id ? connection_.buffered_amount(*id) : 0;
  }
  bool channel_open(DataChannel channel) const { return ChannelId(channel).has_value(); }

  // ---- The worker's side.
  void OnDatagram(base::Now now, const net::FiveTuple& path, base::PacketRef packet);
  void OnPathClosed(base::Now now, const net::FiveTuple& path);
  bool silent() const { return silent_; }
  void OnTimer(base::Now now) override;
  void Flush(base::Now now) override;
  void Close(base::Now now);

  std::optional<base::TimeDelta> rtt() const;
  const Counters& counters() const { return counters_; }
  const sfu::RtpDemuxer& demuxer() const { return demuxer_; }
  const sfu::TwccResponder& twcc() const { return twcc_; }
  const std::string& cname() const { return cname_; }

  // peer::Observer
  void OnRtp(base::Now now, base::PacketRef packet) override;
  void OnRtcp(base::Now now, base::ConstBytes compound) override;
  void OnIceState(base::Now now, ice::State state) override;
  void OnConnected(base::Now now) override;
  void OnChannelOpened(base::Now now, uint16_t channel, std::string_view label) override;
  void OnChannelMessage(base::Now now, uint16_t channel, bool binary, base::ConstBytes message) override;
  void OnChannelClosed(base::Now now, uint16_t channel) override;
  void OnFailed(base::Now now, const std::string& reason) override;

 private:
  struct Outgoing {
    sfu::DownTrack* track = nullptr;
    rtp::Ssrc ssrc;
    std::optional<rtp::Ssrc> rtx;
  };

  std::optional<uint16_t> ChannelId(DataChannel channel) const {
    return channels_[static_cast<size_t>(channel)];
  }
  DataChannel ChannelOf(uint16_t id) const;
  sfu::DownTrack* FindDownTrack(rtp::Ssrc ssrc);
  void Reschedule();
  void Dirty();
  void CheckSilence(base::Now now);

  // transport_rtcp.cc
  void OnRtcpPacket(base::Now now, const rtcp::Packet& packet);
  void OnReportBlocks(base::Now now, const std::vector<rtcp::ReportBlock>& blocks);
  void SendFeedback(base::Now now);
  void SendTransportFeedback(base::Now now);
  void SendReports(base::Now now);
  void SendCompound(base::ConstBytes compound);

  Environment& environment_;
  const Config config_;
  Owner& owner_;
  peer::Connection connection_;
  SendQueue queue_;
  sfu::TwccResponder twcc_;
  sfu::RtpDemuxer demuxer_;
  sfu::PublisherClock clock_;
  std::vector<sfu::TrackReceiver*> receivers_;
  std::vector<Outgoing> outgoing_;
  std::unordered_map<uint32_t, sfu::DownTrack*> by_ssrc_;
  std::deque<rtp::Ssrc> retired_;  // Of sections that ended, oldest first.
  std::array<std::optional<uint16_t>, 4> channels_;
  std::vector<std::string> ufrags_;  // Known to the router.
  rtp::Ssrc local_ssrc_;             // Reporter of all our RTCP.
  std::string cname_;
  base::Timestamp next_report_ = base::Timestamp::Infinity();
  std::optional<base::TimeDelta> uplink_rtt_;
  bool drain_due_ = false;
  bool silent_ = false;
  bool closed_ = false;
  Counters counters_;
  std::vector<rtcp::Packet> rtcp_scratch_;
  Census::Entry counted_;  // Last.
};

}  // namespace weir::rtc
