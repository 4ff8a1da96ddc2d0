#include <string>
#include <string_view>

#include "ingest/formats/fleet.h"

namespace barograph::ingest {

Status FleetOptions::Validate() const {
  const auto refuse = [](std::string_view field, const std::string& value, std::string_view range) {
    return Error(ErrorCode::kInvalidArgument,
                 std::string(field) + ": " + value + " is outside of " + std::string(range));
  };
  const auto within = [](double value, double min, double max) {
    return value >= min && value <= max;
  };
  if (agents < 1 || agents > 1'000'000)
    return refuse("agents", std::to_string(agents), "[1, 1000000]");
  if (start.time_since_epoch().count() < 0)
    return refuse("start", FormatTime(start), "[1970, 2262]");
  if (end < start) return refuse("end", FormatTime(end), "[start, 2262]");
  if (!within(events_per_second, 1e-3, 1e9)) {
    return refuse("events_per_second", std::to_string(events_per_second), "[0.001, 1e9]");
  }
  if (!within(daily_swing, 0, 1))
    return refuse("daily_swing", std::to_string(daily_swing), "[0, 1]");
  if (!within(failure_ratio, 0, 1)) {
    return refuse("failure_ratio", std::to_string(failure_ratio), "[0, 1]");
  }
  if (!incident) return {};
  if (incident->length <= Duration(0) || incident->length > std::chrono::hours(1)) {
    return refuse("incident.length", FormatDuration(incident->length), "(0, 1h]");
  }
  if (incident->failures < 1 || incident->failures > 1'000'000) {
    return refuse("incident.failures", std::to_string(incident->failures), "[1, 1000000]");
  }
  if (incident->agent >= agents) {
    return refuse("incident.agent", std::to_string(incident->agent), "[0, agents)");
  }
  return {};
}

}  // namespace barograph::ingest
