#include "server/partition/evaluation_points.h"

#include <algorithm>
#include <utility>

#include "server/partition/calendar_zones.h"
#include "server/partition/limits.h"

namespace barograph::server {
namespace {

using std::chrono::seconds;

Time FloorSecond(Time time) { return std::chrono::floor<seconds>(time); }

}  // namespace

EvaluationPoints::EvaluationPoints(Clock& clock, LogClock& log_clock, rules::Engine& engine,
                                   Appender& appender, Counters& counters, Time start,
                                   std::function<void()> between, AddConditions add_conditions)
    : clock_(clock),
      log_clock_(log_clock),
      engine_(engine),
      appender_(appender),
      counters_(counters),
      between_(std::move(between)),
      add_conditions_(std::move(add_conditions)),
      last_second_(FloorSecond(start)) {}

Duration EvaluationPoints::UntilNextSecond(Time now) const {
  return std::max<Duration>(Duration(0), FloorSecond(now) + seconds(1) - now);
}

Status EvaluationPoints::StageHeld(bool idle) {
  if (!appender_.holding()) return {};
  const Time at = appender_.held_log_time();
  const bool evaluate = idle || clock_.BootNow() - last_end_ >= kEvaluationRest * last_cost_;
  appender_.StageHeld(evaluate);
  return evaluate ? EvaluateChanged(at) : Status();
}

Status EvaluationPoints::EvaluateChanged(Time at) {
  const Duration start = clock_.BootNow();
  // One call judges a bounded number of instances; at rest the others would wait for their phase.
  for (bool more = true; more;) {
    BAROGRAPH_TRY(appender_.AppendDecided(engine_.EvaluateChanged(at, &more), at));
    if (more) between_();
  }
  ++counters_.evaluations;
  last_end_ = clock_.BootNow();
  const Duration cost = last_end_ - start;
  last_cost_ = std::min(cost, before_cost_);
  before_cost_ = cost;
  return {};
}

Status EvaluationPoints::AppendCommand(const std::vector<rules::Engine::Decided>& decided,
                                       Time log_time, bool evaluate) {
  const bool any = std::any_of(decided.begin(), decided.end(),
                               [](const auto& batch) { return !batch.events.empty(); });
  if (!any) return {};
  BAROGRAPH_TRY(appender_.AppendDecided(decided, log_time, evaluate));
  return evaluate ? EvaluateChanged(log_time) : Status();
}

Status EvaluationPoints::EvaluateSeconds(Time now, bool idle) {
  const Time due = FloorSecond(now);
  if (due <= last_second_) return {};
  BAROGRAPH_TRY(StageHeld(idle));
  if (due - last_second_ > seconds(kMissedSecondsMax)) {
    const Time stopped = std::max(last_second_, appender_.last_log_time());
    last_second_ = due;
    return appender_.AppendDecided(engine_.Resume(stopped, due), due);
  }
  while (last_second_ < due) {
    last_second_ += seconds(1);
    BAROGRAPH_TRY(EvaluateSecond(last_second_));
  }
  return {};
}

Status EvaluationPoints::OpenPeriods(Time second) {
  for (const rules::Engine::MissingPeriod& missing : engine_.MissingPeriods(second)) {
    const std::optional<storage::PeriodOpened> period = PeriodOf(missing.calendar, missing.at);
    if (period) BAROGRAPH_TRY(appender_.AppendDecided(engine_.OpenPeriod(*period), second));
  }
  return {};
}

Status EvaluationPoints::EvaluateSecond(Time second) {
  BAROGRAPH_TRY(OpenPeriods(second));
  bool more = true;
  while (more) {
    more = false;
    BAROGRAPH_TRY(
        appender_.AppendDecided(engine_.EvaluateSecond(second, kInstancesAtOnce, &more), second));
    ++counters_.evaluations;
    if (more) between_();
  }
  return JudgeServer(second);
}

Status EvaluationPoints::JudgeServer(Time second) {
  std::vector<rules::ServerCondition> conditions = {
      rules::ClockCondition(log_clock_.WallDifference())};
  add_conditions_(&conditions);
  return appender_.AppendDecided(engine_.JudgeServer(conditions, second), second);
}

}  // namespace barograph::server
