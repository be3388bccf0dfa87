// The two network values that configuration has besides addresses: a range of ports and a CIDR block.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "net/address.h"

namespace weir::config {

// Inclusive on both ends.
struct PortRange {
  uint16_t first = 0;
  uint16_t last = 0;
  size_t count() const { return first == 0 ? 0 : size_t{last} - first + 1; }
  bool operator==(const PortRange&) const = default;
};
// "7882", "7882-7892"; the first must not exceed the last. "0" is {0, 0}.
std::optional<PortRange> ParsePortRange(std::string_view text);

// "10.0.0.0/8", "fd00::/8"; an address alone is a block of one.
class Cidr {
 public:
  static std::optional<Cidr> Parse(std::string_view text);
  bool Contains(const net::IpAddress& address) const;  // Never across address families.
  bool operator==(const Cidr&) const = default;

 private:
  net::IpAddress base_;
  int prefix_ = 0;  // Bits.
};

}  // namespace weir::config
