#include "rules/engine/simulation.h"

#include <algorithm>
#include <utility>

#include "rules/outlook/answer.h"
#include "rules/outlook/history.h"
#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

using std::chrono::seconds;

/// Slices of one evaluation; a thousand times what the largest configuration takes.
constexpr int kSlicesMax = 100'000;

Error Endless() { return {ErrorCode::kInternal, "an evaluation does not come to an end"}; }

}  // namespace

Simulation::Simulation(std::unique_ptr<Engine> engine, Time start, PeriodSource periods,
                       Watch watch)
    : engine_(std::move(engine)),
      periods_(std::move(periods)),
      watch_(std::move(watch)),
      now_(start) {}

Status Simulation::AdvanceTo(Time until) {
  for (;;) {
    const Time second = std::chrono::floor<seconds>(now_) + seconds(1);
    if (second > until) break;
    now_ = second;
    BAROGRAPH_TRY(EvaluateSecond());
  }
  now_ = std::max(now_, until);
  return {};
}

Status Simulation::Take(std::string_view tenant, std::string_view payload, std::uint64_t events) {
  BAROGRAPH_TRY(Fold(tenant, payload, events));
  return EvaluateChanged();
}

Status Simulation::Append(const std::vector<Engine::Decided>& decided) {
  for (const Engine::Decided& batch : decided) {
    std::string payload;
    for (const storage::ServerEvent& event : batch.events) {
      ByteWriter(&payload).String(EncodeServerEvent(event, now_));
      if (watch_.decided) watch_.decided(event);
    }
    BAROGRAPH_TRY(Fold(batch.tenant, payload, batch.events.size()));
  }
  return {};
}

Status Simulation::StopUntil(Time until) {
  const Time stopped_at = std::exchange(now_, std::max(now_, until));
  return Append(engine_->Resume(stopped_at, now_));
}

Status Simulation::OpenPeriods() {
  if (!periods_) return {};
  for (const Engine::MissingPeriod& missing : engine_->MissingPeriods(now_)) {
    const std::optional<storage::PeriodOpened> period = periods_(missing.calendar, missing.at);
    if (period) BAROGRAPH_TRY(Append(engine_->OpenPeriod(*period)));
  }
  return {};
}

Status Simulation::EvaluateChanged() {
  bool more = true;
  for (int slices = 0; more; ++slices) {
    if (slices == kSlicesMax) return Endless();
    BAROGRAPH_TRY(Append(engine_->EvaluateChanged(now_, &more)));
    ++evaluations_;
  }
  return {};
}

Status Simulation::EvaluateSecond() {
  BAROGRAPH_TRY(OpenPeriods());
  bool more = true;
  for (int slices = 0; more; ++slices) {
    if (slices == kSlicesMax) return Endless();
    BAROGRAPH_TRY(Append(engine_->EvaluateSecond(now_, slice_, &more)));
    ++evaluations_;
  }
  if (std::chrono::floor<std::chrono::hours>(now_) == now_) BAROGRAPH_TRY(Forecast());
  if (!gauges_ || std::chrono::floor<std::chrono::minutes>(now_) != now_) return {};
  return Append(engine_->ReadGauges(*gauges_, now_));
}

Status Simulation::Forecast() {
  for (const ForecastSubject& subject : engine_->ForecastSubjects()) {
    const std::optional<ForecastWish> wish = engine_->AskForecast(subject, now_);
    const WindowStore* windows = engine_->windows(subject.tenant);
    if (!wish || windows == nullptr) continue;
    SeriesHistory history(wish->question);
    while (history.ReadMore(*windows, subject.cell, 1000)) {
    }
    storage::ForecastIssued forecast = AnswerTo(wish->question, history.Values());
    forecast.rule = subject.rule;
    forecast.labels = wish->labels;
    BAROGRAPH_ASSIGN(const auto decided,
                     engine_->IssueForecast(subject.tenant, std::move(forecast), now_));
    BAROGRAPH_TRY(Append(decided));
  }
  return {};
}

Status Simulation::Fold(std::string_view tenant, std::string_view payload, std::uint64_t events) {
  if (events == 0) return {};
  const RecordContext record{next_, now_, tenant};
  next_ = next_.Plus(events);
  BAROGRAPH_TRY(engine_->Fold(record, payload));
  if (watch_.record) watch_.record(record, payload);
  return {};
}

}  // namespace barograph::rules
