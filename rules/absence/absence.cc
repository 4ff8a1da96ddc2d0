#include "rules/absence/absence.h"

#include <algorithm>

#include "rules/spec/rule_spec.h"

namespace barograph::rules {
namespace {

constexpr std::string_view kForgotten = "forgotten";

double InSeconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// Whole seconds, so that a summary reads well.
std::string Text(Duration duration) {
  return FormatDuration(std::chrono::floor<std::chrono::seconds>(duration));
}

Duration Counted(const InstanceSeries& series, Time from, Time to) {
  if (to <= from) return Duration{0};
  return to - from - series.windows->ExcludedWithin(from, to);
}

}  // namespace

Absence::Absence(const AbsenceSpec& spec)
    : sighting_(SightingOf(spec.common)),
      measure_(spec.measure),
      silence_(spec.silence),
      seen_within_(spec.seen_within),
      alone_(spec.common.by.empty()),
      expected_(spec.expected),
      levels_{{spec.common.severity, ""}} {
  std::sort(expected_.begin(), expected_.end());
}

std::vector<std::string> Absence::expected() const {
  return alone_ ? std::vector<std::string>{""} : expected_;
}

bool Absence::IsExpected(const InstanceSeries& series) const {
  if (alone_ || series.cell == kNoCell) return true;
  if (expected_.empty()) return false;
  const storage::Labels labels = series.windows->LabelsOf(series.cell);
  return !labels.empty() &&
         std::binary_search(expected_.begin(), expected_.end(), labels.begin()->second);
}

std::optional<Time> Absence::SilentSince(const InstanceSeries& series) const {
  const CellSighting* seen = series.windows->Sighting(series.cell, sighting_);
  if (seen != nullptr) return seen->at;
  if (IsExpected(series)) return series.since;
  return std::nullopt;
}

void Absence::Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const {
  out->assign(1, Verdict{});
  const std::optional<Time> since = SilentSince(series);
  if (!since) return;
  const Duration silent = Counted(series, *since, at);
  if (silent < silence_) return;
  Verdict& verdict = out->front();
  verdict.missing = true;
  if (silent >= seen_within_ && !IsExpected(series)) {
    verdict.ended = kForgotten;
  } else {
    verdict.holds = true;
  }
}

std::optional<Time> Absence::ChangesAt(const InstanceSeries& series, Time after) const {
  const std::optional<Time> since = SilentSince(series);
  if (!since) return std::nullopt;
  const Time grace_end = series.windows->ExcludedUntil() + kResumeGrace;
  const Time silent = std::max(series.windows->After(*since, silence_), grace_end);
  if (silent > after) return silent;
  const Time forgotten = std::max(series.windows->After(*since, seen_within_), grace_end);
  if (forgotten > after && !IsExpected(series)) return forgotten;
  return std::nullopt;
}

Absence::Account Absence::Explain(const InstanceSeries& series, std::size_t /*row*/,
                                  Time at) const {
  const CellSighting* seen = series.windows->Sighting(series.cell, sighting_);
  const Time since = seen != nullptr ? seen->at : series.since;
  const Duration silent = Counted(series, since, at);
  Account account{InSeconds(silent), InSeconds(silence_), "silent", ""};
  account.summary = "no " + measure_ + " for " + Text(silent) + ", threshold " + Text(silence_) +
                    (seen != nullptr ? ": last seen at " : ": never seen, expected since ") +
                    FormatTime(since);
  return account;
}

}  // namespace barograph::rules
