#include "rules/outlook/accuracy_book.h"

#include <algorithm>
#include <cctype>

#include "rules/outlook/outlook_key.h"
#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

using storage::ForecastIssued;

/// Of the row that counts what was dropped; no instance has it.
constexpr std::string_view kDroppedKey;

/// "3 values are known" -> "# values are known": what is told apart.
std::string WithoutNumbers(std::string_view text) {
  std::string kind;
  for (const char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) {
      kind.push_back(c);
    } else if (!kind.ends_with('#')) {
      kind.push_back('#');
    }
  }
  return kind;
}

void CountReason(const std::string& reason, ForecastAccuracy* accuracy) {
  ++accuracy->cannot_say;
  std::string kind = WithoutNumbers(reason);
  const bool room = accuracy->reasons.size() + 1 < kReasonsKept;
  if (!room && !accuracy->reasons.contains(kind)) kind.clear();
  ForecastAccuracy::Reason& counted = accuracy->reasons[kind];
  ++counted.times;
  counted.last = reason;
}

}  // namespace

void AccuracyBook::Drop(std::uint64_t steps) {
  if (steps == 0) return;
  dropped_ += steps;
  changed_.emplace(kDroppedKey);
}

void AccuracyBook::Close(Track* track, Time until, const Actual& actual) {
  std::erase_if(track->open, [&](const OpenStep& step) {
    if (step.end > until) return false;
    track->accuracy.scores[step.horizon].Add(step.said,
                                             actual(step.end - step.horizon.step, step.end));
    return true;
  });
}

void AccuracyBook::Follow(const ForecastIssued& forecast, Track* track) {
  const auto [last, first] = track->scored_from.try_emplace(forecast.step, forecast.history_end);
  if (!first && forecast.history_end < last->second + forecast.step) {
    ++track->accuracy.repeated;
    return;
  }
  last->second = forecast.history_end;
  for (const std::uint32_t steps : HorizonsOf(forecast.step)) {
    if (steps > forecast.steps.size()) break;
    if (track->open.size() == kOpenStepsMax) {
      Drop(1);
      continue;
    }
    track->open.push_back({forecast.history_end + steps * forecast.step,
                           {forecast.step, steps},
                           forecast.steps[steps - 1]});
    track->accuracy.scores.try_emplace({forecast.step, steps});
  }
}

void AccuracyBook::Apply(const ForecastIssued& forecast, std::string_view source,
                         const Actual& actual) {
  const std::string key = OutlookKey(forecast.rule, forecast.labels);
  changed_.insert(key);
  Track& track = tracks_[key];
  if (track.source != source) {
    Drop(track.open.size());
    track = {};
    track.source = source;
  }
  ForecastAccuracy& accuracy = track.accuracy;
  if (accuracy.issued == 0) {
    accuracy.rule = forecast.rule;
    accuracy.labels = forecast.labels;
    accuracy.since = forecast.at;
  }
  accuracy.measure = forecast.measure;
  accuracy.currency_code = forecast.currency_code;
  ++accuracy.issued;
  Close(&track, forecast.history_end, actual);
  if (!forecast.cannot_say.empty()) {
    CountReason(forecast.cannot_say, &accuracy);
  } else {
    Follow(forecast, &track);
  }
}

void AccuracyBook::KeepOnly(
    const std::function<bool(std::string_view rule, std::string_view source)>& keeps) {
  std::erase_if(tracks_, [&](const auto& entry) {
    const Track& track = entry.second;
    if (keeps(track.accuracy.rule, track.source)) return false;
    changed_.insert(entry.first);
    Drop(track.open.size());
    return true;
  });
}

std::vector<ForecastAccuracy> AccuracyBook::All() const {
  std::vector<ForecastAccuracy> all;
  all.reserve(tracks_.size());
  for (const auto& [key, track] : tracks_) {
    ForecastAccuracy& accuracy = all.emplace_back(track.accuracy);
    for (const OpenStep& step : track.open) ++accuracy.scores[step.horizon].open;
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> AccuracyBook::TakeChanged() {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const std::string& key : std::exchange(changed_, {})) {
    if (key == kDroppedKey) {
      rows.emplace_back(key, EncodeDropped());
      continue;
    }
    const auto found = tracks_.find(key);
    rows.emplace_back(key, found == tracks_.end() ? "" : Encode(found->second));
  }
  return rows;
}

void AccuracyBook::Canonical(const std::function<void(std::string_view)>& sink) const {
  if (dropped_ > 0) sink(EncodeDropped());
  for (const auto& [key, track] : tracks_) {
    sink(key);
    sink(Encode(track));
  }
}

}  // namespace barograph::rules
