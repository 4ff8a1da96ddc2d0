#include <set>

#include "rules/spec/rule_checks.h"

namespace barograph::rules {
namespace {

void CheckExpected(const std::string& path, const AbsenceSpec& spec, RuleChecks* checks) {
  if (spec.expected.empty()) return;
  if (spec.common.by.size() != 1) {
    checks->Report(path, "names values of one dimension, and `by` has " +
                             std::to_string(spec.common.by.size()) + "; write e.g. `by: [agent]`");
  }
  if (spec.expected.size() > kExpectedMax) {
    checks->Report(path, std::to_string(spec.expected.size()) + " names; at most " +
                             std::to_string(kExpectedMax));
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < spec.expected.size(); ++i) {
    const std::string& name = spec.expected[i];
    const std::string place = path + "[" + std::to_string(i) + "]";
    if (name.empty()) checks->Report(place, "is empty; name a value of the dimension");
    if (!seen.insert(name).second)
      checks->Report(place, "'" + name + "' stands here twice; once is enough");
  }
}

}  // namespace

void CheckAbsence(const std::string& path, const AbsenceSpec& spec, RuleChecks* checks) {
  checks->Common(path, spec.common);
  std::optional<MeasureTraits> traits;
  static_cast<void>(checks->Measure(path + ".measure", spec.measure, &traits));
  if (spec.silence < std::chrono::seconds(1)) {
    checks->Report(path + ".for", "an absence takes time; write e.g. `for: 30m`");
  } else {
    checks->Span(path + ".for", spec.silence, kSilenceMax);
  }
  checks->Span(path + ".seen_within", spec.seen_within, kSilenceMax);
  const bool forgets = !spec.common.by.empty();
  if (forgets && spec.seen_within <= spec.silence) {
    checks->Report(path + ".seen_within",
                   FormatDuration(spec.seen_within) +
                       " is not longer than `for: " + FormatDuration(spec.silence) +
                       "`, so whoever falls silent is forgotten before the rule can fire");
  }
  if (spec.common.min_events > 0)
    checks->Report(path + ".min_events", "an absence counts no events; leave it out");
  CheckExpected(path + ".expected", spec, checks);
}

}  // namespace barograph::rules
