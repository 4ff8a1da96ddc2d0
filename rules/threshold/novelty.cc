#include "rules/threshold/novelty.h"

#include "storage/base/assert.h"

namespace barograph::rules {

Novelty::Novelty(const ThresholdSpec& spec, const std::vector<DerivedSpec>& derived)
    : spec_(spec), levels_{{spec.common.severity, ""}} {
  std::optional<ThresholdSource> source = ResolveSource(spec, derived);
  BAROGRAPH_ASSERT(source.has_value(), "the measures of a validated threshold are known");
  sum_ = std::move(source->of);
}

std::vector<MeasureName> Novelty::measures() const {
  std::vector<MeasureName> names;
  for (const MeasureSum::Term& term : sum_.terms) names.push_back(term.name);
  return names;
}

Int128 Novelty::Count(const InstanceSeries& series, Time at, Duration window) const {
  Int128 count = 0;
  for (const MeasureId measure : series.measures)
    count += series.windows->Sum(series.cell, measure, at, window);
  return count;
}

void Novelty::Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const {
  Verdict verdict;
  const Int128 now = Count(series, at, spec_.over);
  const bool filling = !series.whole && at < series.since + spec_.span;
  verdict.quiet = now == 0 || filling;
  const bool enough = now >= static_cast<Int128>(spec_.common.min_events);
  verdict.holds = !verdict.quiet && enough && Count(series, at, spec_.span) == now;
  out->assign(1, verdict);
}

bool Novelty::BlindedByStop(const InstanceSeries&, std::size_t, Time, Time) const { return false; }

Condition::Account Novelty::Explain(const InstanceSeries& series, std::size_t, Time at) const {
  const Int128 count = Count(series, at, spec_.over);
  return {static_cast<double>(count), 0, ConditionText(spec_),
          spec_.measure + " counted " + FormatDecimal(count, 0) + " within " +
              FormatDuration(spec_.over) + ", and none in the " + FormatDuration(spec_.span) +
              " before"};
}

}  // namespace barograph::rules
