#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "storage/base/result.h"

namespace barograph::server {

/// A secret that cannot be printed by mistake: its text form is "***", whatever prints it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  /// The secret itself. Never log, print or put it into a message.
  [[nodiscard]] const std::string& Reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  [[nodiscard]] std::string ToString() const { return empty() ? "" : "***"; }
  friend std::ostream& operator<<(std::ostream& out, const Secret& secret) {
    return out << secret.ToString();
  }

 private:
  std::string value_;
};

/// Bytes that a secret's file may have.
inline constexpr std::size_t kSecretBytesMax = 64 * 1024;

/// Fetches what a reference names: "env:HOOK_SECRET" (environment variable) or
/// "file:/run/secrets/hook" (the file's content without its last line end). "" gives an empty
/// Secret.
/// Errors: kNotFound (variable not set, file not readable), kInvalidArgument (empty, too large, or
///         no reference).
[[nodiscard]] Result<Secret> ResolveSecret(std::string_view reference);

}  // namespace barograph::server
