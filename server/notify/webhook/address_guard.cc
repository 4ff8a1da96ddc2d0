#include "server/notify/webhook/address_guard.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <memory>

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

Result<AddressGuard> AddressGuard::ForUrl(const std::string& url) {
  const std::unique_ptr<CURLU, UrlCloser> parsed(curl_url());
  if (parsed == nullptr || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return Refused("\"" + url + "\" is no URL; expected e.g. https://example.com/hook");
  }
  const std::string scheme = Part(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    return Refused("scheme \"" + scheme + "\" cannot carry a webhook; expected http or https");
  }
  if (!Part(parsed.get(), CURLUPART_USER).empty() ||
      !Part(parsed.get(), CURLUPART_PASSWORD).empty()) {
    return Refused("a URL must not hold a user or password; receivers check the signature instead");
  }
  AddressGuard guard;
  guard.host_ = Part(parsed.get(), CURLUPART_HOST);
  guard.localhost_ = guard.host_ == "localhost";
  std::string bare = guard.host_;
  if (bare.starts_with("[") && bare.ends_with("]")) bare = bare.substr(1, bare.size() - 2);
  sockaddr_in in4{};
  sockaddr_in6 in6{};
  const sockaddr* literal = nullptr;
  if (inet_pton(AF_INET, bare.c_str(), &in4.sin_addr) == 1) {
    in4.sin_family = AF_INET;
    literal = reinterpret_cast<const sockaddr*>(&in4);
  } else if (inet_pton(AF_INET6, bare.c_str(), &in6.sin6_addr) == 1) {
    in6.sin6_family = AF_INET6;
    literal = reinterpret_cast<const sockaddr*>(&in6);
  }
  guard.literal_ = literal != nullptr;
  if (literal != nullptr && ScopeOf(literal) == AddressScope::kForbidden) {
    return Refused("address " + bare + " is never a receiver");
  }
  return guard;
}

bool AddressGuard::Allows(const sockaddr* address) const {
  switch (ScopeOf(address)) {
    case AddressScope::kPublic:
      return true;
    case AddressScope::kPrivate:
      return literal_;
    case AddressScope::kLoopback:
      return literal_ || localhost_;
    case AddressScope::kForbidden:
      return false;
  }
  return false;
}

}  // namespace barograph::server
