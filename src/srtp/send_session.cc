#include <algorithm>
#include <array>
#include <cstring>

#include "srtp/session.h"
#include "srtp/transform.h"

namespace weir::srtp {

struct SendSession::Impl {
  Profile profile;
  Transform rtp;
  Transform rtcp;
  uint32_t rtcp_index = 0;
};

SendSession::SendSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SendSession::SendSession(SendSession&&) noexcept = default;
SendSession& SendSession::operator=(SendSession&&) noexcept = default;
SendSession::~SendSession() = default;

base::Result<SendSession> SendSession::Create(Profile profile, base::ConstBytes key, base::ConstBytes salt) {
  return FromSessionKeys(profile, TRY(DeriveSessionKeys(profile, key, salt)));
}

base::Result<SendSession> SendSession::FromSessionKeys(Profile profile, const SessionKeys& keys) {
  Transform rtp =
      TRY(Transform::Create(profile, Gcm::Direction::kSeal, keys.rtp_key, keys.rtp_auth, keys.rtp_salt));
  Transform rtcp =
      TRY(Transform::Create(profile, Gcm::Direction::kSeal, keys.rtcp_key, keys.rtcp_auth, keys.rtcp_salt));
  return SendSession(std::make_unique<Impl>(Impl{profile, std::move(rtp), std::move(rtcp)}));
}

size_t SendSession::ProtectRtp(base::ConstBytes header, base::ConstBytes prefix, base::ConstBytes payload,
                               uint8_t padding, uint32_t roc, base::MutableBytes out) {
  const size_t body_size = prefix.size() + payload.size() + padding;
  const size_t total = header.size() + body_size + impl_->rtp.tag_size();
  if (header.size() < kRtpFixedHeader || total > out.size()) {
    return 0;
  }
  std::memcpy(out.data(), header.data(), header.size());
  base::ConstBytes body = payload;
  if (body_size != payload.size()) {
    // Several parts are gathered where they belong and encrypted in place. Feeding the cipher part by part
    // was measured against it: 22 ns more for 80 bytes, 12 ns more for 1,100, since GCM has to carry a broken
    // block.
    uint8_t* at = out.data() + header.size();
    body = {at, body_size};
    at = std::ranges::copy(prefix, at).out;
    at = std::ranges::copy(payload, at).out;
    if (padding > 0) {
      std::memset(at, 0, padding);
      at[padding - 1] = padding;  // RFC 3550 section 5.1: the last byte counts them all.
    }
  }
  const uint64_t index = uint64_t{roc} << 16 | base::LoadU16(header.data() + 2);
  impl_->rtp.SealRtp(out.data(), header.size(), body, index);
  return total;
}

size_t SendSession::ProtectRtcp(base::ConstBytes packet, base::MutableBytes out) {
  const size_t total = packet.size() + overhead_rtcp();
  if (packet.size() < kRtcpFixedHeader || total > out.size() || impl_->rtcp_index == kSrtcpEncrypted) {
    return 0;
  }
  impl_->rtcp.SealRtcp(packet, impl_->rtcp_index++, out.data());
  return total;
}

size_t SendSession::overhead_rtp() const { return impl_->rtp.tag_size(); }
size_t SendSession::overhead_rtcp() const { return impl_->rtcp.tag_size() + kSrtcpIndexSize; }
Profile SendSession::profile() const { return impl_->profile; }

}  // namespace weir::srtp
