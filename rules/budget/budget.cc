#include "rules/budget/budget.h"

#include <algorithm>

#include "rules/spec/number_text.h"
#include "rules/spec/rule_spec.h"

namespace barograph::rules {
namespace {

using std::chrono::hours;

constexpr Int128 kBillion = 1'000'000'000;
constexpr double kNano = 1e-9;
/// Places in measures().
constexpr std::size_t kPeriodSum = 0, kMeasure = 1;
/// The rate at which a budget is spent is that of so long.
constexpr Duration kRateWindow = hours(1);

}  // namespace

std::string ShareText(std::int64_t share_ppb) {
  return FormatDecimal(Int128{share_ppb} * 100, 9) + "%";
}

std::string PeriodText(const Calendar& calendar, const Period& period) {
  if (calendar.unit == Calendar::Unit::kDates) {
    return "the time from " + calendar.from + " to " + calendar.to;
  }
  return "the " + std::string(Name(calendar.unit)) + " that began " + FormatTime(period.start);
}

Budget::Budget(const BudgetSpec& spec)
    : spec_(spec), calendar_(spec.period ? spec.period->Text() : "") {
  for (const ShareAlert& alert : spec.alert_at) {
    AddRow({alert.severity, ""}, {alert.share_ppb, ShareText(alert.share_ppb), std::nullopt});
  }
  for (const SpendRow& row : spec.burn) {
    AddRow({row.severity, "burn"},
           {row.share_ppb, FormatDuration(row.long_window) + "/" + FormatDuration(row.short_window),
            row});
  }
}

void Budget::AddRow(const Level& level, Row row) {
  const auto place = std::find(levels_.begin(), levels_.end(), level);
  if (place == levels_.end()) {
    levels_.push_back(level);
    rows_of_.push_back({rows_.size()});
  } else {
    rows_of_[static_cast<std::size_t>(place - levels_.begin())].push_back(rows_.size());
  }
  rows_.push_back(std::move(row));
}

std::vector<MeasureName> Budget::measures() const {
  const MeasureName measure = MeasureOf(spec_);
  return {calendar_.empty() ? measure : CalendarMeasure(measure, calendar_), measure};
}

BudgetStanding Budget::StandingOf(const InstanceSeries& series, Time at) const {
  BudgetStanding standing;
  if (calendar_.empty()) {
    standing.spent = series.windows->Sum(series.cell, series.measures[kMeasure], at, spec_.rolling);
  } else {
    standing.period = series.windows->PeriodAt(calendar_, at);
    if (!standing.period) return standing;
    standing.spent =
        series.windows->PeriodSum(series.cell, series.measures[kPeriodSum], *standing.period);
  }
  const Int128 left = spec_.limit.value - standing.spent;
  const Int128 rate = series.windows->Sum(series.cell, series.measures[kMeasure], at, kRateWindow);
  if (left <= 0) {
    standing.exhausted_at = at;
  } else if (rate > 0) {
    const Int128 seconds =
        left * std::chrono::seconds(kRateWindow / std::chrono::seconds(1)).count() / rate;
    const Duration most = standing.period ? standing.period->end - at : spec_.rolling;
    if (seconds < most / std::chrono::seconds(1)) {
      standing.exhausted_at = at + std::chrono::seconds(static_cast<std::int64_t>(seconds));
    }
  }
  return standing;
}

bool Budget::IsFew(const Row& row, const InstanceSeries& series, Int128 spent, Time at) const {
  if (spec_.common.min_events == 0) return false;
  const Int128 events = !row.burn ? spent
                                  : series.windows->Sum(series.cell, series.measures[kMeasure], at,
                                                        row.burn->long_window);
  return events < static_cast<Int128>(spec_.common.min_events);
}

bool Budget::Holds(const Row& row, const InstanceSeries& series, Int128 spent, Time at) const {
  const Int128 bound = spec_.limit.value * row.share_ppb;
  if (!row.burn) return spent > 0 && spent * kBillion >= bound;
  const auto sum = [&](Duration window) {
    return series.windows->Sum(series.cell, series.measures[kMeasure], at, window);
  };
  const SpendRow& burn = *row.burn;
  const auto seconds = [](Duration span) { return Int128{span / std::chrono::seconds(1)}; };
  // Rates are compared without a division: the short window need not be a part of the long one.
  return sum(burn.long_window) * kBillion > bound &&
         sum(burn.short_window) * kBillion * seconds(burn.long_window) >
             bound * seconds(burn.short_window);
}

void Budget::Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const {
  out->resize(levels_.size());
  std::optional<Int128> spent;
  if (calendar_.empty()) {
    spent = series.windows->Sum(series.cell, series.measures[kMeasure], at, spec_.rolling);
  } else if (const std::optional<Period> period = series.windows->PeriodAt(calendar_, at)) {
    spent = series.windows->PeriodSum(series.cell, series.measures[kPeriodSum], *period);
  }
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    Verdict& verdict = (*out)[i];
    verdict = {false, true, rows_of_[i].front(), false};
    if (!spent) continue;
    for (const std::size_t row : rows_of_[i]) {
      if (IsFew(rows_[row], series, *spent, at)) continue;
      verdict.quiet = false;
      if (!Holds(rows_[row], series, *spent, at)) continue;
      verdict = {true, false, row, false};
      break;
    }
  }
}

std::vector<std::string> Budget::expected() const {
  return spec_.common.by.empty() ? std::vector<std::string>{""} : std::vector<std::string>{};
}

bool Budget::BlindedByStop(const InstanceSeries& series, std::size_t level, Time at,
                           Time resumed_at) const {
  return std::any_of(rows_of_[level].begin(), rows_of_[level].end(), [&](std::size_t index) {
    const std::optional<SpendRow>& burn = rows_[index].burn;
    return burn && at - burn->short_window < resumed_at &&
           series.windows->Sum(series.cell, series.measures[kMeasure], at, burn->short_window) == 0;
  });
}

Condition::Account Budget::Explain(const InstanceSeries& series, std::size_t index, Time at) const {
  const Row& row = rows_[index];
  const std::string& currency = spec_.limit.currency;
  const auto text = [&](Int128 value) { return QuantityText(spec_.measure, currency, value); };
  const std::optional<MeasureTraits> traits = FindMeasure(spec_.measure);
  const double unit = traits && traits->unit == MeasureUnit::kCount ? 1 : kNano;
  const BudgetStanding standing = StandingOf(series, at);
  const double share = static_cast<double>(standing.spent) / static_cast<double>(spec_.limit.value);
  Account account;
  account.condition = row.condition;
  account.value = static_cast<double>(standing.spent) * unit;
  account.threshold = static_cast<double>(spec_.limit.value) * unit *
                      (static_cast<double>(row.share_ppb) / static_cast<double>(kBillion));
  account.summary = text(standing.spent) + " of " + text(spec_.limit.value) + " spent (" +
                    NumberText(share * 100) + " %) in ";
  account.summary += standing.period ? PeriodText(*spec_.period, *standing.period)
                                     : "the last " + FormatDuration(spec_.rolling);
  if (row.burn) {
    const Int128 burnt =
        series.windows->Sum(series.cell, series.measures[kMeasure], at, row.burn->long_window);
    account.value = static_cast<double>(burnt) * unit;
    account.summary = text(burnt) + " spent in the last " + FormatDuration(row.burn->long_window) +
                      ", more than " + ShareText(row.share_ppb) + " of the limit; " +
                      account.summary;
  }
  if (standing.exhausted_at && *standing.exhausted_at > at) {
    account.summary += ", gone " + FormatTime(*standing.exhausted_at) + " at this rate";
  }
  return account;
}

std::size_t Budget::RowOf(std::size_t level, std::string_view condition) const {
  for (const std::size_t row : rows_of_[level]) {
    if (rows_[row].condition == condition) return row;
  }
  return rows_of_[level].front();
}

}  // namespace barograph::rules
