#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/engine/engine.h"
#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"

namespace barograph::rules {

/// A partition without disk, threads and clock: it appends records, folds them and meets every
/// evaluation point as the writer of a server at rest does (server/partition/evaluation_points.h),
/// as fast as it can compute. Scenarios (rules/scenario) and the tests of the engine run on it.
///
/// Threads:  owned by one thread.
/// Errors:   those of Engine::Fold, which a record made here does not meet; kInternal when an
///           evaluation does not come to an end. After an error it stands where it was.
class Simulation {
 public:
  /// When the period of a calendar that holds a moment begins and ends; needs a zone database,
  /// which rules do not have. Without one no period is opened.
  using PeriodSource =
      std::function<std::optional<storage::PeriodOpened>(const Calendar& calendar, Time at)>;
  /// Called with each record once it is folded, and with each event that was decided before that.
  struct Watch {
    std::function<void(const RecordContext& record, std::string_view payload)> record;
    std::function<void(const storage::ServerEvent& event)> decided;
  };

  /// `start` is a whole second, and not evaluated itself.
  Simulation(std::unique_ptr<Engine> engine, Time start, PeriodSource periods = {},
             Watch watch = {});

  /// Evaluates every whole second after now, and forecasts at every whole hour, up to and with
  /// `until`, and stands there.
  [[nodiscard]] Status AdvanceTo(Time until);
  /// One record of `events` agents' events, now, and what changed with it evaluated. `payload` is
  /// framed as a record's.
  [[nodiscard]] Status Take(std::string_view tenant, std::string_view payload,
                            std::uint64_t events);
  /// The same, and nothing is evaluated: as a process that dies right after.
  [[nodiscard]] Status Fold(std::string_view tenant, std::string_view payload,
                            std::uint64_t events);
  /// From now on levels are read at every whole minute, as a server does: `of_server` are its own.
  void SetGauges(std::vector<storage::GaugeReading> of_server) { gauges_ = std::move(of_server); }
  /// Appends and folds what a command decided; it is evaluated with what comes next.
  [[nodiscard]] Status Append(const std::vector<Engine::Decided>& decided);
  /// The server is away until then: nothing is evaluated, and it says Resumed.
  [[nodiscard]] Status StopUntil(Time until);
  /// Opens the periods that the rules miss, as every whole second does.
  [[nodiscard]] Status OpenPeriods();

  [[nodiscard]] Time now() const { return now_; }
  [[nodiscard]] Engine& engine() { return *engine_; }
  [[nodiscard]] const Engine& engine() const { return *engine_; }
  /// Goes on with another engine, which folded the same records.
  void Replace(std::unique_ptr<Engine> engine) { engine_ = std::move(engine); }
  /// Instances that one slice of an evaluation may look at.
  void SetSlice(std::size_t instances) { slice_ = instances; }
  [[nodiscard]] std::uint64_t evaluations() const { return evaluations_; }

 private:
  [[nodiscard]] Status EvaluateChanged();
  [[nodiscard]] Status EvaluateSecond();
  [[nodiscard]] Status Forecast();

  std::unique_ptr<Engine> engine_;
  PeriodSource periods_;
  Watch watch_;
  Time now_;
  Sequence next_{1};
  std::size_t slice_ = 1'000;
  std::uint64_t evaluations_ = 0;
  std::optional<std::vector<storage::GaugeReading>> gauges_;
};

}  // namespace barograph::rules
