#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "rules/engine/engine.h"
#include "server/partition/appender.h"
#include "server/partition/log_clock.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

/// The points at which rules are evaluated, and only these (design section 5): after a record that
/// says so in its header, at whole seconds of log time, and after commands that change the rules.
///
/// A second is evaluated before any record of that second or later is folded, and nothing is folded
/// while it is, so that the log alone tells what every evaluation saw.
///
/// All that changed is judged at one point, in slices: `between` runs after each, and must fold
/// nothing. At whole seconds `add_conditions` adds what the server's own alerts are judged by,
/// beside its clock. Periods of calendars are opened there too, the next one while one runs.
///
/// Threads: owned by the partition writer.
/// Errors:  as Appender: the partition must stop.
class EvaluationPoints {
 public:
  using AddConditions = std::function<void(std::vector<rules::ServerCondition>*)>;
  EvaluationPoints(Clock& clock, LogClock& log_clock, rules::Engine& engine, Appender& appender,
                   Counters& counters, Time start, std::function<void()> between,
                   AddConditions add_conditions);

  /// Stages the held record, as an evaluation point if it is time for one: at once when the writer
  /// is `idle`, else after kEvaluationRest times the cost of the last.
  [[nodiscard]] Status StageHeld(bool idle);
  /// Evaluates all whole seconds up to `now` that were not yet; after a longer absence logs a stop
  /// instead.
  [[nodiscard]] Status EvaluateSeconds(Time now, bool idle);
  /// Appends what a command decided and evaluates what it changed.
  [[nodiscard]] Status AppendCommand(const std::vector<rules::Engine::Decided>& decided,
                                     Time log_time, bool evaluate);
  [[nodiscard]] Duration UntilNextSecond(Time now) const;

 private:
  [[nodiscard]] Status EvaluateChanged(Time at);
  [[nodiscard]] Status EvaluateSecond(Time second);
  [[nodiscard]] Status OpenPeriods(Time second);
  [[nodiscard]] Status JudgeServer(Time second);

  Clock& clock_;
  LogClock& log_clock_;
  rules::Engine& engine_;
  Appender& appender_;
  Counters& counters_;
  const std::function<void()> between_;
  const AddConditions add_conditions_;
  Time last_second_;
  /// Of EvaluateChanged, boot time. The cost is the lesser of the last two: once in a while the
  /// writer does not get the processor, and that is no reason to evaluate less often.
  Duration last_end_{0}, last_cost_{0}, before_cost_{0};
};

}  // namespace barograph::server
