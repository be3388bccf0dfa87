#include "srtp/gcm.h"

#include <gtest/gtest.h>

#include "srtp/test_bytes.h"

namespace weir::srtp {
namespace {

using base::Buffer;
using base::ConstBytes;

TEST(Gcm, BothBackendsGiveTheSameBytesForEveryLength) {
  base::SeededRandom random(7);
  for (const size_t key_size : {size_t{16}, size_t{32}}) {
    const Buffer key = RandomBytes(random, key_size);
    auto fast = Gcm::Create(Gcm::Direction::kSeal, key);
    auto openssl = Gcm::Create(Gcm::Direction::kSeal, key, Gcm::Backend::kOpenSsl);
    auto fast_open = Gcm::Create(Gcm::Direction::kOpen, key);
    auto openssl_open = Gcm::Create(Gcm::Direction::kOpen, key, Gcm::Backend::kOpenSsl);
    ASSERT_TRUE(fast && openssl && fast_open && openssl_open);
    for (size_t size = 0; size < 1500; size += 1 + size / 100) {
      const Buffer plain = RandomBytes(random, size);
      const Buffer aad = RandomBytes(random, 12 + size % 60);
      const Buffer nonce = RandomBytes(random, 12);
      Buffer one(size + Gcm::kTagSize);
      Buffer other(size + Gcm::kTagSize);
      fast->Seal(nonce.data(), aad, plain, one.data());
      openssl->Seal(nonce.data(), aad, plain, other.data());
      ASSERT_EQ(one, other) << "size " << size;

      Buffer in_place = plain;
      in_place.resize(one.size());
      fast->Seal(nonce.data(), aad, ConstBytes(in_place).first(size), in_place.data());
      ASSERT_EQ(in_place, one) << "in place, size " << size;

      for (Gcm* open : {&*fast_open, &*openssl_open}) {
        Buffer opened = one;
        ASSERT_TRUE(open->Open(nonce.data(), aad, base::MutableBytes(opened).first(size), one.data() + size));
        opened.resize(size);
        ASSERT_EQ(opened, plain);
      }
    }
  }
}

TEST(Gcm, RefusesAWrongTagByEitherBackend) {
  base::SeededRandom random(8);
  const Buffer key = RandomBytes(random, 16);
  const Buffer nonce = RandomBytes(random, 12);
  const Buffer aad = RandomBytes(random, 12);
  auto seal = Gcm::Create(Gcm::Direction::kSeal, key);
  ASSERT_TRUE(seal);
  Buffer sealed(40 + Gcm::kTagSize);
  seal->Seal(nonce.data(), aad, RandomBytes(random, 40), sealed.data());
  for (const Gcm::Backend backend : {Gcm::Backend::kFastest, Gcm::Backend::kOpenSsl}) {
    auto open = Gcm::Create(Gcm::Direction::kOpen, key, backend);
    ASSERT_TRUE(open);
    for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      Buffer bad = sealed;
      bad[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      EXPECT_FALSE(open->Open(nonce.data(), aad, base::MutableBytes(bad).first(40), bad.data() + 40));
    }
    Buffer good = sealed;
    EXPECT_TRUE(open->Open(nonce.data(), aad, base::MutableBytes(good).first(40), good.data() + 40));
  }
}

TEST(Gcm, RefusesKeysOfOtherSizes) {
  for (const size_t size : {0, 15, 17, 24, 33}) {
    EXPECT_FALSE(Gcm::Create(Gcm::Direction::kSeal, Buffer(size)));
  }
}

}  // namespace
}  // namespace weir::srtp
