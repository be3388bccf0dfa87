#include "base/counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace weir::base {
namespace {

struct Counters {
  uint64_t taken = 0;
  uint64_t refused = 0;
  static constexpr auto Fields() {
    return std::to_array<CounterField<Counters>>(
        {{"taken", &Counters::taken}, {"refused", &Counters::refused}});
  }
};

TEST(Counters, AreVisitedByName) {
  std::vector<std::pair<std::string, uint64_t>> seen;
  VisitCounters(Counters{.taken = 3, .refused = 4},
                [&](std::string_view name, uint64_t value) { seen.emplace_back(name, value); });
  EXPECT_THAT(seen, testing::ElementsAre(testing::Pair("taken", 3), testing::Pair("refused", 4)));
}

TEST(Counters, AreSummedFieldByField) {
  Counters sum{.taken = 1, .refused = 2};
  AddCounters(sum, {.taken = 10, .refused = 20});
  EXPECT_EQ(sum.taken, 11U);
  EXPECT_EQ(sum.refused, 22U);
}

}  // namespace
}  // namespace weir::base
