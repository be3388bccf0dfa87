// Internet addresses as values: IPv4 or IPv6, with and without a port. No resolver, no socket.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace weir::net {

// An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is normalised to IPv4 on construction, so that one host has
// one value.
class IpAddress {
 public:
  constexpr IpAddress() = default;  // Unspecified: equal to nothing that arrives.
  static IpAddress V4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
  static IpAddress V4(uint32_t host_order);
  static IpAddress FromBytes(
      base::ConstBytes bytes);  // 4 or 16 bytes in network order; anything else is unspecified.
  static std::optional<IpAddress> Parse(
      std::string_view text);  // Numeric forms only; no scope id, no host names.

  bool is_v4() const { return size_ == 4; }
  bool is_v6() const { return size_ == 16; }
  bool specified() const { return size_ != 0; }
  bool is_loopback() const;
  bool is_link_local() const;
  bool is_private() const;  // RFC 1918, RFC 4193 (ULA).
  bool is_any() const;      // 0.0.0.0 or ::
  base::ConstBytes bytes() const { return {bytes_.data(), size_}; }
  std::string ToString() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<uint8_t, 16> bytes_{};
  uint8_t size_ = 0;
};

struct SocketAddress {
  IpAddress ip;
  uint16_t port = 0;

  std::string ToString() const;  // 10.0.0.1:80, [::1]:80
  static std::optional<SocketAddress> Parse(std::string_view text);
  auto operator<=>(const SocketAddress&) const = default;
};

enum class Protocol : uint8_t { kUdp, kTcp };
constexpr const char* ToString(Protocol protocol) { return protocol == Protocol::kUdp ? "udp" : "tcp"; }

// One path of packets: what it runs over, our end, the other end. `local` is the address the datagram was
// sent to; a reply leaves from it, which matters on a socket bound to every interface.
struct FiveTuple {
  Protocol protocol = Protocol::kUdp;
  SocketAddress local;
  SocketAddress remote;

  std::string ToString() const;
  auto operator<=>(const FiveTuple&) const = default;
};

}  // namespace weir::net

template <>
struct std::hash<weir::net::IpAddress> {
  size_t operator()(const weir::net::IpAddress& ip) const noexcept;
};
template <>
struct std::hash<weir::net::SocketAddress> {
  size_t operator()(const weir::net::SocketAddress& address) const noexcept;
};
template <>
struct std::hash<weir::net::FiveTuple> {
  size_t operator()(const weir::net::FiveTuple& tuple) const noexcept;
};
