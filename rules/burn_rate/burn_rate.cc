#include "rules/burn_rate/burn_rate.h"

#include <algorithm>
#include <array>

#include "rules/spec/number_text.h"
#include "storage/base/assert.h"

namespace barograph::rules {
namespace {

using std::chrono::hours;

__extension__ using UInt128 = unsigned __int128;
constexpr std::int64_t kBillion = 1'000'000'000;
/// Long and short window of each row, and the period of the policy.
constexpr std::size_t kWindowsMax = 2 * kBurnRowsMax + 1;

/// Places in measures().
constexpr std::size_t kGood = 0, kTotal = 1;

/// A product of 256 bits.
struct Wide {
  UInt128 high = 0, low = 0;
  friend auto operator<=>(const Wide&, const Wide&) = default;
};

Wide Multiply(UInt128 a, UInt128 b) {
  constexpr UInt128 kLow = ~std::uint64_t{0};
  const UInt128 low = (a & kLow) * (b & kLow);
  const UInt128 middle1 = (a >> 64) * (b & kLow) + (low >> 64);
  const UInt128 middle2 = (a & kLow) * (b >> 64) + (middle1 & kLow);
  return {(a >> 64) * (b >> 64) + (middle1 >> 64) + (middle2 >> 64),
          (middle2 << 64) | (low & kLow)};
}

double Quotient(Int128 numerator, Int128 denominator) {
  if (denominator == 0) return 0;
  return static_cast<double>(static_cast<long double>(numerator) /
                             static_cast<long double>(denominator));
}

std::string Shares(const BadShare& share, Duration window) {
  return FormatDecimal(share.bad, 0) + " bad of " + FormatDecimal(share.total, 0) + " in " +
         FormatDuration(window);
}

std::string Percent(double share) { return NumberText(share * 100) + " %"; }

BadShare FromSums(Int128 good, Int128 total) {
  // A late pair may be split over two sums for a moment; what is good never makes up for what is
  // not there.
  return {std::max<Int128>(total - good, 0), std::max<Int128>(total, 0)};
}

}  // namespace

bool Exceeds(const BadShare& share, const ExactRatio& tolerated) {
  if (share.total <= 0) return false;
  const auto bad = static_cast<UInt128>(share.bad);
  const auto total = static_cast<UInt128>(share.total);
  const auto numerator = static_cast<UInt128>(tolerated.numerator);
  const auto denominator = static_cast<UInt128>(tolerated.denominator);
  if (((bad | total | numerator | denominator) >> 63) == 0) [[likely]] {
    return bad * denominator > total * numerator;
  }
  return Multiply(bad, denominator) > Multiply(total, numerator);
}

namespace {

/// Sum over the window that ends at `at`, without excluded hours.
Int128 SumOf(const InstanceSeries& series, std::size_t place, Time at, Duration window) {
  const MeasureId measure = series.measures[place];
  Int128 sum = series.windows->Sum(series.cell, measure, at, window);
  if (series.excluded == nullptr) return sum;
  for (const HourSpan& span : *series.excluded) {
    if (span.to + window + hours(1) <= at || span.from > at) continue;
    sum -= series.windows->SumWithin(series.cell, measure, at, window, span.from, span.to);
  }
  return sum;
}

bool IsExcluded(const InstanceSeries& series, Time hour) {
  return series.excluded != nullptr &&
         std::any_of(series.excluded->begin(), series.excluded->end(),
                     [&](const HourSpan& span) { return span.from <= hour && hour < span.to; });
}

}  // namespace

BadShare Count(const InstanceSeries& series, Time at, Duration window) {
  return FromSums(SumOf(series, kGood, at, window), SumOf(series, kTotal, at, window));
}

BurnRate::BurnRate(const SloSpec& spec)
    : measures_(MeasuresOf(spec)),
      objective_ppb_(spec.objective_ppb),
      freeze_below_(spec.freeze_below.value_or(0)),
      period_(spec.period),
      min_events_(static_cast<Int128>(spec.common.min_events)) {
  const Int128 allowed = kBillion - objective_ppb_;
  if (allowed == 0) {
    const std::size_t window = IndexOf(kNoBudgetWindow);
    rows_.push_back({window, window, {0, 1}, 0, "first bad event", Row::Type::kFirstBad});
    AddLevel(spec.common.severity, 0);
  }
  for (const BurnRow& row : spec.burn) {
    BAROGRAPH_ASSERT(rows_.size() < kBurnRowsMax, "a validated SLO has at most kBurnRowsMax rows");
    const double factor = Quotient(Int128{PartsPerBillion(row.budget)} * period_.count(),
                                   Int128{kBillion} * row.long_window.count());
    rows_.push_back({IndexOf(row.long_window), IndexOf(row.short_window), ToleratedShare(spec, row),
                     factor,
                     FormatDuration(row.long_window) + "/" + FormatDuration(row.short_window),
                     Row::Type::kBurn});
    AddLevel(row.severity, rows_.size() - 1);
  }
  for (const Row& row : rows_)
    reach_ = std::max<Duration>(reach_, std::chrono::ceil<hours>(windows_[row.short_window]));
  if (spec.freeze_below) {
    // remaining < f  <=>  bad / total > (1 - f) x allowed.
    const std::size_t window = IndexOf(period_);
    const ExactRatio tolerated = {allowed * (kBillion - PartsPerBillion(freeze_below_)),
                                  Int128{kBillion} * kBillion};
    rows_.push_back({window, window, tolerated, 0, "freeze", Row::Type::kFreeze});
    levels_.push_back({spec.common.severity, "freeze"});
    rows_of_.push_back({rows_.size() - 1});
  }
  longest_ = static_cast<std::size_t>(std::max_element(windows_.begin(), windows_.end()) -
                                      windows_.begin());
}

std::size_t BurnRate::IndexOf(Duration window) {
  const auto found = std::find(windows_.begin(), windows_.end(), window);
  if (found != windows_.end()) return static_cast<std::size_t>(found - windows_.begin());
  windows_.push_back(window);
  return windows_.size() - 1;
}

void BurnRate::AddLevel(Severity severity, std::size_t row) {
  // ERROR counts as warning, so that no two alerts of an instance carry the same severity label.
  if (severity != Severity::kCritical && severity != Severity::kInfo) severity = Severity::kWarning;
  const auto place =
      std::lower_bound(levels_.begin(), levels_.end(), severity,
                       [](const Level& level, Severity wanted) { return level.severity < wanted; });
  const auto rows = rows_of_.begin() + (place - levels_.begin());
  if (place != levels_.end() && place->severity == severity) {
    rows->push_back(row);
  } else {
    levels_.insert(place, {severity, ""});
    rows_of_.insert(rows, {row});
  }
}

std::vector<MeasureName> BurnRate::measures() const { return {measures_.good, measures_.total}; }

bool BurnRate::Holds(const Row& row, const BadShare& long_share,
                     const BadShare& short_share) const {
  return Exceeds(short_share, row.tolerated) && long_share.total >= min_events_ &&
         Exceeds(long_share, row.tolerated);
}

void BurnRate::Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const {
  std::array<BadShare, kWindowsMax> shares;
  std::array<bool, kWindowsMax> known{};
  const auto share = [&](std::size_t window) -> const BadShare& {
    if (!known[window]) {
      shares[window] = Count(series, at, windows_[window]);
      known[window] = true;
    }
    return shares[window];
  };
  out->resize(levels_.size());
  // Longer windows contain the shorter ones: nothing bad in the longest settles every row, and one
  // short window with events settles that it is known.
  if (levels_.empty()) return;
  const bool clean = share(longest_).bad == 0;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    Verdict& verdict = (*out)[i];
    verdict = {.quiet = true, .row = rows_of_[i].front()};
    if (clean && share(longest_).total == 0) continue;
    for (const std::size_t index : rows_of_[i]) {
      const Row& row = rows_[index];
      const BadShare& brief = share(row.short_window);
      verdict.quiet =
          verdict.quiet && (brief.total == 0 || share(row.long_window).total < min_events_);
      if (clean && !verdict.quiet) break;
      if (clean || !Exceeds(brief, row.tolerated)) continue;
      if (!Holds(row, share(row.long_window), brief)) continue;
      verdict = {.holds = true, .row = index};
      break;
    }
  }
}

bool BurnRate::BlindedByStop(const InstanceSeries& series, std::size_t level, Time at,
                             Time resumed_at) const {
  if (!levels_[level].policy.empty()) return false;
  return std::any_of(rows_of_[level].begin(), rows_of_[level].end(), [&](const std::size_t index) {
    const Row& row = rows_[index];
    const Duration brief = windows_[row.short_window], whole = windows_[row.long_window];
    if (at - whole >= resumed_at) return false;
    const BadShare share = Count(series, at, brief);
    if (share.total == 0) return at - brief < resumed_at;
    if (!Exceeds(share, row.tolerated)) return false;
    const BadShare long_share = Count(series, at, whole);
    return long_share.total < min_events_ && Exceeds(long_share, row.tolerated);
  });
}

double BurnRate::BurnOf(const BadShare& share) const {
  return Quotient(share.bad * kBillion, share.total * (kBillion - objective_ppb_));
}

BurnRate::Account BurnRate::Explain(const InstanceSeries& series, std::size_t index,
                                    Time at) const {
  const Row& row = rows_[index];
  const Duration long_window = windows_[row.long_window];
  const BadShare long_share = Count(series, at, long_window);
  Account account{0, row.factor, row.condition, ""};
  switch (row.type) {
    case Row::Type::kFirstBad:
      account.value = static_cast<double>(long_share.bad);
      account.summary = Shares(long_share, long_window) + "; the objective of 100 % allows none";
      break;
    case Row::Type::kFreeze:
      account.value = Budget(series, at).remaining;
      account.threshold = freeze_below_;
      account.summary = Percent(account.value) +
                        " of the error budget is left, the freeze begins below " +
                        Percent(freeze_below_) + ": " + Shares(long_share, long_window);
      break;
    case Row::Type::kBurn: {
      const Duration short_window = windows_[row.short_window];
      const BadShare short_share = Count(series, at, short_window);
      account.value = BurnOf(long_share);
      account.summary = "burn rate " + NumberText(account.value) + " over " +
                        FormatDuration(long_window) + " and " + NumberText(BurnOf(short_share)) +
                        " over " + FormatDuration(short_window) + ", threshold " +
                        NumberText(row.factor) + ": " + Shares(long_share, long_window) + ", " +
                        Shares(short_share, short_window);
      break;
    }
  }
  return account;
}

std::size_t BurnRate::RowOf(std::size_t level, std::string_view condition) const {
  for (const std::size_t row : rows_of_[level]) {
    if (rows_[row].condition == condition) return row;
  }
  return rows_of_[level].front();
}

ErrorBudget BurnRate::Budget(const InstanceSeries& series, Time at) const {
  ErrorBudget budget;
  budget.good = SumOf(series, kGood, at, period_);
  budget.total = SumOf(series, kTotal, at, period_);
  const BadShare share = FromSums(budget.good, budget.total);
  const Int128 allowed = share.total * (kBillion - objective_ppb_);
  if (allowed == 0) {
    budget.remaining = share.bad == 0 ? 1 : 0;
  } else {
    budget.remaining = Quotient(allowed - share.bad * kBillion, allowed);
  }
  return budget;
}

Duration BurnRate::Excluded(const InstanceSeries& series, Time at) const {
  Duration excluded{0};
  if (series.excluded == nullptr) return excluded;
  for (const HourSpan& span : *series.excluded) {
    const Duration within = std::min(span.to, at) - std::max(span.from, at - period_);
    excluded += std::max(within, Duration{0});
  }
  return excluded;
}

std::vector<BurnRate::RowRates> BurnRate::Rates(const InstanceSeries& series, Time at) const {
  std::vector<RowRates> rates;
  for (const Row& row : rows_) {
    if (row.type != Row::Type::kBurn) continue;
    rates.push_back({row.condition, row.factor,
                     BurnOf(Count(series, at, windows_[row.long_window])),
                     BurnOf(Count(series, at, windows_[row.short_window]))});
  }
  return rates;
}

std::optional<BurnRate::PastBreach> BurnRate::JudgePast(const InstanceSeries& series,
                                                        std::size_t level, Time from,
                                                        Time to) const {
  if (!levels_[level].policy.empty()) return std::nullopt;
  const auto to_hour = std::chrono::floor<hours>(to);
  const auto from_hour = std::max(std::chrono::floor<hours>(from), to_hour - hours(kPastHoursMax));
  if (from_hour >= to_hour) return std::nullopt;
  // Running totals at every whole hour that a window may begin or end at, so that each window is
  // one subtraction.
  const auto first = from_hour - std::chrono::ceil<hours>(windows_[longest_]);
  std::vector<Int128> good(1, 0);
  std::vector<Int128> total(1, 0);
  const auto of_hour = [&series](std::size_t place, Time hour) {
    if (IsExcluded(series, hour)) return Int128{0};
    return series.windows->SumBetween(series.cell, series.measures[place], hour, hour + hours(1));
  };
  for (auto hour = first; hour < to_hour; hour += hours(1)) {
    good.push_back(good.back() + of_hour(kGood, hour));
    total.push_back(total.back() + of_hour(kTotal, hour));
  }
  const auto share = [&](std::size_t end, Duration window) {
    const std::size_t begin =
        end - static_cast<std::size_t>(std::chrono::ceil<hours>(window).count());
    return FromSums(good[end] - good[begin], total[end] - total[begin]);
  };
  std::optional<PastStretch> breach;
  for (auto hour = from_hour + hours(1); hour <= to_hour; hour += hours(1)) {
    const auto end = static_cast<std::size_t>((hour - first).count());
    bool held = false;
    for (const std::size_t index : rows_of_[level]) {
      const BadShare long_share = share(end, windows_[rows_[index].long_window]);
      if (!Holds(rows_[index], long_share, share(end, windows_[rows_[index].short_window])))
        continue;
      held = true;
      if (!breach) breach = PastStretch{index, hour - hours(1), hour, long_share};
      breach->to = hour;
      if (index == breach->row && Quotient(long_share.bad, long_share.total) >
                                      Quotient(breach->worst.bad, breach->worst.total)) {
        breach->worst = long_share;
      }
      break;
    }
    if (breach && !held) break;
  }
  if (!breach) return std::nullopt;
  return PastBreach{breach->from, breach->to, ExplainPast(*breach)};
}

BurnRate::Account BurnRate::ExplainPast(const PastStretch& breach) const {
  const Row& row = rows_[breach.row];
  const Duration window = windows_[row.long_window];
  Account account{
      row.type == Row::Type::kBurn ? BurnOf(breach.worst) : static_cast<double>(breach.worst.bad),
      row.factor, row.condition, ""};
  account.summary = "found late: " + FormatTime(breach.from) + " to " + FormatTime(breach.to) +
                    ", at worst " + Shares(breach.worst, std::chrono::ceil<hours>(window));
  return account;
}

}  // namespace barograph::rules
