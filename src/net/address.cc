#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weir::net {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

uint64_t Mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 32);
}

}  // namespace

IpAddress IpAddress::FromBytes(base::ConstBytes bytes) {
  IpAddress ip;
  if (bytes.size() == 16 && std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin())) {
    bytes = bytes.last(4);
  }
  if (bytes.size() == 4 || bytes.size() == 16) {
    std::copy(bytes.begin(), bytes.end(), ip.bytes_.begin());
    ip.size_ = static_cast<uint8_t>(bytes.size());
  }
  return ip;
}

IpAddress IpAddress::V4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  const uint8_t bytes[] = {a, b, c, d};
  return FromBytes(bytes);
}

IpAddress IpAddress::V4(uint32_t host_order) {
  uint8_t bytes[4];
  base::StoreU32(bytes, host_order);
  return FromBytes(bytes);
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string terminated(text);
  uint8_t bytes[16];
  if (inet_pton(AF_INET, terminated.c_str(), bytes) == 1) {
    return FromBytes({bytes, 4});
  }
  if (inet_pton(AF_INET6, terminated.c_str(), bytes) == 1) {
    return FromBytes({bytes, 16});
  }
  return std::nullopt;
}

bool IpAddress::is_loopback() const {
  if (is_v4()) {
    return bytes_[0] == 127;
  }
  return is_v6() && bytes_[15] == 1 &&
         std::all_of(bytes_.begin(), bytes_.begin() + 15, [](uint8_t b) { return b == 0; });
}

bool IpAddress::is_link_local() const {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254
                 : is_v6() && bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::is_private() const {
  if (is_v4()) {
    return bytes_[0] == 10 || (bytes_[0] == 172 && (bytes_[1] & 0xf0) == 16) ||
           (bytes_[0] == 192 && bytes_[1] == 168);
  }
  return is_v6() && (bytes_[0] & 0xfe) == 0xfc;
}

bool IpAddress::is_any() const {
  return specified() && std::all_of(bytes_.begin(), bytes_.begin() + size_, [](uint8_t b) { return b == 0; });
}

std::string IpAddress::ToString() const {
  if (!specified()) {
    return "unspecified";
  }
  char text[INET6_ADDRSTRLEN];
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

std::string SocketAddress::ToString() const {
  const std::string number = std::to_string(port);
  return ip.is_v6() ? "[" + ip.ToString() + "]:" + number : ip.ToString() + ":" + number;
}

std::optional<SocketAddress> SocketAddress::Parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;  // An IPv6 address without brackets: where the port starts would be a guess.
  }
  const auto ip = IpAddress::Parse(host);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (!ip || error != std::errc() || end != port_text.data() + port_text.size()) {
    return std::nullopt;
  }
  return SocketAddress{*ip, port};
}

std::string FiveTuple::ToString() const {
  return std::string(net::ToString(protocol)) + " " + local.ToString() + " <- " + remote.ToString();
}

}  // namespace weir::net

size_t std::hash<weir::net::IpAddress>::operator()(const weir::net::IpAddress& ip) const noexcept {
  uint64_t halves[2] = {};
  if (!ip.bytes().empty()) {
    std::memcpy(halves, ip.bytes().data(), ip.bytes().size());
  }
  return weir::net::Mix(weir::net::Mix(ip.bytes().size(), halves[0]), halves[1]);
}

size_t std::hash<weir::net::SocketAddress>::operator()(
    const weir::net::SocketAddress& address) const noexcept {
  return weir::net::Mix(std::hash<weir::net::IpAddress>()(address.ip), address.port);
}

size_t std::hash<weir::net::FiveTuple>::operator()(const weir::net::FiveTuple& tuple) const noexcept {
  const std::hash<weir::net::SocketAddress> hash;
  return weir::net::Mix(weir::net::Mix(static_cast<uint64_t>(tuple.protocol), hash(tuple.local)),
                        hash(tuple.remote));
}
