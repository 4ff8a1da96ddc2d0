#include "rules/expectation/expectation.h"

#include <algorithm>

#include "rules/spec/rule_spec.h"

namespace barograph::rules {
namespace {

constexpr std::string_view kLate = "answered late", kNever = "not answered";

double InSeconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// Whole seconds, so that a summary reads well.
std::string Text(Duration duration) {
  return FormatDuration(std::chrono::floor<std::chrono::seconds>(duration));
}

}  // namespace

Expectation::Expectation(const ExpectationSpec& spec)
    : sighting_(SightingOf(spec.common)),
      asked_(spec.measure),
      answer_(spec.expect.measure),
      within_(spec.within),
      keep_(spec.common.keep_firing_for),
      levels_{{spec.common.severity, ""}} {}

WindowStore::Wait Expectation::WaitOf(const InstanceSeries& series, Time open) const {
  return series.windows->WaitOf(open, within_, keep_);
}

void Expectation::Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const {
  out->assign(1, Verdict{});
  Verdict& verdict = out->front();
  const CellSighting* seen = series.windows->Sighting(series.cell, sighting_);
  verdict.ended = kLate;
  if (seen == nullptr) return;
  for (const Time open : seen->open) {
    const WindowStore::Wait wait = WaitOf(series, open);
    if (at >= wait.over) verdict.ended = kNever;
    verdict.holds = verdict.holds || (at >= wait.due && at < wait.over);
  }
  if (verdict.holds) verdict.ended = {};
}

std::optional<Time> Expectation::ChangesAt(const InstanceSeries& series, Time after) const {
  const CellSighting* seen = series.windows->Sighting(series.cell, sighting_);
  if (seen == nullptr) return std::nullopt;
  std::optional<Time> first;
  for (const Time open : seen->open) {
    const WindowStore::Wait wait = WaitOf(series, open);
    for (const Time moment : {wait.due, wait.over}) {
      if (moment > after && (!first || moment < *first)) first = moment;
    }
  }
  return first;
}

Expectation::Account Expectation::Explain(const InstanceSeries& series, std::size_t /*row*/,
                                          Time at) const {
  const CellSighting* seen = series.windows->Sighting(series.cell, sighting_);
  Account account{0, InSeconds(within_), "missing", ""};
  if (seen == nullptr) return account;
  // The oldest one that is missed now; when none is, the newest event that was to be followed.
  Time asked = seen->at;
  for (const Time open : seen->open) {
    const WindowStore::Wait wait = WaitOf(series, open);
    if (at < wait.due || at >= wait.over) continue;
    asked = open;
    break;
  }
  const Duration waited =
      at > asked ? at - asked - series.windows->ExcludedWithin(asked, at) : Duration{0};
  account.value = InSeconds(waited);
  account.summary = "no " + answer_ + " for " + Text(waited) + " after " + asked_ + " at " +
                    FormatTime(asked) + ", expected within " + Text(within_);
  return account;
}

}  // namespace barograph::rules
