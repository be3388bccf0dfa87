// Both directions against libsrtp, which implements the same RFCs independently.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <srtp2/srtp.h>

#include <algorithm>
#include <vector>

#include "srtp/session.h"
#include "srtp/test_bytes.h"

namespace weir::srtp {
namespace {

using base::Buffer;
using base::ConstBytes;
using base::MutableBytes;

constexpr Profile kProfiles[] = {Profile::kAes128CmSha1_80, Profile::kAeadAes128Gcm, Profile::kAeadAes256Gcm};

class Oracle {
 public:
  Oracle(Profile profile, ConstBytes key, ConstBytes salt, bool sends) : key_(Join({key, salt})) {
    static const srtp_err_status_t initialised = srtp_init();
    EXPECT_EQ(initialised, srtp_err_status_ok);
    srtp_policy_t policy = {};
    for (srtp_crypto_policy_t* part : {&policy.rtp, &policy.rtcp}) {
      switch (profile) {
        case Profile::kAes128CmSha1_80:
          srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(part);
          break;
        case Profile::kAeadAes128Gcm:
          srtp_crypto_policy_set_aes_gcm_128_16_auth(part);
          break;
        case Profile::kAeadAes256Gcm:
          srtp_crypto_policy_set_aes_gcm_256_16_auth(part);
          break;
      }
    }
    policy.ssrc.type = sends ? ssrc_any_outbound : ssrc_any_inbound;
    policy.key = key_.data();
    policy.window_size = 1024;
    EXPECT_EQ(srtp_create(&session_, &policy), srtp_err_status_ok);
  }
  ~Oracle() { srtp_dealloc(session_); }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  Buffer Protect(const Buffer& plain, bool rtcp) {
    return Run(rtcp ? srtp_protect_rtcp : srtp_protect, plain);
  }
  Buffer Unprotect(const Buffer& sealed, bool rtcp) {
    return Run(rtcp ? srtp_unprotect_rtcp : srtp_unprotect, sealed);
  }
  srtp_err_status_t last() const { return last_; }

 private:
  // Empty when libsrtp refuses.
  Buffer Run(srtp_err_status_t (*function)(srtp_t, void*, int*), const Buffer& in) {
    Buffer bytes = in;
    bytes.resize(in.size() + SRTP_MAX_TRAILER_LEN + 4);
    int size = static_cast<int>(in.size());
    last_ = function(session_, bytes.data(), &size);
    bytes.resize(last_ == srtp_err_status_ok ? static_cast<size_t>(size) : 0);
    return bytes;
  }

  Buffer key_;
  srtp_t session_ = nullptr;
  srtp_err_status_t last_ = srtp_err_status_ok;
};

// RTP with random CSRCs, header extension and payload.
struct PlainRtp {
  Buffer header;
  Buffer payload;
  Buffer whole() const { return Join({header, payload}); }
};
PlainRtp RandomRtp(base::Random& random, uint32_t ssrc, uint16_t sequence) {
  PlainRtp packet{RtpHeader(ssrc, sequence),
                  RandomBytes(random, random.Below(4) == 0 ? random.Below(20) : random.Below(1300))};
  const uint32_t sources = random.Below(3) == 0 ? random.Below(16) : 0;
  packet.header[0] |= static_cast<uint8_t>(sources);
  const Buffer csrcs = RandomBytes(random, sources * 4);
  packet.header = Join({packet.header, csrcs});
  if (random.Below(2) == 0) {
    const uint32_t words = random.Below(8);
    packet.header[0] |= 0x10;
    const Buffer profile = {0xbe, 0xde, 0, static_cast<uint8_t>(words)};
    const Buffer extension = RandomBytes(random, words * 4);
    packet.header = Join({packet.header, profile, extension});
  }
  packet.header[1] = static_cast<uint8_t>(random.Next32());
  return packet;
}

class SrtpOracle : public testing::TestWithParam<Profile> {
 protected:
  base::SeededRandom random_{static_cast<uint64_t>(GetParam()) + 100};
  const Buffer key_ = RandomBytes(random_, KeySize(GetParam()));
  const Buffer salt_ = RandomBytes(random_, SaltSize(GetParam()));
  SendSession our_sender_ = *SendSession::Create(GetParam(), key_, salt_);
  ReceiveSession our_receiver_ = *ReceiveSession::Create(GetParam(), key_, salt_);
  Oracle their_sender_{GetParam(), key_, salt_, true};
  Oracle their_receiver_{GetParam(), key_, salt_, false};
};

INSTANTIATE_TEST_SUITE_P(Profiles, SrtpOracle, testing::ValuesIn(kProfiles));

TEST_P(SrtpOracle, SealsRtpToTheSameBytesOverSequenceWraps) {
  uint64_t index[4] = {0, 1000, 65'300, 30'000};  // Each first packet has rollover counter 0.
  for (int i = 0; i < 8000; ++i) {
    const uint32_t stream = random_.Below(4);
    index[stream] += 1 + random_.Below(200);
    const PlainRtp plain = RandomRtp(random_, 0x1000 + stream, static_cast<uint16_t>(index[stream]));
    const Buffer expected = their_sender_.Protect(plain.whole(), false);
    ASSERT_FALSE(expected.empty()) << their_sender_.last();
    const size_t split = random_.Below(static_cast<uint32_t>(std::min<size_t>(plain.payload.size(), 40) + 1));
    Buffer sealed(2000);
    sealed.resize(our_sender_.ProtectRtp(plain.header, ConstBytes(plain.payload).first(split),
                                         ConstBytes(plain.payload).subspan(split), 0,
                                         static_cast<uint32_t>(index[stream] >> 16), sealed));
    ASSERT_EQ(sealed, expected) << "packet " << i;

    ASSERT_EQ(their_receiver_.Unprotect(sealed, false), plain.whole());
    Buffer opened = sealed;
    const auto size = our_receiver_.UnprotectRtp(opened);
    ASSERT_TRUE(size) << ToString(size.error());
    opened.resize(*size);
    ASSERT_EQ(opened, plain.whole());
  }
  EXPECT_GT(index[0] >> 16, 2u);
}

TEST_P(SrtpOracle, JudgesReorderedDamagedAndRepeatedRtpAlike) {
  std::vector<Buffer> sent;
  uint64_t index = 64'000;
  int replays = 0;
  int damaged = 0;
  int accepted = 0;
  for (int i = 0; i < 8000; ++i) {
    index += random_.Below(20) == 0 ? 1 + random_.Below(300) : 1;
    const PlainRtp plain = RandomRtp(random_, 77, static_cast<uint16_t>(index));
    sent.push_back(their_sender_.Protect(plain.whole(), false));
    ASSERT_FALSE(sent.back().empty());
    // A packet of the recent past, often one that was taken already.
    const size_t back = std::min<size_t>(sent.size() - 1, random_.Below(2) == 0 ? 0 : random_.Below(1500));
    Buffer packet = sent[sent.size() - 1 - back];
    if (random_.Below(10) == 0) {
      packet[random_.Below(static_cast<uint32_t>(packet.size()))] ^=
          static_cast<uint8_t>(1 + random_.Below(255));
      ++damaged;
    }
    const Buffer expected = their_receiver_.Unprotect(packet, false);
    const srtp_err_status_t status = their_receiver_.last();
    const auto size = our_receiver_.UnprotectRtp(packet);
    ASSERT_EQ(size.has_value(), status == srtp_err_status_ok)
        << "packet " << i << " libsrtp says " << status << (size ? "" : ToString(size.error()));
    if (size) {
      packet.resize(*size);
      ASSERT_EQ(packet, expected);
      ++accepted;
    } else if (size.error() == Error::kReplayed) {
      ++replays;
      EXPECT_THAT(status, testing::AnyOf(srtp_err_status_replay_fail, srtp_err_status_replay_old));
    }
  }
  EXPECT_GT(accepted, 3000);
  EXPECT_GT(replays, 1000);
  EXPECT_GT(damaged, 500);
}

TEST_P(SrtpOracle, SealsRtcpToTheSameBytes) {
  // libsrtp numbers from one, we from zero as RFC 3711 section 3.4 has it; so one goes ahead.
  Buffer skipped(200);
  ASSERT_GT(our_sender_.ProtectRtcp(RtcpPacket(5, {}), skipped), 0u);
  for (int i = 0; i < 3000; ++i) {
    const Buffer plain = RtcpPacket(5, RandomBytes(random_, 4 * random_.Below(300)));
    const Buffer expected = their_sender_.Protect(plain, true);
    Buffer sealed(2000);
    sealed.resize(our_sender_.ProtectRtcp(plain, sealed));
    ASSERT_EQ(sealed, expected) << "packet " << i;
    ASSERT_EQ(their_receiver_.Unprotect(sealed, true), plain);
    Buffer opened = sealed;
    const auto size = our_receiver_.UnprotectRtcp(opened);
    ASSERT_TRUE(size) << ToString(size.error());
    opened.resize(*size);
    ASSERT_EQ(opened, plain);
  }
}

TEST_P(SrtpOracle, OpensRtcpOfSeveralSendersAndRefusesDamageAndReplays) {
  std::vector<Buffer> sent;
  for (int i = 0; i < 3000; ++i) {
    const Buffer plain = RtcpPacket(random_.Below(5), RandomBytes(random_, 4 * random_.Below(30)));
    sent.push_back(their_sender_.Protect(plain, true));
    Buffer packet = sent.back();
    const bool damage = random_.Below(5) == 0;
    if (damage) {
      packet[random_.Below(static_cast<uint32_t>(packet.size()))] ^=
          static_cast<uint8_t>(1 + random_.Below(255));
    }
    const auto size = our_receiver_.UnprotectRtcp(packet);
    ASSERT_EQ(size.has_value(), !damage);
    if (size) {
      packet.resize(*size);
      ASSERT_EQ(packet, plain);
      Buffer again = sent.back();
      ASSERT_EQ(our_receiver_.UnprotectRtcp(again), std::unexpected(Error::kReplayed));
    }
  }
}

TEST_P(SrtpOracle, TheirReceiverTakesOurRtcpOfManySenders) {
  for (int i = 0; i < 3000; ++i) {
    const Buffer plain = RtcpPacket(random_.Below(50), RandomBytes(random_, 4 * random_.Below(30)));
    Buffer sealed(2000);
    sealed.resize(our_sender_.ProtectRtcp(plain, sealed));
    ASSERT_EQ(their_receiver_.Unprotect(sealed, true), plain) << i << " " << their_receiver_.last();
  }
}

TEST_P(SrtpOracle, TakesAuthenticatedRtcpThatIsNotEncrypted) {
  // RFC 3711 section 3.4: the E bit may be clear. libsrtp seals such packets under a policy without
  // confidentiality.
  srtp_policy_t policy = {};
  const Buffer key = Join({key_, salt_});
  if (GetParam() == Profile::kAes128CmSha1_80) {
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  } else if (GetParam() == Profile::kAeadAes128Gcm) {
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
  } else {
    srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
  }
  policy.rtcp.sec_serv = sec_serv_auth;
  policy.ssrc.type = ssrc_any_outbound;
  policy.key = const_cast<unsigned char*>(key.data());
  srtp_t session = nullptr;
  ASSERT_EQ(srtp_create(&session, &policy), srtp_err_status_ok);
  for (int i = 0; i < 50; ++i) {
    const Buffer plain = RtcpPacket(5, RandomBytes(random_, 4 * random_.Below(30)));
    Buffer sealed = plain;
    sealed.resize(plain.size() + SRTP_MAX_TRAILER_LEN + 4);
    int size = static_cast<int>(plain.size());
    ASSERT_EQ(srtp_protect_rtcp(session, sealed.data(), &size), srtp_err_status_ok);
    sealed.resize(static_cast<size_t>(size));
    Buffer bad = sealed;
    bad[8 % bad.size()] ^= 1;
    EXPECT_FALSE(our_receiver_.UnprotectRtcp(bad));
    const auto opened = our_receiver_.UnprotectRtcp(sealed);
    ASSERT_TRUE(opened) << ToString(opened.error());
    sealed.resize(*opened);
    EXPECT_EQ(sealed, plain);
  }
  srtp_dealloc(session);
}

}  // namespace
}  // namespace weir::srtp
