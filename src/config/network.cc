#include "config/network.h"

#include <algorithm>

#include "config/scalar.h"

namespace weir::config {

std::optional<PortRange> ParsePortRange(std::string_view text) {
  const size_t dash = text.find('-');
  const auto first = ParseInteger(text.substr(0, dash));
  const auto last = dash == text.npos ? first : ParseInteger(text.substr(dash + 1));
  if (!first || !last || *first < 0 || *last > 65535 || *first > *last || (*first == 0 && *last != 0)) {
    return std::nullopt;
  }
  return PortRange{static_cast<uint16_t>(*first), static_cast<uint16_t>(*last)};
}

std::optional<Cidr> Cidr::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto base = net::IpAddress::Parse(text.substr(0, slash));
  if (!base) {
    return std::nullopt;
  }
  const int bits = base->is_v4() ? 32 : 128;
  const auto prefix = slash == text.npos ? bits : ParseInteger(text.substr(slash + 1));
  if (!prefix || *prefix < 0 || *prefix > bits) {
    return std::nullopt;
  }
  Cidr cidr;
  cidr.base_ = *base;
  cidr.prefix_ = static_cast<int>(*prefix);
  return cidr;
}

bool Cidr::Contains(const net::IpAddress& address) const {
  const base::ConstBytes ours = base_.bytes();
  const base::ConstBytes theirs = address.bytes();
  if (ours.size() != theirs.size() || ours.empty()) {
    return false;
  }
  for (size_t i = 0; i < ours.size(); ++i) {
    const int bits = std::clamp(prefix_ - static_cast<int>(i) * 8, 0, 8);
    const auto mask = static_cast<uint8_t>(0xff00 >> bits);
    if ((ours[i] & mask) != (theirs[i] & mask)) {
      return false;
    }
  }
  return true;
}

}  // namespace weir::config
