#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "barograph/v1/server_event.pb.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"
#include "storage/event/utf8.h"

namespace barograph::storage {

// What the codecs of server-made events share. Internal to storage/event.

/// What the log holds must be readable: what is no UTF-8 becomes U+FFFD.
[[nodiscard]] inline std::string Text(const std::string& text) {
  return IsUtf8(text) ? text : ToUtf8(text);
}

inline void Write(Time time, google::protobuf::Timestamp* out) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::int64_t count = seconds.time_since_epoch().count();
  out->set_seconds(count);
  // By remainder: the first second of the range begins before the range.
  const std::int64_t rest = time.time_since_epoch().count() % 1'000'000'000;
  out->set_nanos(static_cast<std::int32_t>(rest < 0 ? rest + 1'000'000'000 : rest));
}

[[nodiscard]] inline Time ReadTime(const google::protobuf::Timestamp& time) {
  return Time(Duration(static_cast<std::int64_t>(
      static_cast<std::uint64_t>(time.seconds()) * 1'000'000'000U +
      static_cast<std::uint64_t>(static_cast<std::int64_t>(time.nanos())))));
}

inline void Write(const Origin& origin, v1::Origin* out) {
  out->set_actor(Text(origin.actor));
  out->set_reason(Text(origin.reason));
}

[[nodiscard]] inline Origin ReadOrigin(const v1::Origin& origin) {
  return {origin.actor(), origin.reason()};
}

/// Reads an enum whose values are 0 to `last`; a value beyond comes from a later version.
template <typename Enum>
[[nodiscard]] Status ReadChoice(int value, Enum last, std::string_view name, Enum* out) {
  if (value < 0 || value > static_cast<int>(last)) {
    return Error(ErrorCode::kFailedPrecondition,
                 std::string(name) + ": " + std::to_string(value) +
                     " is unknown to this version; a later one wrote this log");
  }
  *out = static_cast<Enum>(value);
  return {};
}

}  // namespace barograph::storage
