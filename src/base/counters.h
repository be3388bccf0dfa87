// Structs of counters that can be summed and named without anybody listing their fields a second time.
//
// Such a struct has uint64_t members only, and says in Fields() what they are called:
//
//   struct Counters {
//     uint64_t refused = 0;
//     static constexpr auto Fields() {
//       return std::to_array<base::CounterField<Counters>>({{"refused", &Counters::refused}});
//     }
//   };
//
// A member that Fields() forgets does not compile as soon as somebody visits or sums the struct.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir::base {

template <class Counters>
struct CounterField {
  std::string_view name;
  uint64_t Counters::* member;
};

// Calls f(name, value) for each counter, in the order of Fields().
template <class Counters, class F>
void VisitCounters(const Counters& counters, F&& f) {
  constexpr auto kFields = Counters::Fields();
  static_assert(kFields.size() * sizeof(uint64_t) == sizeof(Counters),
                "Fields() does not name every counter");
  for (const auto& field : kFields) {
    f(field.name, counters.*field.member);
  }
}

template <class Counters>
void AddCounters(Counters& into, const Counters& more) {
  constexpr auto kFields = Counters::Fields();
  static_assert(kFields.size() * sizeof(uint64_t) == sizeof(Counters),
                "Fields() does not name every counter");
  for (const auto& field : kFields) {
    into.*field.member += more.*field.member;
  }
}

}  // namespace weir::base
