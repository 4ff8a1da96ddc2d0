#include "ingest/formats/record_format.h"

#include <algorithm>
#include <array>
#include <string>

#include "ingest/formats/nearest_name.h"
#include "storage/base/limits.h"

namespace barograph::ingest {
namespace {

constexpr std::array<std::string_view, 6> kNames{"batch",  "event",    "json",
                                                 "ndjson", "task-log", "cloudevents"};

}  // namespace

std::string_view Name(RecordFormat format) { return kNames[static_cast<std::size_t>(format)]; }

Result<RecordFormat> ParseRecordFormat(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found != kNames.end()) return static_cast<RecordFormat>(found - kNames.begin());
  std::string all;
  for (const std::string_view known : kNames) all.append(all.empty() ? "" : ", ").append(known);
  return Error(ErrorCode::kInvalidArgument, "'" + std::string(name.substr(0, 64)) +
                                                "' is none of " + all + DidYouMean(name, kNames));
}

std::optional<Time> RecordTimestamp(std::int64_t millis) {
  if (millis / 1000 < kEventTimeMinSeconds || millis / 1000 >= kEventTimeMaxSeconds) {
    return std::nullopt;
  }
  return Time(std::chrono::milliseconds(millis));
}

}  // namespace barograph::ingest
