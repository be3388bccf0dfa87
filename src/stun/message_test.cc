#include "stun/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weir::stun {
namespace {

using ::testing::ElementsAre;

Buffer FromHex(std::string_view hex) {
  Buffer bytes;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(digit(hex[i]) << 4 | digit(hex[i + 1])));
  }
  return bytes;
}

// The sample request and response of RFC 5769 sections 2.1 to 2.3; the password is that of the RFC.
constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBt";
const Buffer kSampleRequest = FromHex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff"
    "80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf");
const Buffer kSampleResponseV4 = FromHex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96");
const Buffer kSampleResponseV6 = FromHex(
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c");

MessageBuilder Request() {
  return MessageBuilder(Class::kRequest, Method::kBinding, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
}

TEST(Message, ReadsTheSampleRequestOfTheRfc) {
  const auto message = ParseMessage(kSampleRequest);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->IsBindingRequest());
  EXPECT_EQ(message->FindText(Attribute::kUsername), "evtj:h6vY");
  EXPECT_EQ(message->FindText(Attribute::kSoftware), "STUN test client");
  EXPECT_EQ(message->FindU32(Attribute::kPriority), 0x6e0001ffu);
  EXPECT_EQ(message->FindU64(Attribute::kIceControlled), 0x932ff9b151263b36u);
  EXPECT_TRUE(message->CheckIntegrity(base::AsBytes(kPassword)));
  EXPECT_TRUE(message->CheckFingerprint());
  EXPECT_EQ(UsernameOf(kSampleRequest), "evtj:h6vY");
}

TEST(Message, ReadsTheSampleResponsesOfTheRfc) {
  const auto v4 = ParseMessage(kSampleResponseV4);
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->message_class(), Class::kSuccess);
  EXPECT_EQ(v4->FindXorAddress(Attribute::kXorMappedAddress)->ToString(), "192.0.2.1:32853");
  EXPECT_TRUE(v4->CheckIntegrity(base::AsBytes(kPassword)));
  EXPECT_TRUE(v4->CheckFingerprint());

  const auto v6 = ParseMessage(kSampleResponseV6);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->FindXorAddress(Attribute::kXorMappedAddress)->ToString(),
            "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
  EXPECT_TRUE(v6->CheckIntegrity(base::AsBytes(kPassword)));
  EXPECT_TRUE(v6->CheckFingerprint());
  EXPECT_EQ(UsernameOf(kSampleResponseV6), std::nullopt);
}

TEST(Message, RefusesAWrongPasswordAndAnyChangedByte) {
  EXPECT_FALSE(ParseMessage(kSampleRequest)->CheckIntegrity(base::AsBytes("VOkJxbRl1RmTxUk/WvJxBT")));
  EXPECT_FALSE(ParseMessage(kSampleRequest)->CheckIntegrity({}));
  const size_t integrity_at = kSampleRequest.size() - 8 - 24;
  for (size_t i = 0; i < kSampleRequest.size(); ++i) {
    Buffer changed = kSampleRequest;
    changed[i] ^= 0x40;
    const auto message = ParseMessage(changed);
    if (!message) {
      continue;
    }
    EXPECT_FALSE(message->CheckFingerprint()) << i;
    if (i < integrity_at) {
      EXPECT_FALSE(message->CheckIntegrity(base::AsBytes(kPassword))) << i;
    }
  }
}

TEST(Message, BuildsWhatItReads) {
  const net::SocketAddress v4{net::IpAddress::V4(203, 0, 113, 9), 50000};
  const net::SocketAddress v6 = *net::SocketAddress::Parse("[2001:db8::7]:443");
  const Buffer bytes = Request()
                           .AddText(Attribute::kUsername, "left:right")
                           .AddU32(Attribute::kPriority, 77)
                           .AddFlag(Attribute::kUseCandidate)
                           .AddU64(Attribute::kIceControlling, 0x0102030405060708)
                           .AddXorAddress(Attribute::kXorMappedAddress, v4)
                           .AddXorAddress(Attribute::kXorPeerAddress, v6)
                           .Finish(base::AsBytes("secret"));
  EXPECT_TRUE(LooksLikeStun(bytes));
  const auto message = ParseMessage(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->method(), Method::kBinding);
  EXPECT_EQ(message->transaction_id(), (TransactionId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(message->FindText(Attribute::kUsername), "left:right");
  EXPECT_EQ(message->FindU32(Attribute::kPriority), 77u);
  EXPECT_TRUE(message->Has(Attribute::kUseCandidate));
  EXPECT_EQ(message->FindU64(Attribute::kIceControlling), 0x0102030405060708u);
  EXPECT_EQ(message->FindXorAddress(Attribute::kXorMappedAddress), v4);
  EXPECT_EQ(message->FindXorAddress(Attribute::kXorPeerAddress), v6);
  EXPECT_TRUE(message->CheckIntegrity(base::AsBytes("secret")));
  EXPECT_TRUE(message->CheckFingerprint());
}

TEST(Message, KeepsEveryMethodAndClassApart) {
  for (const Method method : {Method::kBinding, Method::kAllocate, Method::kChannelBind, Method(0xff)}) {
    for (const Class message_class : {Class::kRequest, Class::kIndication, Class::kSuccess, Class::kError}) {
      const Buffer bytes = MessageBuilder(message_class, method, {}).Finish();
      const auto message = ParseMessage(bytes);
      ASSERT_TRUE(message);
      EXPECT_EQ(message->method(), method);
      EXPECT_EQ(message->message_class(), message_class);
      EXPECT_FALSE(message->has_integrity());
    }
  }
}

TEST(Message, CarriesAnError) {
  const Buffer bytes = MessageBuilder(Class::kError, Method::kBinding, {})
                           .AddError(kRoleConflict, "Role Conflict")
                           .AddUnknownAttributes({0x7001, 0x7002})
                           .Finish();
  const auto message = ParseMessage(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->FindError()->code, 487);
  EXPECT_EQ(message->FindError()->reason, "Role Conflict");
  EXPECT_EQ(message->Find(Attribute::kUnknownAttributes)->size(), 4u);
}

TEST(Message, ListsWhatItWouldHaveToUnderstand) {
  const Buffer bytes = Request()
                           .AddFlag(Attribute(0x7777))
                           .AddText(Attribute::kUsername, "a:b")
                           .AddFlag(Attribute(0xc057))  // May be skipped.
                           .Finish(base::AsBytes("secret"));
  EXPECT_THAT(ParseMessage(bytes)->UnknownRequired(), ElementsAre(0x7777));
}

TEST(Message, DoesNotReturnWhatFollowsTheIntegrity) {
  Buffer bytes = Request().AddText(Attribute::kUsername, "a:b").Finish(base::AsBytes("secret"));
  bytes.resize(bytes.size() - 8);  // Without its fingerprint.
  const Buffer flag = {0x00, 0x25, 0x00, 0x00};
  bytes.insert(bytes.end(), flag.begin(), flag.end());
  base::StoreU16(&bytes[2], static_cast<uint16_t>(bytes.size() - kHeaderSize));
  const auto message = ParseMessage(bytes);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->CheckIntegrity(base::AsBytes("secret")));
  EXPECT_FALSE(message->Has(Attribute::kUseCandidate));
}

TEST(Message, RefusesWhatDoesNotFit) {
  for (size_t size = 0; size < kSampleRequest.size(); ++size) {
    EXPECT_FALSE(ParseMessage(ConstBytes(kSampleRequest).first(size))) << size;
    EXPECT_FALSE(LooksLikeStun(ConstBytes(kSampleRequest).first(size))) << size;
  }
  Buffer overlong = Request().AddText(Attribute::kUsername, "abcd").Finish();
  base::StoreU16(&overlong[kHeaderSize + 2], 60);
  EXPECT_EQ(ParseMessage(overlong).error(), ParseError::kTruncated);

  Buffer early_fingerprint = Request().Finish();
  early_fingerprint.insert(early_fingerprint.end(), {0x80, 0x22, 0, 0});
  base::StoreU16(&early_fingerprint[2], 12);
  EXPECT_EQ(ParseMessage(early_fingerprint).error(), ParseError::kBadValue);

  MessageBuilder many = Request();
  for (size_t i = 0; i <= kMaxAttributes; ++i) {
    many.AddFlag(Attribute::kSoftware);
  }
  EXPECT_EQ(ParseMessage(many.Finish()).error(), ParseError::kTooLarge);
}

TEST(Message, OddValuesAreNothingRatherThanGarbage) {
  const Buffer bytes = Request()
                           .Add(Attribute::kPriority, Buffer{1, 2, 3})
                           .Add(Attribute::kIceControlled, Buffer{1})
                           .Add(Attribute::kXorMappedAddress, Buffer{0, 2, 1, 1, 9, 9, 9, 9})
                           .Add(Attribute::kErrorCode, Buffer{0, 0, 9, 120})
                           .Finish();
  const auto message = ParseMessage(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->FindU32(Attribute::kPriority), std::nullopt);
  EXPECT_EQ(message->FindU64(Attribute::kIceControlled), std::nullopt);
  EXPECT_EQ(message->FindXorAddress(Attribute::kXorMappedAddress), std::nullopt);
  EXPECT_FALSE(message->FindError());
}

TEST(MessageBuilder, LeavesOutWhatDoesNotFit) {
  MessageBuilder builder = Request();
  builder.Add(Attribute::kData, Buffer(65'000));
  EXPECT_TRUE(builder.ok());
  builder.Add(Attribute::kData, Buffer(1'000));
  EXPECT_FALSE(builder.ok());
  const Buffer bytes = builder.Finish(base::AsBytes("secret"));
  EXPECT_TRUE(ParseMessage(bytes)->CheckIntegrity(base::AsBytes("secret")));
}

TEST(LooksLikeStun, TellsOtherDatagramsApart) {
  Buffer dtls(40, 0);
  dtls[0] = 22;
  Buffer rtp(40, 0);
  rtp[0] = 0x80;
  EXPECT_FALSE(LooksLikeStun(dtls));
  EXPECT_FALSE(LooksLikeStun(rtp));
  EXPECT_FALSE(LooksLikeStun(Buffer(20, 0)));  // No cookie.
  EXPECT_TRUE(LooksLikeStun(kSampleRequest));
}

}  // namespace
}  // namespace weir::stun
