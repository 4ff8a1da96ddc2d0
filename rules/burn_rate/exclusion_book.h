#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/condition/condition.h"
#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Exclusions of one tenant that are kept at once; beyond, a new one is refused.
inline constexpr std::size_t kExclusionsMax = 1'000;
/// Hours that lie further back are in no window any more, and their exclusion leaves with the next.
inline constexpr Duration kExclusionKept = std::chrono::hours(24 * 36);
/// Of one exclusion, and how far ahead it may begin.
inline constexpr Duration kExclusionMax = std::chrono::hours(24 * 35);
inline constexpr Duration kExclusionAheadMax = std::chrono::hours(24 * 366);

/// Hours that SLOs of one tenant do not count, folded from Exclusion. Whole hours, because the
/// windows of a month know nothing finer.
///
/// Threads:  owned by one thread.
/// Lifetime: what Of() returns stays where it is.
class ExclusionBook {
 public:
  void Apply(const storage::Exclusion& exclusion);

  /// Completes a wish: widens it to whole hours and names it after the log's head.
  /// Errors: kInvalidArgument naming the field; kResourceExhausted.
  [[nodiscard]] Result<storage::Exclusion> Decide(storage::Exclusion wish, Sequence head,
                                                  Time now) const;
  /// Takes one back. Errors: kNotFound.
  [[nodiscard]] Result<storage::Exclusion> DecideEnd(const std::string& id, storage::Origin origin,
                                                     Time now) const;

  /// The hours that an SLO does not count, in order, apart from one another.
  [[nodiscard]] const std::vector<HourSpan>* Of(const std::string& slo) { return &spans_[slo]; }
  /// By id.
  [[nodiscard]] const std::map<std::string, storage::Exclusion>& exclusions() const {
    return exclusions_;
  }

  /// The whole table is one row; it is written when it has changed.
  [[nodiscard]] bool TakeChanged() { return std::exchange(changed_, false); }
  [[nodiscard]] std::string Encode() const;
  [[nodiscard]] Status Load(std::string_view row);

 private:
  void Merge(const std::string& slo);

  std::map<std::string, storage::Exclusion> exclusions_;
  std::map<std::string, std::vector<HourSpan>> spans_;  ///< derived
  bool changed_ = false;
};

}  // namespace barograph::rules
