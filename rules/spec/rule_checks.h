#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/spec/rule_spec.h"

namespace barograph::rules {

/// What the checks of one kind of rule share with all others. Within rules/spec: each kind has its
/// own `CheckX(path, spec, checks)` in a file of its own, which Validate calls.
class RuleChecks {
 public:
  virtual ~RuleChecks() = default;

  virtual void Report(std::string path, std::string message) = 0;
  /// Name, filters, `by`, labels, annotations and timers of any rule.
  virtual void Common(const std::string& path, const RuleCommon& rule) = 0;
  /// False when the name is unknown, which has been said.
  [[nodiscard]] virtual bool Measure(const std::string& path, const std::string& name,
                                     std::optional<MeasureTraits>* traits) = 0;
  /// "; did you mean 'x'?" for the name that is nearest, or nothing.
  [[nodiscard]] virtual std::string Nearest(const std::string& name,
                                            const std::vector<std::string_view>& names) const = 0;
  /// Filters that are no part of Common.
  virtual void Where(const std::string& path, const std::vector<Projection::Filter>& where) = 0;
  /// A whole number of seconds from 0 to `max`.
  virtual void Span(const std::string& path, Duration span, Duration max) = 0;
};

void CheckBudget(const std::string& path, const BudgetSpec& budget, RuleChecks* checks);
void CheckGoal(const std::string& path, const GoalSpec& goal, RuleChecks* checks);
void CheckDerived(const std::string& path, std::size_t place, const RuleSet& rules,
                  RuleChecks* checks);
void CheckThreshold(const std::string& path, const ThresholdSpec& spec, const RuleSet& rules,
                    RuleChecks* checks);
void CheckAbsence(const std::string& path, const AbsenceSpec& spec, RuleChecks* checks);
void CheckExpectation(const std::string& path, const ExpectationSpec& spec, RuleChecks* checks);
void CheckNotice(const std::string& path, const NoticeSpec& spec, RuleChecks* checks);

}  // namespace barograph::rules
