#pragma once

#include <string>
#include <string_view>

#include "storage/base/result.h"

struct sockaddr;

namespace barograph::server {

/// Where a webhook may go. Checked when the configuration is loaded and again on the address that
/// is really dialled, because DNS may answer differently the second time.
///
/// An address inside a private, loopback or link-local network is allowed only when the URL names
/// that address itself (or `localhost`): an operator who writes 127.0.0.1 means it, a public name
/// that resolves there does not. Cloud metadata addresses are never allowed.
class AddressGuard {
 public:
  /// Errors: kInvalidArgument: no http or https, user-info in the URL, no host, forbidden literal
  /// address.
  [[nodiscard]] static Result<AddressGuard> ForUrl(const std::string& url);

  /// Whether a socket to `address` may be opened.
  [[nodiscard]] bool Allows(const sockaddr* address) const;
  [[nodiscard]] const std::string& host() const { return host_; }

 private:
  std::string host_;
  bool literal_ = false;  // the URL names an address
  bool localhost_ = false;
};

/// How an address is reached, by RFC 6890 and its IPv6 counterparts; IPv4-mapped IPv6 counts as
/// IPv4.
enum class AddressScope { kPublic, kPrivate, kLoopback, kForbidden };
[[nodiscard]] AddressScope ScopeOf(const sockaddr* address);

}  // namespace barograph::server
