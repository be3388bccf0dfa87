#include "srtp/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <vector>

#include "srtp/test_bytes.h"

// Counts allocations, to show that packets make none. malloc stays the sanitizer's.
static uint64_t g_allocations = 0;
void* operator new(size_t size) {
  ++g_allocations;
  void* memory = std::malloc(size);
  if (memory == nullptr) {
    std::abort();
  }
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace weir::srtp {
namespace {

using base::Buffer;
using base::ConstBytes;
using base::MutableBytes;

constexpr Profile kProfiles[] = {Profile::kAes128CmSha1_80, Profile::kAeadAes128Gcm, Profile::kAeadAes256Gcm};

class SrtpSession : public testing::TestWithParam<Profile> {
 protected:
  SrtpSession()
      : key_(RandomBytes(random_, KeySize(GetParam()))),
        salt_(RandomBytes(random_, SaltSize(GetParam()))),
        sender_(*SendSession::Create(GetParam(), key_, salt_)),
        receiver_(*ReceiveSession::Create(GetParam(), key_, salt_)) {}

  Buffer Seal(uint32_t ssrc, uint16_t sequence, uint32_t roc, ConstBytes payload) {
    Buffer out(1600);
    out.resize(sender_.ProtectRtp(RtpHeader(ssrc, sequence), {}, payload, 0, roc, out));
    return out;
  }
  Buffer SealRtcp(uint32_t ssrc, ConstBytes rest = {}) {
    Buffer out(1600);
    out.resize(sender_.ProtectRtcp(RtcpPacket(ssrc, rest), out));
    return out;
  }
  std::expected<size_t, Error> Open(Buffer packet) { return receiver_.UnprotectRtp(packet); }
  std::expected<size_t, Error> OpenRtcp(Buffer packet) { return receiver_.UnprotectRtcp(packet); }

  base::SeededRandom random_{11};
  Buffer key_;
  Buffer salt_;
  SendSession sender_;
  ReceiveSession receiver_;
};

INSTANTIATE_TEST_SUITE_P(Profiles, SrtpSession, testing::ValuesIn(kProfiles));

TEST_P(SrtpSession, SealsPrefixPayloadAndPaddingAsOne) {
  const Buffer prefix = {1, 2, 3};
  const Buffer payload = RandomBytes(random_, 100);
  Buffer header = RtpHeader(5, 7);
  header[0] |= 0x20;
  Buffer out(1600);
  out.resize(sender_.ProtectRtp(header, prefix, payload, 4, 0, out));
  ASSERT_EQ(out.size(), 12u + 3 + 100 + 4 + sender_.overhead_rtp());
  const auto size = receiver_.UnprotectRtp(out);
  ASSERT_TRUE(size);
  out.resize(*size);
  EXPECT_EQ(out, Join({header, prefix, payload, Buffer{0, 0, 0, 4}}));
}

TEST_P(SrtpSession, SealsTheSameBytesHoweverTheBodyIsSplit) {
  const Buffer body = RandomBytes(random_, 300);
  const Buffer header = RtpHeader(5, 7);
  const Buffer whole = Seal(5, 7, 0, body);
  for (size_t split = 0; split <= body.size(); ++split) {
    Buffer out(1600);
    out.resize(sender_.ProtectRtp(header, ConstBytes(body).first(split), ConstBytes(body).subspan(split), 0,
                                  0, out));
    ASSERT_EQ(out, whole);
  }
}

TEST_P(SrtpSession, ReportsNoSpaceAndWritesNothing) {
  const Buffer header = RtpHeader(1, 1);
  const Buffer payload(50);
  const size_t needed = header.size() + payload.size() + sender_.overhead_rtp();
  Buffer out(needed, 0xee);
  EXPECT_EQ(sender_.ProtectRtp(header, {}, payload, 0, 0, MutableBytes(out).first(needed - 1)), 0u);
  EXPECT_EQ(out, Buffer(needed, 0xee));
  EXPECT_EQ(sender_.ProtectRtp(header, {}, payload, 0, 0, out), needed);
  EXPECT_EQ(sender_.ProtectRtp(ConstBytes(header).first(11), {}, payload, 0, 0, out), 0u);

  const Buffer rtcp = RtcpPacket(1, Buffer(20));
  const size_t rtcp_needed = rtcp.size() + sender_.overhead_rtcp();
  Buffer rtcp_out(rtcp_needed);
  EXPECT_EQ(sender_.ProtectRtcp(rtcp, MutableBytes(rtcp_out).first(rtcp_needed - 1)), 0u);
  EXPECT_EQ(sender_.ProtectRtcp(ConstBytes(rtcp).first(7), rtcp_out), 0u);
  EXPECT_EQ(sender_.ProtectRtcp(rtcp, rtcp_out), rtcp_needed);
}

TEST_P(SrtpSession, CarriesEmptyPayloads) {
  Buffer packet = Seal(1, 1, 0, {});
  EXPECT_EQ(receiver_.UnprotectRtp(packet), 12u);
  Buffer rtcp = SealRtcp(1);
  EXPECT_EQ(receiver_.UnprotectRtcp(rtcp), 8u);
}

TEST_P(SrtpSession, FollowsTheSequenceOverItsWraps) {
  uint64_t index = 65'000;
  for (int i = 0; i < 30'000; ++i) {
    index += 1 + random_.Below(13);
    Buffer packet = Seal(9, static_cast<uint16_t>(index), static_cast<uint32_t>(index >> 16), Buffer(20));
    ASSERT_TRUE(receiver_.UnprotectRtp(packet)) << index;
  }
  EXPECT_GT(index >> 16, 2u);
  EXPECT_EQ(receiver_.rtp_streams(), 1u);
}

TEST_P(SrtpSession, TakesReorderedPacketsAroundAWrap) {
  std::vector<Buffer> packets;
  for (uint64_t index = 65'036; index < 66'036; ++index) {
    packets.push_back(Seal(9, static_cast<uint16_t>(index), static_cast<uint32_t>(index >> 16), Buffer(20)));
  }
  for (size_t i = 0; i + 100 <= packets.size(); i += 100) {
    for (size_t j = 100; j > 0; --j) {
      EXPECT_TRUE(Open(packets[i + j - 1])) << i << " " << j;
    }
  }
}

TEST_P(SrtpSession, TellsReplaysFromForgeries) {
  const Buffer packet = Seal(3, 10, 0, Buffer(30));
  ASSERT_TRUE(Open(packet));
  EXPECT_EQ(Open(packet), std::unexpected(Error::kReplayed));
  Buffer forged = packet;
  forged.back() ^= 1;
  EXPECT_EQ(Open(forged), std::unexpected(Error::kUnauthentic));
  EXPECT_EQ(receiver_.counters().replayed, 1u);
  EXPECT_EQ(receiver_.counters().unauthentic, 1u);
  EXPECT_EQ(receiver_.counters().rtp_packets, 1u);
}

TEST_P(SrtpSession, LeavesTheHeaderOfAReplayAsItWas) {
  const Buffer packet = Seal(3, 10, 0, Buffer(30));
  ASSERT_TRUE(Open(packet));
  Buffer again = packet;
  EXPECT_FALSE(receiver_.UnprotectRtp(again));
  EXPECT_TRUE(std::equal(again.begin(), again.begin() + 12, packet.begin()));
}

TEST_P(SrtpSession, CallsAPacketBehindTheWindowReplayed) {
  const Buffer old = Seal(3, 1000, 0, Buffer(30));
  ASSERT_TRUE(Open(Seal(3, 2024, 0, Buffer(30))));
  EXPECT_EQ(Open(old), std::unexpected(Error::kReplayed));
  EXPECT_EQ(receiver_.counters().too_old, 1u);
  EXPECT_TRUE(Open(Seal(3, 1001, 0, Buffer(30))));
}

TEST_P(SrtpSession, RefusesEveryFlippedBit) {
  const Buffer rtp = Seal(3, 10, 0, Buffer(30));
  const Buffer rtcp = SealRtcp(3, Buffer(12));
  for (size_t bit = 0; bit < rtp.size() * 8; ++bit) {
    Buffer bad = rtp;
    bad[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(Open(bad)) << bit;
  }
  for (size_t bit = 0; bit < rtcp.size() * 8; ++bit) {
    Buffer bad = rtcp;
    bad[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(OpenRtcp(bad)) << bit;
  }
  EXPECT_TRUE(Open(rtp));
  EXPECT_TRUE(OpenRtcp(rtcp));
}

TEST_P(SrtpSession, CallsShortPacketsTruncated) {
  const Buffer rtp = Seal(3, 10, 0, {});
  for (size_t size = 0; size < rtp.size(); ++size) {
    EXPECT_EQ(Open({rtp.begin(), rtp.begin() + static_cast<std::ptrdiff_t>(size)}),
              std::unexpected(Error::kTruncated));
  }
  const Buffer rtcp = SealRtcp(3);
  for (size_t size = 0; size < rtcp.size(); ++size) {
    EXPECT_EQ(OpenRtcp({rtcp.begin(), rtcp.begin() + static_cast<std::ptrdiff_t>(size)}),
              std::unexpected(Error::kTruncated));
  }
  Buffer long_extension = Seal(3, 10, 0, Buffer(8));
  long_extension[0] |= 0x10;
  base::StoreU16(long_extension.data() + 14, 0xffff);
  EXPECT_EQ(Open(long_extension), std::unexpected(Error::kTruncated));
  Buffer many_sources = Seal(3, 10, 0, Buffer(8));
  many_sources[0] |= 0x0f;
  EXPECT_EQ(Open(many_sources), std::unexpected(Error::kTruncated));
}

TEST_P(SrtpSession, AddsAStreamOnlyForAnAuthenticPacket) {
  for (uint32_t ssrc = 1; ssrc <= 5000; ++ssrc) {
    Buffer forged = RtpHeader(ssrc, 1);
    forged.resize(60);
    ASSERT_EQ(receiver_.UnprotectRtp(forged), std::unexpected(Error::kUnauthentic));
  }
  EXPECT_EQ(receiver_.rtp_streams(), 0u);
}

TEST_P(SrtpSession, BoundsItsStreams) {
  receiver_ = *ReceiveSession::Create(GetParam(), key_, salt_, {.max_streams = 16});
  for (uint32_t ssrc = 1; ssrc <= 16; ++ssrc) {
    ASSERT_TRUE(Open(Seal(ssrc, 1, 0, {})));
    ASSERT_TRUE(OpenRtcp(SealRtcp(ssrc)));
  }
  EXPECT_EQ(Open(Seal(17, 1, 0, {})), std::unexpected(Error::kTooManyStreams));
  EXPECT_EQ(OpenRtcp(SealRtcp(17)), std::unexpected(Error::kTooManyStreams));
  EXPECT_EQ(receiver_.counters().too_many_streams, 2u);
  EXPECT_TRUE(Open(Seal(16, 2, 0, {})));
  receiver_.ForgetStream(1);
  EXPECT_TRUE(Open(Seal(17, 2, 0, {})));
  EXPECT_TRUE(OpenRtcp(SealRtcp(17)));
}

TEST_P(SrtpSession, NumbersRtcpOnItsOwn) {
  const Buffer first = SealRtcp(1);
  const Buffer second = SealRtcp(1);
  EXPECT_NE(first, second);
  EXPECT_TRUE(OpenRtcp(second));
  EXPECT_TRUE(OpenRtcp(first));
  EXPECT_EQ(OpenRtcp(first), std::unexpected(Error::kReplayed));
  EXPECT_EQ(OpenRtcp(second), std::unexpected(Error::kReplayed));
  EXPECT_EQ(receiver_.counters().rtcp_packets, 2u);
}

TEST_P(SrtpSession, AllocatesNothingPerPacket) {
  const Buffer header = RtpHeader(1, 1);
  const Buffer prefix(4);
  const Buffer payload(1000);
  const Buffer rtcp = RtcpPacket(1, Buffer(40));
  Buffer out(1600);
  ASSERT_TRUE(Open(Seal(1, 1, 0, {})));  // The stream itself.
  ASSERT_TRUE(OpenRtcp(SealRtcp(1)));
  Buffer next = RtpHeader(1, 2);
  const uint64_t before = g_allocations;
  for (uint16_t sequence = 2; sequence < 200; ++sequence) {
    base::StoreU16(next.data() + 2, sequence);
    const size_t size = sender_.ProtectRtp(next, prefix, payload, 3, 0, out);
    ASSERT_TRUE(receiver_.UnprotectRtp(MutableBytes(out).first(size)));
    const size_t rtcp_size = sender_.ProtectRtcp(rtcp, out);
    ASSERT_TRUE(receiver_.UnprotectRtcp(MutableBytes(out).first(rtcp_size)));
  }
  EXPECT_EQ(g_allocations, before);
}

TEST_P(SrtpSession, RefusesKeysOfTheWrongSize) {
  EXPECT_FALSE(SendSession::Create(GetParam(), ConstBytes(key_).first(15), salt_));
  EXPECT_FALSE(SendSession::Create(GetParam(), key_, ConstBytes(salt_).first(11)));
  EXPECT_FALSE(ReceiveSession::Create(GetParam(), key_, {}));
  EXPECT_FALSE(SendSession::Create(Profile{2}, key_, salt_));
}

TEST_P(SrtpSession, MovesWithItsState) {
  ASSERT_TRUE(Open(Seal(1, 1, 0, {})));
  ReceiveSession moved = std::move(receiver_);
  Buffer packet = Seal(1, 1, 0, {});
  EXPECT_EQ(moved.UnprotectRtp(packet), std::unexpected(Error::kReplayed));
  receiver_ = std::move(moved);
  EXPECT_EQ(receiver_.rtp_streams(), 1u);
}

}  // namespace
}  // namespace weir::srtp
