#include "srtp/stream_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.h"

namespace weir::srtp {
namespace {

using Verdict = ReplayWindow::Verdict;

TEST(ReplayWindow, AcceptsEachIndexOnce) {
  ReplayWindow window(100);
  EXPECT_EQ(window.Accept(100, 1024), Verdict::kReplayed);
  EXPECT_EQ(window.Accept(102, 1024), Verdict::kFresh);
  EXPECT_EQ(window.Accept(101, 1024), Verdict::kFresh);
  EXPECT_EQ(window.Accept(101, 1024), Verdict::kReplayed);
  EXPECT_EQ(window.Accept(102, 1024), Verdict::kReplayed);
}

TEST(ReplayWindow, RefusesWhatIsOlderThanItsSize) {
  ReplayWindow window(5000);
  EXPECT_EQ(window.Accept(5000 - 1023, 1024), Verdict::kFresh);
  EXPECT_EQ(window.Accept(5000 - 1024, 1024), Verdict::kTooOld);
  ReplayWindow small(5000);
  EXPECT_EQ(small.Accept(5000 - 63, 64), Verdict::kFresh);
  EXPECT_EQ(small.Accept(5000 - 64, 64), Verdict::kTooOld);
}

TEST(ReplayWindow, AgreesWithASetOverRandomWalks) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    base::SeededRandom random(seed);
    uint64_t highest = 1 << 20;
    ReplayWindow window(highest);
    std::set<uint64_t> seen = {highest};
    for (int i = 0; i < 5000; ++i) {
      // Mostly near steps, at times a jump past the whole window.
      const uint64_t forward = random.Below(50) == 0 ? random.Below(3000) : random.Below(4);
      const uint64_t index = random.Below(3) == 0 ? highest - random.Below(1500) : highest + forward;
      Verdict expected = seen.contains(index) ? Verdict::kReplayed : Verdict::kFresh;
      if (index + 1024 <= highest) {
        expected = Verdict::kTooOld;
      }
      ASSERT_EQ(window.Accept(index, 1024), expected) << "seed " << seed << " step " << i;
      if (expected == Verdict::kFresh) {
        seen.insert(index);
        highest = std::max(highest, index);
      }
    }
  }
}

TEST(ReplayWindow, GuessesTheRolloverAsRfc3711AppendixA) {
  const auto at = [](uint64_t roc, uint16_t sequence) { return roc << 16 | sequence; };
  EXPECT_EQ(ReplayWindow(at(3, 100)).Guess(200), at(3, 200));
  EXPECT_EQ(ReplayWindow(at(3, 100)).Guess(65'000), at(2, 65'000));
  EXPECT_EQ(ReplayWindow(at(3, 65'000)).Guess(100), at(4, 100));
  EXPECT_EQ(ReplayWindow(at(3, 65'000)).Guess(40'000), at(3, 40'000));
  EXPECT_EQ(ReplayWindow(at(3, 0x8000)).Guess(0), at(3, 0));
  EXPECT_EQ(ReplayWindow(at(3, 0x8001)).Guess(0), at(4, 0));
  EXPECT_EQ(ReplayWindow(at(3, 0)).Guess(0x8000), at(3, 0x8000));
  EXPECT_EQ(ReplayWindow(at(3, 0)).Guess(0x8001), at(2, 0x8001));
}

TEST(ReplayWindow, HasNoRolloverBeforeTheFirst) { EXPECT_EQ(ReplayWindow(100).Guess(65'000), 65'000u); }

TEST(StreamTable, FindsWhatWasAddedAndNothingElse) {
  StreamTable table(2000);
  base::SeededRandom random(3);
  std::map<uint32_t, uint64_t> added;
  EXPECT_EQ(table.Find(0), nullptr);
  while (added.size() < 1500) {
    const uint32_t ssrc = added.empty() ? 0 : random.Next32();
    if (added.emplace(ssrc, added.size()).second) {
      ASSERT_TRUE(table.Add(ssrc, added.at(ssrc)));
    }
  }
  for (const auto& [ssrc, index] : added) {
    ASSERT_NE(table.Find(ssrc), nullptr);
    EXPECT_EQ(table.Find(ssrc)->highest(), index);
  }
  for (int i = 0; i < 1000; ++i) {
    const uint32_t ssrc = random.Next32();
    EXPECT_EQ(table.Find(ssrc) != nullptr, added.contains(ssrc));
  }
}

TEST(StreamTable, IsFullAtItsLimitAndHasRoomAfterARemoval) {
  StreamTable table(3);
  EXPECT_TRUE(table.Add(1, 10));
  EXPECT_TRUE(table.Add(2, 20));
  EXPECT_TRUE(table.Add(3, 30));
  EXPECT_FALSE(table.Add(4, 40));
  table.Remove(1);
  table.Remove(99);
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.Find(1), nullptr);
  EXPECT_TRUE(table.Add(4, 40));
  EXPECT_EQ(table.Find(2)->highest(), 20u);
  EXPECT_EQ(table.Find(3)->highest(), 30u);
  EXPECT_EQ(table.Find(4)->highest(), 40u);
}

}  // namespace
}  // namespace weir::srtp
