#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/outlook/accuracy.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Steps of one instance that wait to be scored: more than horizons and spacing let come together.
inline constexpr std::size_t kOpenStepsMax = 96;
/// Kinds of reasons for "cannot say" that are told apart for each instance.
inline constexpr std::size_t kReasonsKept = 8;

/// How good the forecasts of one tenant were, folded from ForecastIssued: what each said of a few
/// steps ahead (HorizonsOf) is kept until these are over, and compared with what came.
///
/// A step is scored when the next forecast of its instance is folded whose history holds it, with
/// what the windows hold then: exactly what that forecast read. Events that are later still change
/// nothing. Forecasts by the day are made anew every hour; of those that begin within one step only
/// the first is scored, as the others say almost the same of almost the same hours.
///
/// What forecasts are of (`source`) may change with the configuration; then the instance begins
/// anew, and open steps are dropped.
///
/// Threads: owned by one thread. Bounded: an instance each that was forecast (kForecastsKept), and
///          kOpenStepsMax steps of each.
class AccuracyBook {
 public:
  /// What came in [from, to), whole hours in the past, in nano-units; nothing: no sample did.
  using Actual = std::function<std::optional<Int128>(Time from, Time to)>;
  /// `source` names what the forecast is of: equal texts, equal series.
  void Apply(const storage::ForecastIssued& forecast, std::string_view source,
             const Actual& actual);
  /// Forgets what other rules, or rules of other sources by now, had.
  void KeepOnly(const std::function<bool(std::string_view rule, std::string_view source)>& keeps);

  /// Instances of one rule side by side.
  [[nodiscard]] std::vector<ForecastAccuracy> All() const;
  /// Steps that were never scored, because their rule left or changed.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

  /// Rows that changed since the last call, by their key; an empty value deletes.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> TakeChanged();
  /// Errors: kCorruption.
  [[nodiscard]] Status Load(std::string_view key, std::string_view value);
  void Canonical(const std::function<void(std::string_view)>& sink) const;

 private:
  struct OpenStep {
    Time end{};
    Horizon horizon;
    storage::ForecastStep said;
  };
  struct Track {
    ForecastAccuracy accuracy;  ///< without `open` of its scores
    std::string source;
    std::map<std::chrono::seconds, Time> scored_from;  ///< by step: the last one that is scored
    std::vector<OpenStep> open;
  };
  void Close(Track* track, Time until, const Actual& actual);
  void Follow(const storage::ForecastIssued& forecast, Track* track);
  void Drop(std::uint64_t steps);
  [[nodiscard]] static std::string Encode(const Track& track);
  [[nodiscard]] static std::optional<Track> Decode(std::string_view row);
  [[nodiscard]] std::string EncodeDropped() const;

  std::map<std::string, Track, std::less<>> tracks_;  ///< by key
  std::uint64_t dropped_ = 0;
  std::set<std::string> changed_;
};

}  // namespace barograph::rules
