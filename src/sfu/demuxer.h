// Finds the receiver of an RTP packet on one connection: by signalled SSRC, else by the MID, RID and repaired
// RID header extensions, else by a payload type that only one section uses (sfu.md RX-2, RX-3). A binding
// once found is remembered by SSRC.
//
// Packets of an SSRC that cannot be bound yet (the answer is still being processed) wait, at most
// Config::max_queued_packets of them and max_queue_age long, and are replayed when a section is added or
// their SSRC gets bound. Sections of one connection share one numbering of header extensions (BUNDLE, RFC
// 9143 section 9).
//
// SSRC 0 is libwebrtc's bandwidth probe before any media: it is acknowledged by transport feedback and goes
// nowhere.
//
// Sans-IO, not thread-safe; lives on its connection's worker. Receivers are not owned and must be removed by
// RemoveSection before they die. A receiver may add or remove sections from within Route.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/counters.h"
#include "base/packet_pool.h"
#include "base/time.h"
#include "rtp/extensions.h"
#include "rtp/packet.h"

namespace weir::sfu {

class TrackReceiver;
class TwccResponder;

class RtpDemuxer {
 public:
  struct Config {
    size_t max_ssrcs = 256;          // Bound SSRCs, learned and signalled.
    size_t max_sections = 1024;      // Sections past this are refused.
    size_t max_unbound_ssrcs = 64;   // SSRCs that have packets waiting.
    size_t max_queued_packets = 64;  // Waiting packets of one SSRC.
    base::TimeDelta max_queue_age = base::TimeDelta::Millis(500);
  };
  struct Section {
    std::string mid;
    TrackReceiver* receiver = nullptr;
    std::vector<std::string> rids;  // Index = spatial layer. Empty: no simulcast.
    // Index = spatial layer: the primary SSRC and its RTX SSRC.
    std::vector<std::pair<rtp::Ssrc, std::optional<rtp::Ssrc>>> ssrcs;
  };
  struct Counters {
    uint64_t malformed = 0;  // Not RTP.
    uint64_t probes = 0;     // SSRC 0.
    uint64_t unbound = 0;    // Dropped: nobody wanted the SSRC in time, or the queue was full.
    uint64_t queued = 0;     // Held back for a binding.
    uint64_t replayed = 0;   // Of those, delivered later.
    uint64_t ssrc_table_full =
        0;  // A binding could not be remembered; the packet was delivered all the same.
    uint64_t sections_refused = 0;

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"malformed", &Counters::malformed},
          {"probes", &Counters::probes},
          {"unbound", &Counters::unbound},
          {"queued", &Counters::queued},
          {"replayed", &Counters::replayed},
          {"ssrc_table_full", &Counters::ssrc_table_full},
          {"sections_refused", &Counters::sections_refused},
      });
    }
  };

  RtpDemuxer();
  explicit RtpDemuxer(const Config& config);

  void SetExtensions(const rtp::ExtensionMap& extensions);
  // Told of every packet that carries a transport-wide sequence number. Not owned; may be null.
  void SetTwccResponder(TwccResponder* responder) { twcc_ = responder; }
  // Replaces a section of the same mid. Waiting packets that now have a home are delivered within the call.
  void AddSection(base::Now now, Section section);
  void AddSection(Section section);  // As above; packets that waited are replayed by the next Route.
  // Returns the SSRCs that were bound to it.
  std::vector<rtp::Ssrc> RemoveSection(const std::string& mid);

  // Takes one decrypted RTP packet.
  void Route(base::Now now, base::PacketRef packet);

  // Which receiver an SSRC belongs to (RTCP sender reports, goodbyes); null when unknown.
  TrackReceiver* ReceiverOf(rtp::Ssrc ssrc) const;
  size_t bound_ssrcs() const { return bindings_.size(); }
  size_t unbound_ssrcs() const { return waiting_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  struct Binding {
    TrackReceiver* receiver = nullptr;
    int layer = 0;
    bool rtx = false;
  };
  struct Held {
    base::PacketRef packet;
    base::Timestamp since;
  };
  struct Waiting {
    std::deque<Held> packets;
  };

  bool Deliver(base::Now now, base::PacketRef packet, const rtp::Header& header, bool hold);
  std::optional<Binding> Bind(base::ConstBytes packet, const rtp::Header& header) const;
  std::optional<Binding> BindInSection(const Section& section, base::ConstBytes packet,
                                       const rtp::Header& header) const;
  std::optional<Binding> BindByPayloadType(base::ConstBytes packet, const rtp::Header& header) const;
  bool BindAny(rtp::Ssrc ssrc, const Waiting& queue);
  base::ConstBytes Extension(base::ConstBytes packet, const rtp::Header& header,
                             rtp::Extension extension) const;
  void Remember(rtp::Ssrc ssrc, const Binding& binding);
  void Hold(base::Now now, rtp::Ssrc ssrc, base::PacketRef packet);
  void Replay(base::Now now);
  void ExpireWaiting(base::Timestamp now);

  const Config config_;
  rtp::ExtensionMap extensions_;
  TwccResponder* twcc_ = nullptr;
  std::map<std::string, Section, std::less<>> sections_;
  std::unordered_map<rtp::Ssrc, Binding> bindings_;
  std::unordered_map<rtp::Ssrc, Waiting> waiting_;
  bool replay_due_ = false;
  Counters counters_;
};

}  // namespace weir::sfu
