#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <chrono>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/limits.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::server {

inline void SetTime(Time time, google::protobuf::Timestamp* out) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  out->set_seconds(seconds.time_since_epoch().count());
  out->set_nanos(static_cast<std::int32_t>((time - seconds).count()));
}
[[nodiscard]] inline Time ToTime(const google::protobuf::Timestamp& time) {
  return Time(std::chrono::seconds(time.seconds()) + std::chrono::nanoseconds(time.nanos()));
}
/// A time that the log may hold. Errors: kInvalidArgument naming the field.
[[nodiscard]] inline Result<Time> ToLogTime(const google::protobuf::Timestamp& wire,
                                            const char* field) {
  if (wire.seconds() < kEventTimeMinSeconds || wire.seconds() > kEventTimeMaxSeconds) {
    return Error(ErrorCode::kInvalidArgument,
                 std::string(field) + ": missing, or outside 1990 to 2199");
  }
  return ToTime(wire);
}

inline void SetDuration(Duration duration, google::protobuf::Duration* out) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  out->set_seconds(seconds.count());
  out->set_nanos(static_cast<std::int32_t>((duration - seconds).count()));
}
[[nodiscard]] inline Duration ToDuration(const google::protobuf::Duration& duration) {
  return std::chrono::seconds(duration.seconds()) + std::chrono::nanoseconds(duration.nanos());
}

template <typename Map>
void SetLabels(const storage::Labels& labels, Map* out) {
  for (const auto& [name, value] : labels) (*out)[name] = value;
}

}  // namespace barograph::server
