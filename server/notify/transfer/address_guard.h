#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

struct sockaddr;

namespace barograph::server {

/// A network as "10.0.0.0/8" or "fd00::/8"; a bare address is a network of its own.
struct Network {
  std::array<std::uint8_t, 16> address{};  ///< IPv4 in the first four bytes
  int family = 0;
  int bits = 0;
  [[nodiscard]] bool Holds(const sockaddr* other) const;
};
/// Errors: kInvalidArgument naming the text.
[[nodiscard]] Result<std::vector<Network>> ParseNetworks(const std::vector<std::string>& texts);

struct GuardOptions {
  std::array<std::string_view, 2> schemes{"http", "https"};
  std::vector<Network> allow_private;  ///< further networks that names may lead to
  bool hide_url = false;               ///< the URL is a secret: no message repeats any of it
};

/// Where notices may go. Checked when the configuration is loaded and again on the address that is
/// really dialled, because DNS may answer differently the second time.
///
/// An address inside a private, loopback or link-local network is allowed only when the URL names
/// that address itself (or `localhost`), or when the configuration allows its network: an operator
/// who writes 127.0.0.1 means it, a public name that resolves there does not. Cloud metadata
/// addresses are never allowed.
class AddressGuard {
 public:
  /// Errors: kInvalidArgument: another scheme, user-info in the URL, no host, forbidden literal
  /// address.
  [[nodiscard]] static Result<AddressGuard> ForUrl(const std::string& url,
                                                   GuardOptions options = {});

  /// Whether a socket to `address` may be opened.
  [[nodiscard]] bool Allows(const sockaddr* address) const;
  /// How messages call the host.
  [[nodiscard]] std::string host() const { return options_.hide_url ? "the URL" : host_; }

 private:
  std::string host_;
  GuardOptions options_;
  bool literal_ = false;  // the URL names an address
  bool localhost_ = false;
};

/// How an address is reached, by RFC 6890 and its IPv6 counterparts; IPv4-mapped IPv6 counts as
/// IPv4.
enum class AddressScope { kPublic, kPrivate, kLoopback, kForbidden };
[[nodiscard]] AddressScope ScopeOf(const sockaddr* address);

}  // namespace barograph::server
