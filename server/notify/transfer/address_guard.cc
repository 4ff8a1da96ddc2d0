#include "server/notify/transfer/address_guard.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>

#include "rules/spec/receiver_spec.h"

namespace barograph::server {

namespace {

struct Network4 {
  std::uint32_t address;
  int bits;
  AddressScope scope;
};

constexpr std::uint32_t Ip(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return (a << 24U) | (b << 16U) | (c << 8U) | d;
}

// RFC 6890 and, for metadata services, what the large clouds document.
constexpr std::array<Network4, 15> kNetworks4{{
    {Ip(169, 254, 169, 254), 32, AddressScope::kForbidden},
    {Ip(100, 100, 100, 200), 32, AddressScope::kForbidden},
    {Ip(0, 0, 0, 0), 8, AddressScope::kForbidden},
    {Ip(224, 0, 0, 0), 4, AddressScope::kForbidden},
    {Ip(240, 0, 0, 0), 4, AddressScope::kForbidden},
    {Ip(127, 0, 0, 0), 8, AddressScope::kLoopback},
    {Ip(10, 0, 0, 0), 8, AddressScope::kPrivate},
    {Ip(100, 64, 0, 0), 10, AddressScope::kPrivate},
    {Ip(169, 254, 0, 0), 16, AddressScope::kPrivate},
    {Ip(172, 16, 0, 0), 12, AddressScope::kPrivate},
    {Ip(192, 0, 0, 0), 24, AddressScope::kPrivate},
    {Ip(192, 0, 2, 0), 24, AddressScope::kPrivate},
    {Ip(192, 168, 0, 0), 16, AddressScope::kPrivate},
    {Ip(198, 18, 0, 0), 15, AddressScope::kPrivate},
    {Ip(203, 0, 113, 0), 24, AddressScope::kPrivate},
}};

AddressScope ScopeOf4(std::uint32_t address) {
  for (const Network4& network : kNetworks4) {
    const std::uint32_t mask = ~std::uint32_t{0} << (32 - network.bits);
    if ((address & mask) == (network.address & mask)) return network.scope;
  }
  return AddressScope::kPublic;
}

AddressScope ScopeOf6(const in6_addr& address) {
  const std::uint8_t* bytes = address.s6_addr;
  const auto embedded4 = [bytes](int at) {
    return ScopeOf4(Ip(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]));
  };
  if (IN6_IS_ADDR_LOOPBACK(&address)) return AddressScope::kLoopback;
  if (IN6_IS_ADDR_UNSPECIFIED(&address)) return AddressScope::kForbidden;
  if (IN6_IS_ADDR_V4MAPPED(&address) || IN6_IS_ADDR_V4COMPAT(&address)) return embedded4(12);
  if (bytes[0] == 0xFF) return AddressScope::kForbidden;
  static constexpr std::array<std::uint8_t, 16> kMetadata6{0xFD, 0, 0x0E, 0xC2, 0, 0, 0,    0,
                                                           0,    0, 0,    0,    0, 0, 0x02, 0x54};
  if (std::memcmp(bytes, kMetadata6.data(), kMetadata6.size()) == 0)
    return AddressScope::kForbidden;
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return embedded4(2);  // 6to4
  static constexpr std::array<std::uint8_t, 12> kNat64{0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0};
  if (std::memcmp(bytes, kNat64.data(), kNat64.size()) == 0) return embedded4(12);
  if ((bytes[0] & 0xFE) == 0xFC) return AddressScope::kPrivate;                      // unique local
  if (bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80) return AddressScope::kPrivate;  // link-local
  if (bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0xC0) return AddressScope::kPrivate;  // site-local
  return AddressScope::kPublic;
}

struct UrlCloser {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string Part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  std::string value;
  if (curl_url_get(url, part, &text, 0) == CURLUE_OK) value = text;
  curl_free(text);
  return value;
}

Error Refused(std::string why) { return Error(ErrorCode::kInvalidArgument, std::move(why)); }

}  // namespace

AddressScope ScopeOf(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in4{};
    std::memcpy(&in4, address, sizeof(in4));
    return ScopeOf4(ntohl(in4.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, address, sizeof(in6));
    return ScopeOf6(in6.sin6_addr);
  }
  return AddressScope::kForbidden;
}

namespace {

/// The address of `host` when it is one, with or without the brackets of a URL.
const sockaddr* Literal(std::string host, sockaddr_storage* storage) {
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  sockaddr_in in4{};
  sockaddr_in6 in6{};
  if (inet_pton(AF_INET, host.c_str(), &in4.sin_addr) == 1) {
    in4.sin_family = AF_INET;
    std::memcpy(storage, &in4, sizeof(in4));
  } else if (inet_pton(AF_INET6, host.c_str(), &in6.sin6_addr) == 1) {
    in6.sin6_family = AF_INET6;
    std::memcpy(storage, &in6, sizeof(in6));
  } else {
    return nullptr;
  }
  return reinterpret_cast<const sockaddr*>(storage);
}

}  // namespace

bool Network::Holds(const sockaddr* other) const {
  if (other->sa_family != family) return false;
  std::array<std::uint8_t, 16> bytes{};
  if (family == AF_INET) {
    sockaddr_in in4{};
    std::memcpy(&in4, other, sizeof(in4));
    std::memcpy(bytes.data(), &in4.sin_addr, sizeof(in4.sin_addr));
  } else {
    sockaddr_in6 in6{};
    std::memcpy(&in6, other, sizeof(in6));
    std::memcpy(bytes.data(), &in6.sin6_addr, sizeof(in6.sin6_addr));
  }
  for (int bit = 0; bit < bits; bit += 8) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const int rest = std::min(8, bits - bit);
    const auto mask = static_cast<std::uint8_t>(0xFFU << static_cast<unsigned>(8 - rest));
    if ((bytes[at] & mask) != (address[at] & mask)) return false;
  }
  return true;
}

Result<std::vector<Network>> ParseNetworks(const std::vector<std::string>& texts) {
  std::vector<Network> networks;
  for (const std::string& text : texts) {
    if (std::string mistake = rules::NetworkMistake(text); !mistake.empty()) {
      return Refused("allow_private: " + std::move(mistake));
    }
    const std::size_t slash = text.find('/');
    const std::string address = text.substr(0, slash);
    Network network;
    const bool four = inet_pton(AF_INET, address.c_str(), network.address.data()) == 1;
    if (!four) inet_pton(AF_INET6, address.c_str(), network.address.data());
    network.family = four ? AF_INET : AF_INET6;
    network.bits = four ? 32 : 128;
    if (slash != std::string::npos) {
      std::from_chars(text.data() + slash + 1, text.data() + text.size(), network.bits);
    }
    networks.push_back(network);
  }
  return networks;
}

Result<AddressGuard> AddressGuard::ForUrl(const std::string& url, GuardOptions options) {
  const std::string expected = std::string(options.schemes[0]) + "://example.com";
  const std::string shown = options.hide_url ? "the URL" : "\"" + url + "\"";
  const std::unique_ptr<CURLU, UrlCloser> parsed(curl_url());
  if (parsed == nullptr || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return Refused(shown + " is no URL; expected e.g. " + expected);
  }
  const std::string scheme = Part(parsed.get(), CURLUPART_SCHEME);
  if (scheme != options.schemes[0] && scheme != options.schemes[1]) {
    return Refused((options.hide_url ? "the URL's scheme" : "scheme \"" + scheme + "\"") +
                   " cannot carry a notice; expected " + std::string(options.schemes[0]) + " or " +
                   std::string(options.schemes[1]));
  }
  if (!Part(parsed.get(), CURLUPART_USER).empty() ||
      !Part(parsed.get(), CURLUPART_PASSWORD).empty()) {
    return Refused("a URL must not hold a user or password; secrets have keys of their own");
  }
  AddressGuard guard;
  guard.options_ = std::move(options);
  guard.host_ = Part(parsed.get(), CURLUPART_HOST);
  guard.localhost_ = guard.host_ == "localhost";
  sockaddr_storage storage{};
  const sockaddr* const literal = Literal(guard.host_, &storage);
  guard.literal_ = literal != nullptr;
  if (literal != nullptr && ScopeOf(literal) == AddressScope::kForbidden) {
    return Refused("address " + guard.host() + " is never a receiver");
  }
  return guard;
}

bool AddressGuard::Allows(const sockaddr* address) const {
  const AddressScope scope = ScopeOf(address);
  if (scope == AddressScope::kPublic) return true;
  if (scope == AddressScope::kForbidden) return false;
  if (literal_ || (localhost_ && scope == AddressScope::kLoopback)) return true;
  return std::any_of(options_.allow_private.begin(), options_.allow_private.end(),
                     [&](const Network& network) { return network.Holds(address); });
}

}  // namespace barograph::server
