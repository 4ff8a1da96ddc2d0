#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Forecasts of one tenant that are kept at once; beyond, none of another instance is issued.
inline constexpr std::size_t kForecastsKept = 10'000;

/// What was forecast last for each instance that asks, folded from ForecastIssued. The steps stay
/// in the log.
///
/// Threads:  owned by one thread.
/// Lifetime: what Of() returns stays where it is until KeepOnly drops its rule.
class OutlookBook {
 public:
  void Apply(storage::ForecastIssued forecast);
  /// Forgets the forecasts of all other rules.
  void KeepOnly(const std::function<bool(std::string_view rule)>& keeps);
  /// Errors: kResourceExhausted.
  [[nodiscard]] Status CheckRoom(const storage::ForecastIssued& forecast) const;

  /// Its `at` is 0 before the first.
  [[nodiscard]] const storage::ForecastIssued* Of(const std::string& rule,
                                                  const storage::Labels& labels);
  /// Null before the first.
  [[nodiscard]] const storage::ForecastIssued* Find(const std::string& rule,
                                                    const storage::Labels& labels) const;
  /// In order of rule and labels.
  [[nodiscard]] std::vector<storage::ForecastIssued> All() const;

  /// Rows that changed since the last call, by their key; an empty value deletes.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> TakeChanged();
  /// Errors: kCorruption.
  [[nodiscard]] Status Load(std::string_view key, std::string_view value);
  void Canonical(const std::function<void(std::string_view)>& sink) const;

 private:
  std::map<std::string, storage::ForecastIssued, std::less<>> forecasts_;  ///< by key
  std::set<std::string> changed_;
  std::size_t issued_ = 0;
};

}  // namespace barograph::rules
