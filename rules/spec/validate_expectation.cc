#include "rules/spec/rule_checks.h"

namespace barograph::rules {

void CheckExpectation(const std::string& path, const ExpectationSpec& spec, RuleChecks* checks) {
  checks->Common(path, spec.common);
  std::optional<MeasureTraits> traits;
  static_cast<void>(checks->Measure(path + ".after", spec.measure, &traits));
  static_cast<void>(checks->Measure(path + ".expect", spec.expect.measure, &traits));
  checks->Where(path + ".expect." + spec.expect.measure, spec.expect.where);
  if (spec.measure == spec.expect.measure && spec.common.where == spec.expect.where) {
    checks->Report(path + ".expect",
                   "is the same as `after`, so every event is its own answer and the rule can "
                   "never fire; an absence tells when events stop");
  }
  if (spec.within < std::chrono::seconds(1)) {
    checks->Report(path + ".within", "an answer takes time; write e.g. `within: 1m`");
  } else {
    checks->Span(path + ".within", spec.within, kWithinMax);
  }
  if (spec.common.for_duration > Duration{0}) {
    checks->Report(path + ".for",
                   "an expectation fires when `within` has passed; make that longer instead");
  }
  if (spec.common.min_events > 0)
    checks->Report(path + ".min_events", "an expectation counts no events; leave it out");
}

}  // namespace barograph::rules
