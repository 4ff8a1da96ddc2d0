#pragma once

#include <absl/time/time.h>

#include <string>
#include <string_view>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Reads times as people and exports write them.
///
/// Without a format: RFC 3339 ("2026-11-21T09:51:40.25Z", "...+02:00"), and the same without a
/// zone, with a blank instead of the T, without seconds, or a date alone; those without a zone are
/// in the configured one. With a format: absl's ParseTime (strptime's letters, `%E*S` for seconds
/// with any number of decimals, `%Ez` for an offset); or `unix`, `unix_ms`, `unix_us`, `unix_ns`
/// for numbers since 1970 (decimals allowed, exactly).
///
/// A local time that a change of clocks repeats is its first occurrence; one that it skips is read
/// with the offset before the change.
/// Threads: any.
/// Lifetime: a plain value. Range: 1678 to 2262, nanoseconds; finer digits are cut off.
class TimeText {
 public:
  TimeText() : zone_(absl::UTCTimeZone()) {}
  /// Errors: kInvalidArgument for a zone that the IANA database does not know.
  [[nodiscard]] static Result<TimeText> Make(std::string_view zone, std::string_view format = {});

  /// Errors: kInvalidArgument saying which form was expected.
  [[nodiscard]] Result<Time> Parse(std::string_view text) const;

 private:
  absl::TimeZone zone_;
  std::string format_;
};

/// Reads a duration leniently: "3.5s" (proto's JSON mapping), "1h30m", "4_hours", "90 minutes", "2
/// days".
/// Errors: kInvalidArgument.
[[nodiscard]] Result<Duration> ParseLenientDuration(std::string_view text);

}  // namespace barograph::ingest
