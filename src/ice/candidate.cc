#include "ice/candidate.h"

#include <algorithm>
#include <charconv>

namespace weir::ice {
namespace {

constexpr std::string_view kIceChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr size_t kUfragLength = 8;
constexpr size_t kPasswordLength = 24;
constexpr size_t kMaxFoundation = 32;  // RFC 8839 section 5.1.
constexpr size_t kMaxUfrag = 256;      // RFC 8839 section 5.4.

std::string RandomText(base::Random& random, size_t length) {
  std::string text(length, '\0');
  for (char& c : text) {
    c = kIceChars[random.Below(kIceChars.size())];
  }
  return text;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

// Words between single or several blanks, one after the other.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}
  std::string_view Next() {
    const size_t begin = std::min(rest_.find_first_not_of(' '), rest_.size());
    rest_.remove_prefix(begin);
    const size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return word;
  }

 private:
  std::string_view rest_;
};

template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

const char* TypeName(CandidateType type) {
  switch (type) {
    case CandidateType::kHost:
      return "host";
    case CandidateType::kServerReflexive:
      return "srflx";
    case CandidateType::kPeerReflexive:
      return "prflx";
    case CandidateType::kRelay:
      return "relay";
  }
  return "host";
}

const char* TcpTypeName(TcpType type) {
  switch (type) {
    case TcpType::kNone:
      return "";
    case TcpType::kActive:
      return "active";
    case TcpType::kPassive:
      return "passive";
    case TcpType::kSimultaneousOpen:
      return "so";
  }
  return "";
}

std::optional<CandidateType> TypeFromName(std::string_view name) {
  for (const CandidateType type : {CandidateType::kHost, CandidateType::kServerReflexive,
                                   CandidateType::kPeerReflexive, CandidateType::kRelay}) {
    if (EqualsIgnoringCase(name, TypeName(type))) {
      return type;
    }
  }
  return std::nullopt;
}

std::optional<TcpType> TcpTypeFromName(std::string_view name) {
  for (const TcpType type : {TcpType::kActive, TcpType::kPassive, TcpType::kSimultaneousOpen}) {
    if (EqualsIgnoringCase(name, TcpTypeName(type))) {
      return type;
    }
  }
  return std::nullopt;
}

// An address that is not a number is a name, which is for others to resolve.
Result<net::IpAddress, ParseError> ParseIp(std::string_view text) {
  if (text.empty()) {
    return std::unexpected(ParseError::kTruncated);
  }
  const auto ip = net::IpAddress::Parse(text);
  if (!ip) {
    const bool numeric = text.find_first_not_of("0123456789.") == std::string_view::npos ||
                         text.find(':') != std::string_view::npos;
    return std::unexpected(numeric ? ParseError::kBadValue : ParseError::kUnsupported);
  }
  return *ip;
}

// The name-value pairs that may follow "typ <type>", in any order.
Result<void, ParseError> ParseExtensions(Words words, Candidate& candidate) {
  std::optional<net::IpAddress> related_ip;
  std::optional<uint16_t> related_port;
  for (std::string_view name = words.Next(); !name.empty(); name = words.Next()) {
    const std::string_view value = words.Next();
    if (name == "raddr") {
      // Browsers hide the base behind 0.0.0.0 or a name; it is informational, so neither is an error.
      related_ip = net::IpAddress::Parse(value);
    } else if (name == "rport") {
      related_port = ParseNumber<uint16_t>(value);
    } else if (name == "tcptype") {
      const auto type = TcpTypeFromName(value);
      if (!type) {
        return std::unexpected(ParseError::kBadValue);
      }
      candidate.tcp_type = *type;
    } else if (name == "ufrag") {
      if (value.size() > kMaxUfrag) {
        return std::unexpected(ParseError::kTooLarge);
      }
      candidate.ufrag = value;
    }
  }
  if (related_ip && related_port) {
    candidate.related = net::SocketAddress{*related_ip, *related_port};
  }
  return {};
}

}  // namespace

Credentials MakeCredentials(base::Random& random) {
  return {RandomText(random, kUfragLength), RandomText(random, kPasswordLength)};
}

std::string Candidate::ToString() const {
  std::string text = "candidate:" + foundation + " " + std::to_string(component) + " " +
                     net::ToString(protocol) + " " + std::to_string(priority) + " " + address.ip.ToString() +
                     " " + std::to_string(address.port) + " typ " + TypeName(type);
  if (related && type != CandidateType::kHost) {
    text += " raddr " + related->ip.ToString() + " rport " + std::to_string(related->port);
  }
  if (tcp_type != TcpType::kNone) {
    text += std::string(" tcptype ") + TcpTypeName(tcp_type);
  }
  if (!ufrag.empty()) {
    text += " ufrag " + ufrag;
  }
  return text;
}

Result<Candidate, ParseError> ParseCandidate(std::string_view text) {
  if (text.size() > kMaxCandidateText) {
    return std::unexpected(ParseError::kTooLarge);
  }
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  for (const std::string_view prefix : {"a=", "candidate:"}) {
    if (text.starts_with(prefix)) {
      text.remove_prefix(prefix.size());
    }
  }

  Words words(text);
  const std::string_view foundation = words.Next();
  const auto component = ParseNumber<uint8_t>(words.Next());
  const std::string_view protocol = words.Next();
  const auto priority = ParseNumber<uint32_t>(words.Next());
  const std::string_view address = words.Next();
  const auto port = ParseNumber<uint16_t>(words.Next());
  const std::string_view typ = words.Next();
  const auto type = TypeFromName(words.Next());
  if (typ.empty()) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (foundation.size() > kMaxFoundation || !component || *component == 0 || !priority || !port ||
      typ != "typ" || !type) {
    return std::unexpected(ParseError::kBadValue);
  }

  Candidate candidate;
  if (EqualsIgnoringCase(protocol, "udp")) {
    candidate.protocol = net::Protocol::kUdp;
  } else if (EqualsIgnoringCase(protocol, "tcp")) {
    candidate.protocol = net::Protocol::kTcp;
  } else {
    return std::unexpected(ParseError::kUnsupported);
  }
  candidate.foundation = foundation;
  candidate.component = *component;
  candidate.priority = *priority;
  candidate.address = {TRY(ParseIp(address)), *port};
  candidate.type = *type;
  TRY(ParseExtensions(words, candidate));
  if (candidate.protocol == net::Protocol::kUdp) {
    candidate.tcp_type = TcpType::kNone;
  } else if (candidate.tcp_type == TcpType::kNone) {
    return std::unexpected(ParseError::kBadValue);  // RFC 6544 section 4.5: tcptype is mandatory for TCP.
  }
  return candidate;
}

uint32_t CandidatePriority(CandidateType type, net::Protocol protocol, uint16_t local_preference,
                           uint8_t component) {
  // RFC 8445 section 5.1.2.2; for TCP one below each, as the lowest UDP of a kind is better than the best
  // TCP.
  constexpr uint32_t kPreference[] = {126, 100, 110, 0};
  constexpr uint32_t kTcpPreference[] = {90, 80, 85, 0};
  const uint32_t preference =
      (protocol == net::Protocol::kTcp ? kTcpPreference : kPreference)[static_cast<size_t>(type)];
  return preference << 24 | static_cast<uint32_t>(local_preference) << 8 | (256u - component);
}

uint64_t PairPriority(uint32_t controlling, uint32_t controlled) {
  return (uint64_t{std::min(controlling, controlled)} << 32) +
         2 * uint64_t{std::max(controlling, controlled)} + (controlling > controlled ? 1 : 0);
}

Candidate MakeHostCandidate(net::Protocol protocol, net::SocketAddress address, uint16_t local_preference) {
  Candidate candidate;
  candidate.protocol = protocol;
  candidate.address = address;
  candidate.priority =
      CandidatePriority(CandidateType::kHost, protocol, local_preference, candidate.component);
  candidate.tcp_type = protocol == net::Protocol::kTcp ? TcpType::kPassive : TcpType::kNone;
  // Equal exactly for one type, base address and protocol (RFC 8445 section 5.1.1.3); the value says nothing.
  candidate.foundation = std::to_string(
      static_cast<uint32_t>(std::hash<net::IpAddress>()(address.ip) ^ static_cast<size_t>(protocol)));
  return candidate;
}

}  // namespace weir::ice
