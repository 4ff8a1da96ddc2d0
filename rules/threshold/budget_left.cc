#include "rules/threshold/budget_left.h"

#include <algorithm>

#include "rules/spec/number_text.h"
#include "rules/threshold/exact_order.h"

namespace barograph::rules {
namespace {

constexpr std::int64_t kBillion = 1'000'000'000;

}  // namespace

BudgetLeft::BudgetLeft(const ThresholdSpec& spec, const SloSpec& slo)
    : measures_(MeasuresOf(slo)),
      period_(slo.period),
      min_events_(static_cast<Int128>(spec.common.min_events)),
      allowed_ppb_(kBillion - slo.objective_ppb),
      left_ppb_(NanosOf(spec.bound)),
      slo_(slo.common.name),
      condition_(ConditionText(spec)),
      levels_{{spec.common.severity, ""}} {}

std::vector<MeasureName> BudgetLeft::measures() const { return {measures_.good, measures_.total}; }

ExactRatio BudgetLeft::Share(const InstanceSeries& series, Time at) const {
  const WindowStore& windows = *series.windows;
  const Int128 good = windows.Sum(series.cell, series.measures[0], at, period_);
  const Int128 total = windows.Sum(series.cell, series.measures[1], at, period_);
  return {std::max<Int128>(total - good, 0), std::max<Int128>(total, 0)};
}

void BudgetLeft::Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const {
  Verdict verdict;
  const ExactRatio share = Share(series, at);
  verdict.quiet = share.denominator == 0 || share.denominator < min_events_;
  if (!verdict.quiet) {
    const ExactRatio allowed = {allowed_ppb_ * (kBillion - left_ppb_), Int128{kBillion} * kBillion};
    verdict.holds = Order(share, allowed) > 0;
  }
  out->assign(1, verdict);
}

bool BudgetLeft::BlindedByStop(const InstanceSeries&, std::size_t, Time, Time) const {
  return false;
}

Condition::Account BudgetLeft::Explain(const InstanceSeries& series, std::size_t, Time at) const {
  const ExactRatio share = Share(series, at);
  double left = 1;
  if (share.denominator > 0) {
    const Int128 allowed = Times(share.denominator, allowed_ppb_);
    left = ToDouble({allowed - Times(share.numerator, kBillion), allowed});
  }
  const double below = static_cast<double>(left_ppb_) / kBillion;
  return {left, below, condition_,
          NumberText(left * 100) + " % of the error budget of " + slo_ +
              " is left, condition: " + condition_ + ": " + FormatDecimal(share.numerator, 0) +
              " bad of " + FormatDecimal(share.denominator, 0) + " in " + FormatDuration(period_)};
}

}  // namespace barograph::rules
