#pragma once

#include <string>
#include <string_view>

namespace barograph::rules {

/// Fingerprint of an error that brings none: 16 hex digits of XXH3-64 over service, code and the
/// message without its numbers, so that "timeout after 30s on shard 7" and "timeout after 45s on
/// shard 12" are one error.
///
/// In the message every word that holds a digit is replaced by '#'; a word is a run of ASCII
/// letters, digits, '-' and '_'. This covers durations, sizes, addresses and UUIDs alike. Case and
/// everything else count. The result lies in `*out`, which is also used as working space.
void DeriveFingerprint(std::string_view service, std::string_view code, std::string_view message,
                       std::string* out);

}  // namespace barograph::rules
