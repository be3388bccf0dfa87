// The handshake over bad networks, and against peers that split or order their messages in unusual ways.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string>

#include "dtls/test_pair.h"

namespace weir::dtls {
namespace {

using base::TimeDelta;
using base::Timestamp;
using testing::ElementsAre;
using testing::HasSubstr;

const Certificate& ClientCertificate() {
  static const Certificate certificate = *Certificate::Generate({1'700'000'000'000'000});
  return certificate;
}
const Certificate& ServerCertificate() {
  static const Certificate certificate = *Certificate::Generate({1'700'000'000'000'000});
  return certificate;
}

class Pair : public TestPair {
 public:
  explicit Pair(const Transport::Config& client_config = {}, const Transport::Config& server_config = {})
      : TestPair(client_config, server_config, ClientCertificate(), ServerCertificate()) {
    ExchangeFingerprints(ClientCertificate(), ServerCertificate());
  }
};

TEST(DtlsHandshake, SucceedsUnderLossReorderingAndDuplication) {
  TimeDelta slowest;
  for (const double loss : {0.1, 0.2, 0.3, 0.4}) {
    for (uint64_t seed = 1; seed <= 25; ++seed) {
      Pair pair;
      pair.random = base::SeededRandom(seed * 1000 + static_cast<uint64_t>(loss * 10));
      pair.network = {.loss = loss, .duplication = 0.05, .jitter = TimeDelta::Millis(15)};
      const Timestamp start = pair.now;
      pair.client.transport.Start(start);
      while (!pair.connected() && pair.now < start + TimeDelta::Seconds(60)) {
        pair.RunFor(TimeDelta::Millis(10));
      }
      EXPECT_TRUE(pair.connected()) << "loss " << loss << " seed " << seed << " " << pair.client.closed << " "
                                    << pair.server.closed;
      slowest = std::max(slowest, pair.now - start);
    }
  }
  EXPECT_LT(slowest, TimeDelta::Seconds(30));
}

TEST(DtlsHandshake, RepeatsALostHelloAfterHundredMillisecondsAndThenHalfAsOften) {
  Pair pair;
  std::vector<int64_t> at;
  const Timestamp start = pair.now;
  pair.filter = [&](bool from_client, base::Buffer&) {
    if (from_client) {
      at.push_back((pair.now - start).millis());
    }
    return false;
  };
  pair.client.transport.Start(start);
  pair.RunFor(TimeDelta::Seconds(4));
  EXPECT_THAT(at, ElementsAre(0, 100, 300, 700, 1500, 3100));
}

TEST(DtlsHandshake, TimesDoNotDependOnTheWallClock) {
  // The first interval is over long before the peer answers, by a real clock, while virtual time stands
  // still. OpenSSL asks its clock on every read and would repeat the flight.
  Pair pair({.retransmit_first = TimeDelta::Micros(1)}, {.retransmit_first = TimeDelta::Micros(1)});
  pair.network.delay = TimeDelta();
  pair.client.transport.Start(pair.now);
  EXPECT_EQ(pair.client.transport.NextTimeout(), pair.now + TimeDelta::Micros(1));
  pair.RunUntil(pair.now);
  EXPECT_TRUE(pair.connected());
  EXPECT_EQ(pair.client.sent.size(), 2u);
  EXPECT_EQ(pair.server.sent.size(), 2u);
  EXPECT_EQ(pair.client.transport.counters().retransmit_timeouts, 0u);
}

TEST(DtlsHandshake, GivesUpAfterItsTimeout) {
  Pair pair({.handshake_timeout = TimeDelta::Seconds(20)});
  pair.network.loss = 1;
  const Timestamp start = pair.now;
  pair.client.transport.Start(start);
  pair.RunUntil(start + TimeDelta::Seconds(19));
  EXPECT_THAT(pair.client.closed, testing::IsEmpty());
  pair.RunUntil(start + TimeDelta::Seconds(21));
  EXPECT_THAT(pair.client.closed, HasSubstr("timed out"));
  EXPECT_TRUE(pair.client.transport.NextTimeout().infinite());
}

TEST(DtlsHandshake, KeepsTryingForTheWholeDefaultTimeout) {
  Pair pair;
  pair.network.loss = 1;
  const Timestamp start = pair.now;
  pair.client.transport.Start(start);
  pair.RunUntil(start + TimeDelta::Seconds(50));
  EXPECT_THAT(pair.client.closed, testing::IsEmpty());
  pair.network.loss = 0;
  pair.RunUntil(start + TimeDelta::Seconds(59));
  EXPECT_TRUE(pair.connected()) << pair.client.closed;
}

TEST(DtlsHandshake, ServerRepeatsItsLastFlightForAClientThatMissedIt) {
  Pair pair;
  int from_server = 0;
  pair.filter = [&](bool from_client, base::Buffer&) { return from_client || ++from_server != 2; };
  pair.client.transport.Start(pair.now);
  pair.RunFor(TimeDelta::Seconds(2));
  EXPECT_TRUE(pair.connected());
  EXPECT_GE(pair.server.sent.size(), 3u);
}

TEST(DtlsHandshake, WorksWithATinyMtuOnBothSidesUnderLoss) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Pair pair({.mtu = 228}, {.mtu = 228});
    pair.random = base::SeededRandom(seed);
    pair.network = {.loss = 0.1, .jitter = TimeDelta::Millis(20)};
    pair.client.transport.Start(pair.now);
    pair.RunFor(TimeDelta::Seconds(55));
    EXPECT_TRUE(pair.connected()) << "seed " << seed << " " << pair.client.closed << pair.server.closed;
  }
}

// A peer made by OpenSSL alone, to offer what Transport never does.
class PlainPeer {
 public:
  explicit PlainPeer(const char* profiles, bool with_certificate = true) {
    context_ = SSL_CTX_new(DTLS_method());
    if (profiles != nullptr) {
      EXPECT_EQ(SSL_CTX_set_tlsext_use_srtp(context_, profiles), 0);
    }
    if (with_certificate) {
      SSL_CTX* ours = ClientCertificate().context();
      SSL_CTX_use_certificate(context_, SSL_CTX_get0_certificate(ours));
      SSL_CTX_use_PrivateKey(context_, SSL_CTX_get0_privatekey(ours));
    }
    ssl_ = SSL_new(context_);
    SSL_set_options(ssl_, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(ssl_, 1200);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_connect_state(ssl_);
  }
  ~PlainPeer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  PlainPeer(const PlainPeer&) = delete;
  PlainPeer& operator=(const PlainPeer&) = delete;

  // Makes the hello as large as that of a browser with post-quantum key shares, 1.4 kB, and splits what it
  // sends.
  void UseLargeHello(long mtu) {
    base::Buffer protocols;
    while (protocols.size() < 1200) {
      protocols.push_back(99);
      protocols.insert(protocols.end(), 99, 'x');
    }
    SSL_set_alpn_protos(ssl_, protocols.data(), static_cast<unsigned int>(protocols.size()));
    SSL_set_mtu(ssl_, mtu);
  }

  // The records that the peer wants to send now. (A memory BIO glues them together.)
  std::vector<base::Buffer> TakeRecords() {
    done_ = SSL_do_handshake(ssl_) == 1;
    base::Buffer bytes(BIO_pending(out_));
    BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
    std::vector<base::Buffer> records;
    constexpr size_t kHeader = 13;
    for (size_t at = 0; at + kHeader <= bytes.size();) {
      const size_t size = kHeader + base::LoadU16(bytes.data() + at + 11);
      records.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                           bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
      at += size;
    }
    return records;
  }

  // Runs the handshake against `server` over a perfect network, one record a datagram.
  bool Connect(Transport& server) {
    for (int turn = 0; turn < 10; ++turn) {
      while (auto datagram = server.PollTransmit()) {
        BIO_write(in_, datagram->data(), static_cast<int>(datagram->size()));
      }
      for (const base::Buffer& record : TakeRecords()) {
        server.OnDatagram(Timestamp::Seconds(1), record);
      }
    }
    return done_;
  }
  SSL* ssl() { return ssl_; }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
  BIO* in_;
  BIO* out_;
  bool done_ = false;
};

std::optional<SrtpKeys> KeysOf(Transport& transport) {
  while (auto event = transport.PollEvent()) {
    if (auto* connected = std::get_if<Transport::Connected>(&*event)) {
      return connected->keys;
    }
  }
  return std::nullopt;
}

TEST(DtlsHandshake, ReassemblesAHelloOfTwoDatagrams) {
  Transport server({.role = Role::kServer}, ServerCertificate());
  server.SetRemoteFingerprint("sha-256", ClientCertificate().fingerprint());
  PlainPeer peer("SRTP_AEAD_AES_128_GCM");
  peer.UseLargeHello(1200);
  const std::vector<base::Buffer> hello = peer.TakeRecords();
  ASSERT_EQ(hello.size(), 2u);
  server.OnDatagram(Timestamp::Seconds(1), hello[0]);
  EXPECT_FALSE(server.PollTransmit());
  server.OnDatagram(Timestamp::Seconds(1), hello[1]);
  EXPECT_TRUE(peer.Connect(server));
  EXPECT_TRUE(KeysOf(server));
}

TEST(DtlsHandshake, ReassemblesASplitHelloInAnyOrder) {
  base::SeededRandom random(1);
  for (int round = 0; round < 50; ++round) {
    Transport server({.role = Role::kServer}, ServerCertificate());
    server.SetRemoteFingerprint("sha-256", ClientCertificate().fingerprint());
    PlainPeer peer("SRTP_AEAD_AES_128_GCM");
    peer.UseLargeHello(256);
    std::vector<base::Buffer> hello = peer.TakeRecords();
    ASSERT_GE(hello.size(), 5u);
    for (size_t i = hello.size() - 1; i > 0; --i) {
      std::swap(hello[i], hello[random.Below(static_cast<uint32_t>(i + 1))]);
    }
    for (const base::Buffer& record : hello) {
      server.OnDatagram(Timestamp::Seconds(1), record);
    }
    EXPECT_TRUE(peer.Connect(server)) << "round " << round;
    EXPECT_TRUE(KeysOf(server)) << "round " << round;
  }
}

TEST(DtlsHandshake, ReassemblesAHelloWhoseRecordsShareADatagram) {
  Transport server({.role = Role::kServer}, ServerCertificate());
  server.SetRemoteFingerprint("sha-256", ClientCertificate().fingerprint());
  PlainPeer peer("SRTP_AEAD_AES_128_GCM");
  peer.UseLargeHello(256);
  base::Buffer packed;
  for (const base::Buffer& record : peer.TakeRecords()) {
    packed.insert(packed.end(), record.begin(), record.end());
  }
  server.OnDatagram(Timestamp::Seconds(1), packed);
  EXPECT_TRUE(peer.Connect(server));
  EXPECT_TRUE(KeysOf(server));
}

TEST(DtlsHandshake, ServerTakesItsOwnOrderOfProfiles) {
  Transport server({.role = Role::kServer}, ServerCertificate());
  server.SetRemoteFingerprint("sha-256", ClientCertificate().fingerprint());
  PlainPeer chromium("SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM");
  EXPECT_TRUE(chromium.Connect(server));
  const auto keys = KeysOf(server);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->profile, SrtpProfile::kAeadAes128Gcm);
}

TEST(DtlsHandshake, AcceptsEachProfileAlone) {
  const std::tuple<const char*, SrtpProfile, size_t, size_t> kCases[] = {
      {"SRTP_AES128_CM_SHA1_80", SrtpProfile::kAes128CmSha1_80, 16, 14},
      {"SRTP_AEAD_AES_128_GCM", SrtpProfile::kAeadAes128Gcm, 16, 12},
      {"SRTP_AEAD_AES_256_GCM", SrtpProfile::kAeadAes256Gcm, 32, 12}};
  for (const auto& [name, profile, key_size, salt_size] : kCases) {
    Transport server({.role = Role::kServer}, ServerCertificate());
    server.SetRemoteFingerprint("sha-256", ClientCertificate().fingerprint());
    PlainPeer peer(name);
    EXPECT_TRUE(peer.Connect(server));
    const auto keys = KeysOf(server);
    ASSERT_TRUE(keys) << name;
    EXPECT_EQ(keys->profile, profile);
    EXPECT_EQ(keys->local_key.size(), key_size);
    EXPECT_EQ(keys->remote_salt.size(), salt_size);
    base::Buffer exported(2 * (key_size + salt_size));
    ASSERT_EQ(SSL_export_keying_material(peer.ssl(), exported.data(), exported.size(), "EXTRACTOR-dtls_srtp",
                                         19, nullptr, 0, 0),
              1);
    EXPECT_TRUE(std::ranges::equal(keys->remote_key, base::ConstBytes(exported).first(key_size)));
    EXPECT_TRUE(std::ranges::equal(keys->local_salt, base::ConstBytes(exported).last(salt_size)));
  }
}

TEST(DtlsHandshake, ClosesOnAPeerWithoutACommonProfile) {
  for (const char* profiles : {static_cast<const char*>(nullptr), "SRTP_AES128_CM_SHA1_32"}) {
    Transport server({.role = Role::kServer}, ServerCertificate());
    server.SetRemoteFingerprint("sha-256", ClientCertificate().fingerprint());
    PlainPeer peer(profiles);
    peer.Connect(server);
    const auto event = server.PollEvent();
    ASSERT_TRUE(event);
    ASSERT_TRUE(std::holds_alternative<Transport::Closed>(*event));
    EXPECT_THAT(std::get<Transport::Closed>(*event).reason, HasSubstr("SRTP profile"));
  }
}

TEST(DtlsHandshake, RefusesAPeerWithoutACertificate) {
  Transport server({.role = Role::kServer}, ServerCertificate());
  server.SetRemoteFingerprint("sha-256", ClientCertificate().fingerprint());
  PlainPeer peer("SRTP_AEAD_AES_128_GCM", false);
  EXPECT_FALSE(peer.Connect(server));
  const auto event = server.PollEvent();
  ASSERT_TRUE(event);
  EXPECT_TRUE(std::holds_alternative<Transport::Closed>(*event));
}

TEST(DtlsHandshake, UsesExtendedMasterSecretAndNoTickets) {
  Transport server({.role = Role::kServer}, ServerCertificate());
  server.SetRemoteFingerprint("sha-256", ClientCertificate().fingerprint());
  PlainPeer peer("SRTP_AEAD_AES_128_GCM");
  ASSERT_TRUE(peer.Connect(server));
  EXPECT_EQ(SSL_get_extms_support(peer.ssl()), 1);
  EXPECT_EQ(SSL_SESSION_has_ticket(SSL_get_session(peer.ssl())), 0);
  EXPECT_EQ(SSL_version(peer.ssl()), DTLS1_2_VERSION);
  EXPECT_STREQ(SSL_get_cipher_name(peer.ssl()), "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST(DtlsHandshake, OffersItsThreeGroupsInOrder) {
  Pair pair;
  pair.client.transport.Start(pair.now);
  const auto hello = pair.client.transport.PollTransmit();
  ASSERT_TRUE(hello);
  // RFC 8422 section 5.1.1: type, size, list size, then x25519, secp256r1, secp384r1.
  const base::Buffer groups = {0, 10, 0, 8, 0, 6, 0, 0x1d, 0, 0x17, 0, 0x18};
  EXPECT_FALSE(std::ranges::search(*hello, groups).empty());
}

}  // namespace
}  // namespace weir::dtls
