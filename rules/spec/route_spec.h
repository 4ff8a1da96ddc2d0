#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rules/spec/label_matcher.h"
#include "storage/base/clock.h"

namespace barograph::rules {

// What happens to an alert once it fires: whom it is told to, what holds it back, who is told when
// nobody answers. Plain data; docs/alerting.md says what it means.

inline constexpr std::size_t kRoutesMax = 1'000;  ///< nodes of the routing tree
inline constexpr std::size_t kRouteDepthMax = 8;
inline constexpr std::size_t kInhibitionsMax = 100;
inline constexpr std::size_t kMuteTimesMax = 100;
inline constexpr std::size_t kEscalationsMax = 100;
inline constexpr std::size_t kEscalationStepsMax = 10;
inline constexpr std::uint32_t kFlapFiresMax = 20;

/// A node of the routing tree; the root is where notices go that no child wants. Grouping as in
/// Alertmanager; group_wait 0 speaks at once. A child that does not say otherwise has its parent's
/// receiver, grouping, intervals and escalation: they are filled in when the file is read, so that
/// every node stands for itself.
struct RouteSpec {
  std::string receiver;
  std::vector<std::string> group_by = {"rule"};
  Duration group_wait{0};
  Duration group_interval = std::chrono::minutes(1);
  Duration repeat_interval = std::chrono::hours(4);
  std::vector<LabelMatcher> match;      ///< empty at the root, which takes every alert
  bool proceeds = false;                ///< `continue`: later siblings are asked too
  std::vector<std::string> mute_times;  ///< of this node alone, not of its children
  std::string escalation;               ///< empty: none
  std::vector<RouteSpec> children;
  friend bool operator==(const RouteSpec&, const RouteSpec&) = default;
};

/// While an alert fires that fits `source`, alerts that fit `target` and have the same values of
/// the labels in `equal` are not told. An alert that fits both is not held back by others that do.
struct InhibitionSpec {
  std::vector<LabelMatcher> source, target;
  std::vector<std::string> equal;
  friend bool operator==(const InhibitionSpec&, const InhibitionSpec&) = default;
};

/// From `from` on the zone's clocks stood `seconds` ahead of UTC.
struct ZoneOffset {
  Time from{};
  std::int32_t seconds = 0;
  friend bool operator==(const ZoneOffset&, const ZoneOffset&) = default;
};

/// Hours of the week in which a route is silent. The engine knows no zone database: the zone's
/// offsets were looked up when the file was read (docs/decisions/0041-mute-times.md).
struct MuteTimeSpec {
  std::string name;
  std::uint8_t weekdays = 0x7F;      ///< bit 0 = Monday: days on which it begins
  std::int32_t from_minute = 0;      ///< of the local day, [0, 1440)
  std::int32_t to_minute = 24 * 60;  ///< (0, 1440]; at or before `from_minute`: on the next day
  std::string timezone = "UTC";
  std::vector<ZoneOffset> offsets;  ///< by time; before the first, and without any: UTC
  friend bool operator==(const MuteTimeSpec&, const MuteTimeSpec&) = default;
};

/// Who is told when an alert is not acknowledged.
struct EscalationSpec {
  struct Step {
    Duration after{};  ///< since the alert was told first
    std::string receiver;
    friend bool operator==(const Step&, const Step&) = default;
  };
  std::string name;
  std::vector<Step> steps;  ///< `after` rises
  friend bool operator==(const EscalationSpec&, const EscalationSpec&) = default;
};

/// An alert that fires `fires` times within `within` flaps: it is told once, and its steps are not
/// told until it stood still for `settled_after`.
struct FlapSpec {
  std::uint32_t fires = 5;  ///< 0: no flap control
  Duration within = std::chrono::hours(1);
  Duration settled_after = std::chrono::minutes(30);
  friend bool operator==(const FlapSpec&, const FlapSpec&) = default;
};

}  // namespace barograph::rules
