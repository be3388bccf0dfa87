#include "sfu/sequence_mapper.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "sfu/sequence_window.h"

namespace weir::sfu {
namespace {

TEST(SequenceMapper, ClosesWhatIsDroppedAndKeepsWhatIsLost) {
  SequenceMapper mapper;
  mapper.Start(100, 5000);
  EXPECT_EQ(mapper.Map(100), 5000);
  EXPECT_TRUE(mapper.Drop(101));
  EXPECT_TRUE(mapper.Drop(102));
  EXPECT_EQ(mapper.Map(103), 5001);
  EXPECT_EQ(mapper.Map(105), 5003);  // 104 is lost.
  EXPECT_EQ(mapper.Map(104), 5002);  // And comes late.
}

TEST(SequenceMapper, RefusesDroppedEarlierAndForgottenNumbers) {
  SequenceMapper mapper;
  mapper.Start(100, 0);
  mapper.Map(100);
  mapper.Drop(101);
  mapper.Map(102);
  EXPECT_EQ(mapper.Map(99), std::nullopt);
  EXPECT_EQ(mapper.Map(101), std::nullopt);
  EXPECT_TRUE(mapper.WasDropped(101));
  EXPECT_FALSE(mapper.WasDropped(99));
  EXPECT_FALSE(mapper.WasDropped(102));
  for (int64_t seq = 104; seq < 104 + 4 * static_cast<int64_t>(SequenceMapper::kMaxRanges); seq += 2) {
    mapper.Drop(seq);
    mapper.Map(seq + 1);
  }
  EXPECT_EQ(mapper.Map(103), std::nullopt);
}

TEST(SequenceMapper, DoesNotCloseAPlaceThatWasGivenOut) {
  SequenceMapper mapper;
  mapper.Start(1, 1);
  mapper.Map(1);
  mapper.Map(3);
  EXPECT_FALSE(mapper.Drop(2));
  EXPECT_EQ(mapper.Map(4), 4);
}

TEST(SequenceMapper, ClosesAGapThatBelongsToADroppedFrame) {
  SequenceMapper mapper;
  mapper.Start(1, 1);
  mapper.Map(1);
  mapper.Drop(2);
  mapper.DropGap(5);  // 3 and 4 were lost.
  mapper.Drop(5);
  EXPECT_EQ(mapper.Map(6), 2);
  EXPECT_EQ(mapper.Map(4), std::nullopt);
  EXPECT_TRUE(mapper.WasDropped(3));
}

TEST(SequenceMapper, BeginsAnewWithoutMemoryOfTheSourceBefore) {
  SequenceMapper mapper;
  mapper.Start(10, 10);
  mapper.Map(10);
  mapper.Start(70'000, 11);
  EXPECT_EQ(mapper.Map(70'000), 11);
  EXPECT_EQ(mapper.Map(11), std::nullopt);
}

TEST(SequenceMapper, AgreesWithABookThatRemembersEverything) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    base::SeededRandom random(seed);
    SequenceMapper mapper;
    mapper.Start(1000, 7);
    std::map<int64_t, int64_t> book;
    int64_t next_out = 7;
    int64_t seq = 1000;
    for (int step = 0; step < 150; ++step) {
      const uint32_t what = random.Below(10);
      if (what < 6) {
        book[seq] = next_out;
        ASSERT_EQ(mapper.Map(seq++), next_out++);
      } else if (what < 8) {
        ASSERT_TRUE(mapper.Drop(seq++));
      } else {
        const int lost = 1 + static_cast<int>(random.Below(3));
        for (int i = 0; i < lost; ++i) {
          book[seq++] = next_out++;
        }
        book[seq] = next_out;
        ASSERT_EQ(mapper.Map(seq++), next_out++);
      }
    }
    for (int64_t old = 1000; old < mapper.highest(); ++old) {
      const auto it = book.find(old);
      ASSERT_EQ(mapper.Map(old), it == book.end() ? std::nullopt : std::optional(it->second))
          << seed << " " << old;
    }
  }
}

TEST(SequenceWindow, AcceptsEachNumberOnce) {
  SequenceWindow<128> window;
  EXPECT_TRUE(window.Insert(10));
  EXPECT_FALSE(window.Insert(10));
  EXPECT_TRUE(window.Insert(137));
  EXPECT_TRUE(window.Insert(11));
  EXPECT_FALSE(window.Insert(11));
  EXPECT_FALSE(window.Insert(9));  // Too far back to tell.
  EXPECT_TRUE(window.TooOld(9));
  EXPECT_TRUE(window.Contains(137));
  EXPECT_FALSE(window.Contains(138));
  EXPECT_TRUE(window.Insert(100'000));
  EXPECT_TRUE(window.Insert(99'990));
}

}  // namespace
}  // namespace weir::sfu
