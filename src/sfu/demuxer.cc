#include "sfu/demuxer.h"

#include <algorithm>

#include "rtp/extensions.h"
#include "sfu/track_receiver.h"
#include "sfu/twcc_responder.h"

namespace weir::sfu {

using base::Timestamp;

RtpDemuxer::RtpDemuxer() : RtpDemuxer(Config()) {}
RtpDemuxer::RtpDemuxer(const Config& config) : config_(config) {}

void RtpDemuxer::SetExtensions(const rtp::ExtensionMap& extensions) {
  extensions_ = extensions;
  replay_due_ = !waiting_.empty();
}

void RtpDemuxer::AddSection(base::Now now, Section section) {
  AddSection(std::move(section));
  Replay(now);
}

void RtpDemuxer::AddSection(Section section) {
  if (!sections_.contains(section.mid) && sections_.size() >= config_.max_sections) {
    ++counters_.sections_refused;
    return;
  }
  RemoveSection(section.mid);
  const size_t signalled = section.receiver == nullptr ? 0 : section.ssrcs.size();
  for (size_t i = 0; i < signalled && i < kMaxLayers; ++i) {
    const auto& [primary, rtx] = section.ssrcs[i];
    const int layer = static_cast<int>(i);
    Remember(primary, Binding{.receiver = section.receiver, .layer = layer, .rtx = false});
    if (rtx) {
      Remember(*rtx, Binding{.receiver = section.receiver, .layer = layer, .rtx = true});
    }
  }
  if (section.receiver != nullptr) {
    section.receiver->SetSimulcastStreams(
        static_cast<int>(std::max({section.rids.size(), section.ssrcs.size(), size_t{1}})));
  }
  const std::string mid = section.mid;
  sections_.insert_or_assign(mid, std::move(section));
  replay_due_ = !waiting_.empty();
}

std::vector<rtp::Ssrc> RtpDemuxer::RemoveSection(const std::string& mid) {
  std::vector<rtp::Ssrc> bound;
  const auto it = sections_.find(mid);
  if (it == sections_.end()) {
    return bound;
  }
  const TrackReceiver* receiver = it->second.receiver;
  sections_.erase(it);
  std::erase_if(bindings_, [&](const auto& entry) {
    const bool of_section = entry.second.receiver == receiver;
    if (of_section) {
      bound.push_back(entry.first);
    }
    return of_section;
  });
  return bound;
}

TrackReceiver* RtpDemuxer::ReceiverOf(rtp::Ssrc ssrc) const {
  const auto it = bindings_.find(ssrc);
  return it == bindings_.end() ? nullptr : it->second.receiver;
}

void RtpDemuxer::Route(base::Now now, base::PacketRef packet) {
  const auto header = rtp::ParseHeader(packet->bytes());
  if (!header) {
    ++counters_.malformed;
    return;
  }
  if (twcc_ != nullptr) {
    const auto sequence =
        rtp::ReadTransportSequence(Extension(packet->bytes(), *header, rtp::Extension::kTransportCc));
    if (sequence) {
      twcc_->OnPacket(now.mono, *sequence, header->ssrc);
    }
  }
  if (header->ssrc == rtp::Ssrc(0)) {
    ++counters_.probes;
    return;
  }
  if (replay_due_) {
    Replay(now);
  }
  Deliver(now, std::move(packet), *header, true);
}

bool RtpDemuxer::Deliver(base::Now now, base::PacketRef packet, const rtp::Header& header, bool hold) {
  const auto it = bindings_.find(header.ssrc);
  std::optional<Binding> binding;
  if (it != bindings_.end()) {
    binding = it->second;
  } else {
    binding = Bind(packet->bytes(), header);
    if (!binding) {
      if (hold) {
        Hold(now, header.ssrc, std::move(packet));
      }
      return false;
    }
    Remember(header.ssrc, *binding);
    if (hold && waiting_.contains(header.ssrc)) {
      Replay(now);
    }
  }
  binding->receiver->OnRtp(now, std::move(packet), header, binding->layer, binding->rtx, header.ssrc);
  return true;
}

base::ConstBytes RtpDemuxer::Extension(base::ConstBytes packet, const rtp::Header& header,
                                       rtp::Extension extension) const {
  const uint8_t id = extensions_.id(extension);
  return id == 0 ? base::ConstBytes() : header.Find(packet, id);
}

std::optional<RtpDemuxer::Binding> RtpDemuxer::Bind(base::ConstBytes packet,
                                                    const rtp::Header& header) const {
  const auto mid = rtp::ReadSdesText(Extension(packet, header, rtp::Extension::kMid));
  if (mid) {
    const auto it = sections_.find(*mid);
    // A MID that we do not know yet is an answer of its own: the payload type must not decide against it.
    return it == sections_.end() ? std::nullopt : BindInSection(it->second, packet, header);
  }
  return BindByPayloadType(packet, header);
}

std::optional<RtpDemuxer::Binding> RtpDemuxer::BindInSection(const Section& section, base::ConstBytes packet,
                                                             const rtp::Header& header) const {
  if (section.receiver == nullptr) {
    return std::nullopt;
  }
  Binding binding{.receiver = section.receiver};
  const auto repaired = rtp::ReadSdesText(Extension(packet, header, rtp::Extension::kRepairedRid));
  const auto rid = rtp::ReadSdesText(Extension(packet, header, rtp::Extension::kRid));
  binding.rtx = repaired.has_value() || section.receiver->IsRtxPayloadType(header.payload_type);
  const auto name = repaired ? repaired : rid;
  if (section.rids.empty()) {
    return binding;
  }
  if (!name) {
    return std::nullopt;  // Simulcast, and nothing says which.
  }
  const auto found = std::ranges::find(section.rids, *name);
  if (found == section.rids.end() || found - section.rids.begin() >= kMaxLayers) {
    return std::nullopt;
  }
  binding.layer = static_cast<int>(found - section.rids.begin());
  return binding;
}

// Only when a single section without signalled SSRCs can mean it.
std::optional<RtpDemuxer::Binding> RtpDemuxer::BindByPayloadType(base::ConstBytes packet,
                                                                 const rtp::Header& header) const {
  const Section* match = nullptr;
  for (const auto& [mid, section] : sections_) {
    if (section.receiver == nullptr || !section.receiver->AcceptsPayloadType(header.payload_type)) {
      continue;
    }
    if (match != nullptr) {
      return std::nullopt;
    }
    match = &section;
  }
  // With its SSRCs signalled, one that is not among them is somebody else's.
  return match == nullptr || !match->ssrcs.empty() ? std::nullopt : BindInSection(*match, packet, header);
}

void RtpDemuxer::Remember(rtp::Ssrc ssrc, const Binding& binding) {
  if (!bindings_.contains(ssrc) && bindings_.size() >= config_.max_ssrcs) {
    ++counters_.ssrc_table_full;
    return;
  }
  bindings_[ssrc] = binding;
}

void RtpDemuxer::Hold(base::Now now, rtp::Ssrc ssrc, base::PacketRef packet) {
  ExpireWaiting(now.mono);
  auto it = waiting_.find(ssrc);
  if (it == waiting_.end()) {
    if (waiting_.size() >= config_.max_unbound_ssrcs) {
      ++counters_.unbound;
      return;
    }
    it = waiting_.emplace(ssrc, Waiting()).first;
  }
  if (it->second.packets.size() >= config_.max_queued_packets) {
    ++counters_.unbound;
    return;
  }
  ++counters_.queued;
  it->second.packets.push_back(Held{.packet = std::move(packet), .since = now.mono});
}

void RtpDemuxer::ExpireWaiting(Timestamp now) {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    auto& packets = it->second.packets;
    while (!packets.empty() && now - packets.front().since > config_.max_queue_age) {
      packets.pop_front();
      ++counters_.unbound;
    }
    it = packets.empty() ? waiting_.erase(it) : std::next(it);
  }
}

// Offers everything that waits to the sections as they are now. What is still homeless goes on waiting.
void RtpDemuxer::Replay(base::Now now) {
  replay_due_ = false;
  ExpireWaiting(now.mono);
  auto waiting = std::move(waiting_);
  waiting_.clear();
  for (auto& [ssrc, queue] : waiting) {
    while (!queue.packets.empty()) {
      const base::PacketRef packet = queue.packets.front().packet;
      const auto header = rtp::ParseHeader(packet->bytes());
      // The MID may stand in a later packet of the queue only.
      if (!bindings_.contains(ssrc) && !BindAny(ssrc, queue)) {
        break;
      }
      if (header && Deliver(now, packet, *header, false)) {
        ++counters_.replayed;
      } else {
        ++counters_.unbound;
      }
      queue.packets.pop_front();
    }
    if (!queue.packets.empty()) {
      waiting_.emplace(ssrc, std::move(queue));
    }
  }
}

bool RtpDemuxer::BindAny(rtp::Ssrc ssrc, const Waiting& queue) {
  for (const Held& held : queue.packets) {
    const auto header = rtp::ParseHeader(held.packet->bytes());
    const auto binding = header ? Bind(held.packet->bytes(), *header) : std::nullopt;
    if (binding) {
      Remember(ssrc, *binding);
      return true;
    }
  }
  return false;
}

}  // namespace weir::sfu
