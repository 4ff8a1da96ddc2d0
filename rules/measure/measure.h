#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/ids.h"
#include "storage/base/money.h"
#include "storage/base/result.h"
#include "storage/event/event_view.h"

namespace barograph::rules {

/// How the numbers of a measure combine.
enum class MeasureType : std::uint8_t {
  kSum,           ///< additive: counts, tokens, money, deltas
  kDistribution,  ///< quantiles by DDSketch
  kGauge,         ///< last, min, max, mean
  kDistinct,      ///< number of different values by HyperLogLog++
};
inline constexpr std::size_t kMeasureTypes = 4;

/// What one unit of a measure's integer value is.
enum class MeasureUnit : std::uint8_t {
  kCount,  ///< 1
  kMoney,  ///< nano-unit of the measure's currency
  kNano,   ///< 1e-9 of the natural unit: seconds of a duration, the number of a sample, score or
           ///< quality
};

/// A measure as rules and queries name it. `qualifier` tells apart what may not be mixed:
///   money          the currency, "USD";
///   exact counter  the bound in nanos, "<=300000000" (see AtMostMeasure);
///   sample:<name>  "" is the sum of DELTA and CUMULATIVE samples, kGaugeQualifier the level of
///   GAUGE
///                  samples.
struct MeasureName {
  std::string base;  ///< "tasks.completed", "activity:signup", "sample:queue", "request.duration"
  std::string qualifier;
  friend auto operator<=>(const MeasureName&, const MeasureName&) = default;
};

/// Qualifier under which the GAUGE samples of a name lie.
inline constexpr std::string_view kGaugeQualifier = "gauge";
/// The exact counter of the values of a distribution that are at most `bound` nanos.
[[nodiscard]] MeasureName AtMostMeasure(std::string_view base, std::int64_t bound);

/// A measure's number in its store, see WindowStore::Intern.
using MeasureId = StrongInt<struct MeasureIdTag, std::uint16_t>;

struct MeasureTraits {
  MeasureType type;
  MeasureUnit unit;
  friend bool operator==(const MeasureTraits&, const MeasureTraits&) = default;
};
/// What docs/measures.md says of a measure name; nothing for a name that no event yields. For
/// `sample:<name>` these are the traits of its sum.
[[nodiscard]] std::optional<MeasureTraits> FindMeasure(std::string_view base);
/// Every fixed name that an event yields, sorted; `activity:<name>` and `sample:<name>` are open
/// families besides.
[[nodiscard]] const std::vector<std::string_view>& FixedMeasures();

/// The natural dimensions of contract section 2; labels come after them by name.
enum class Dimension : std::uint8_t {
  kAgent,
  kEnvironment,
  kType,
  kPriority,
  kRisk,
  kStatus,
  kCategory,
  kProvider,
  kModel,
  kUnit,
  kProduct,
  kService,
  kRoute,
  kStatusCode,
  kSeverity,
  kCode,
  kFingerprint,
  kName,
  kPhase,
  kState,
  kVersion,
  kAudience,
  kCount
};
/// "agent", "status_code", ...
[[nodiscard]] std::string_view Name(Dimension dimension);
[[nodiscard]] std::optional<Dimension> FindDimension(std::string_view name);
/// The event's value; "" where the event has none. `environment` is "production" when empty, the
/// `category` of a FEE payment is "FEES". The fingerprint of an error without one is derived and
/// lies in `*scratch`, as do the values of server-made events: the `agent` and `type` of
/// TaskOverdue; of AlertTransition its labels, its `severity`, and as `name` its rule.
/// Lifetime: as the event's bytes and `*scratch`, until the next call with that scratch.
[[nodiscard]] std::string_view DimensionValue(const storage::EventView& event, Dimension dimension,
                                              std::string* scratch);

/// One number that an event yields.
struct Yield {
  MeasureId measure;
  MeasureType type;
  std::uint32_t count;  ///< Event.count, for distributions and gauges (value counted that often)
  Int128 value;  ///< sums: already multiplied by Event.count; distributions and gauges: one value;
                 ///< distinct: 64-bit hash
};

}  // namespace barograph::rules
