#include <algorithm>

#include "srtp/session.h"
#include "srtp/stream_table.h"
#include "srtp/transform.h"

namespace weir::srtp {

const char* ToString(Error error) {
  switch (error) {
    case Error::kTruncated:
      return "truncated";
    case Error::kReplayed:
      return "replayed";
    case Error::kUnauthentic:
      return "unauthentic";
    case Error::kTooManyStreams:
      return "too many streams";
    case Error::kNoSpace:
      return "no space";
  }
  return "unknown";
}

struct ReceiveSession::Impl {
  Impl(Profile session_profile, Transform rtp_transform, Transform rtcp_transform, const Config& config)
      : profile(session_profile),
        rtp(std::move(rtp_transform)),
        rtcp(std::move(rtcp_transform)),
        window(static_cast<uint64_t>(std::clamp(config.replay_window, 64, int{ReplayWindow::kSize}))),
        rtp_streams(config.max_streams),
        rtcp_streams(config.max_streams) {}

  std::unexpected<Error> Refuse(Error error, uint64_t& counter) {
    ++counter;
    return std::unexpected(error);
  }
  // Judges an authentic packet against what its stream has seen; `known` may be null.
  std::expected<void, Error> Admit(StreamTable& table, ReplayWindow* known, uint32_t ssrc, uint64_t index) {
    if (known == nullptr) {
      if (!table.Add(ssrc, index)) {
        return Refuse(Error::kTooManyStreams, counters.too_many_streams);
      }
      return {};
    }
    switch (known->Accept(index, window)) {
      case ReplayWindow::Verdict::kFresh:
        return {};
      case ReplayWindow::Verdict::kReplayed:
        return Refuse(Error::kReplayed, counters.replayed);
      case ReplayWindow::Verdict::kTooOld:
        return Refuse(Error::kReplayed, counters.too_old);
    }
    return {};
  }

  Profile profile;
  Transform rtp;
  Transform rtcp;
  uint64_t window;
  StreamTable rtp_streams;
  StreamTable rtcp_streams;
  Counters counters;
};

ReceiveSession::ReceiveSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ReceiveSession::ReceiveSession(ReceiveSession&&) noexcept = default;
ReceiveSession& ReceiveSession::operator=(ReceiveSession&&) noexcept = default;
ReceiveSession::~ReceiveSession() = default;

base::Result<ReceiveSession> ReceiveSession::Create(Profile profile, base::ConstBytes key,
                                                    base::ConstBytes salt) {
  return Create(profile, key, salt, Config());
}

base::Result<ReceiveSession> ReceiveSession::Create(Profile profile, base::ConstBytes key,
                                                    base::ConstBytes salt, const Config& config) {
  return FromSessionKeys(profile, TRY(DeriveSessionKeys(profile, key, salt)), config);
}

base::Result<ReceiveSession> ReceiveSession::FromSessionKeys(Profile profile, const SessionKeys& keys,
                                                             const Config& config) {
  Transform rtp =
      TRY(Transform::Create(profile, Gcm::Direction::kOpen, keys.rtp_key, keys.rtp_auth, keys.rtp_salt));
  Transform rtcp =
      TRY(Transform::Create(profile, Gcm::Direction::kOpen, keys.rtcp_key, keys.rtcp_auth, keys.rtcp_salt));
  return ReceiveSession(std::make_unique<Impl>(profile, std::move(rtp), std::move(rtcp), config));
}

std::expected<size_t, Error> ReceiveSession::UnprotectRtp(base::MutableBytes packet) {
  Impl& impl = *impl_;
  const size_t tag_size = impl.rtp.tag_size();
  const size_t header_size =
      packet.size() < kRtpFixedHeader + tag_size ? 0 : RtpHeaderSize(packet.first(packet.size() - tag_size));
  if (header_size == 0) {
    return impl.Refuse(Error::kTruncated, impl.counters.truncated);
  }
  const uint16_t sequence = base::LoadU16(packet.data() + 2);
  const uint32_t ssrc = base::LoadU32(packet.data() + 8);
  ReplayWindow* stream = impl.rtp_streams.Find(ssrc);
  const uint64_t index = stream == nullptr ? sequence : stream->Guess(sequence);
  // Before the replay check, so that what is reported as a duplicate certainly is one.
  if (!impl.rtp.OpenRtp(packet, header_size, index)) {
    return impl.Refuse(Error::kUnauthentic, impl.counters.unauthentic);
  }
  if (const auto admitted = impl.Admit(impl.rtp_streams, stream, ssrc, index); !admitted) {
    return std::unexpected(admitted.error());
  }
  ++impl.counters.rtp_packets;
  return packet.size() - tag_size;
}

std::expected<size_t, Error> ReceiveSession::UnprotectRtcp(base::MutableBytes packet) {
  Impl& impl = *impl_;
  const size_t tag_size = impl.rtcp.tag_size();
  if (packet.size() < kRtcpFixedHeader + tag_size + kSrtcpIndexSize) {
    return impl.Refuse(Error::kTruncated, impl.counters.truncated);
  }
  // The index word is last in RFC 7714 and stands before the tag in RFC 3711.
  const size_t behind_word = IsGcm(impl.profile) ? 0 : tag_size;
  const uint32_t word = base::LoadU32(packet.data() + packet.size() - behind_word - kSrtcpIndexSize);
  const uint32_t ssrc = base::LoadU32(packet.data() + 4);
  if (!impl.rtcp.OpenRtcp(packet, word)) {
    return impl.Refuse(Error::kUnauthentic, impl.counters.unauthentic);
  }
  ReplayWindow* stream = impl.rtcp_streams.Find(ssrc);
  if (const auto admitted = impl.Admit(impl.rtcp_streams, stream, ssrc, word & ~kSrtcpEncrypted); !admitted) {
    return std::unexpected(admitted.error());
  }
  ++impl.counters.rtcp_packets;
  return packet.size() - tag_size - kSrtcpIndexSize;
}

void ReceiveSession::ForgetStream(uint32_t ssrc) {
  impl_->rtp_streams.Remove(ssrc);
  impl_->rtcp_streams.Remove(ssrc);
}

const ReceiveSession::Counters& ReceiveSession::counters() const { return impl_->counters; }
size_t ReceiveSession::rtp_streams() const { return impl_->rtp_streams.size(); }
Profile ReceiveSession::profile() const { return impl_->profile; }

}  // namespace weir::srtp
