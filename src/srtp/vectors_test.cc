// The published test vectors.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "srtp/aes_cm.h"
#include "srtp/key_derivation.h"
#include "srtp/session.h"
#include "srtp/test_bytes.h"

namespace weir::srtp {
namespace {

using base::Buffer;
using base::ConstBytes;

TEST(SrtpVectors, AesCounterModeKeystream) {  // RFC 3711 appendix B.2.
  auto cm = AesCm::Create(Hex("2B7E151628AED2A6ABF7158809CF4F3C"));
  ASSERT_TRUE(cm);
  Buffer stream(48, 0);
  cm->Crypt(Hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").data(), stream, stream.data());
  EXPECT_EQ(stream, Hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB"
                        "41E95B3BB0A2E8DD477901E4FCA894C0"));
}

TEST(SrtpVectors, KeyDerivation128) {  // RFC 3711 appendix B.3.
  const Buffer key = Hex("E1F97A0D3E018BE0D64FA32C06DE4139");
  const Buffer salt = Hex("0EC675AD498AFEEBB6960B3AABE6");
  const auto keys = DeriveSessionKeys(Profile::kAes128CmSha1_80, key, salt);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->rtp_key, Hex("C61E7A93744F39EE10734AFE3FF7A087"));
  EXPECT_EQ(keys->rtp_salt, Hex("30CBBC08863D8C85D49DB34A9AE1"));
  EXPECT_EQ(keys->rtp_auth, Hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

TEST(SrtpVectors, KeyDerivation256) {  // RFC 6188 section 7.2.
  const Buffer key = Hex("f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6");
  const Buffer salt = Hex("3b04803de51ee7c96423ab5b78d2");
  EXPECT_EQ(*Derive(key, salt, Label::kRtpEncryption, 32),
            Hex("5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4"));
  EXPECT_EQ(*Derive(key, salt, Label::kRtpSalt, 14), Hex("fa31791685ca444a9e07c6c64e93"));
  EXPECT_EQ(*Derive(key, salt, Label::kRtpAuthentication, 20),
            Hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
}

const char* const kKey128 = "000102030405060708090a0b0c0d0e0f";
const char* const kKey256 = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const char* const kGcmSalt = "517569642070726f2071756f";

SessionKeys GcmKeys(const char* key) {
  return {.rtp_key = Hex(key), .rtp_salt = Hex(kGcmSalt), .rtcp_key = Hex(key), .rtcp_salt = Hex(kGcmSalt)};
}

void ExpectRtpVector(Profile profile, const char* key, const Buffer& sealed) {
  const Buffer header = Hex("8040f17b 8041f8d3 5501a0b2");
  const ConstBytes text = base::AsBytes("Gallia est omnis divisa in partes tres");
  auto sender = SendSession::FromSessionKeys(profile, GcmKeys(key));
  ASSERT_TRUE(sender);
  // The packet's index is given: sequence f17b, rollover counter 0.
  Buffer out(200);
  out.resize(sender->ProtectRtp(header, {}, text, 0, 0, out));
  EXPECT_EQ(out, sealed);
  Buffer split(200);
  split.resize(sender->ProtectRtp(header, text.first(7), text.subspan(7), 0, 0, split));
  EXPECT_EQ(split, sealed);

  auto receiver = ReceiveSession::FromSessionKeys(profile, GcmKeys(key), {});
  ASSERT_TRUE(receiver);
  ASSERT_EQ(receiver->UnprotectRtp(out), header.size() + text.size());
  EXPECT_EQ(base::AsText(ConstBytes(out).subspan(12, text.size())), base::AsText(text));
}

TEST(SrtpVectors, RtpAes128Gcm) {  // RFC 7714 section 16.1.
  ExpectRtpVector(
      Profile::kAeadAes128Gcm, kKey128,
      Hex("8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a"
          "51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce"));
}

TEST(SrtpVectors, RtpAes256Gcm) {  // RFC 7714 section 16.2.
  ExpectRtpVector(
      Profile::kAeadAes256Gcm, kKey256,
      Hex("8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02"
          "76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13"));
}

// RFC 7714 section 17: opened only, since its index, 5d4, would take 1,492 packets to reach.
void ExpectRtcpVector(Profile profile, const char* key, Buffer sealed) {
  const Buffer plain =
      Hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef "
          "deadbeef deadbeef"
          "deadbeef");
  auto receiver = ReceiveSession::FromSessionKeys(profile, GcmKeys(key), {});
  ASSERT_TRUE(receiver);
  const auto size = receiver->UnprotectRtcp(sealed);
  ASSERT_TRUE(size) << ToString(size.error());
  sealed.resize(*size);
  EXPECT_EQ(sealed, plain);
}

TEST(SrtpVectors, RtcpAes128Gcm) {  // Section 17.1.
  ExpectRtcpVector(
      Profile::kAeadAes128Gcm, kKey128,
      Hex("81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda"
          "4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4"));
}

}  // namespace
}  // namespace weir::srtp
