#include "storage/event/forecast_codec.h"

#include "storage/event/wire_parts.h"

namespace barograph::storage {

void Write(const ForecastIssued& value, v1::Event* event) {
  v1::ForecastIssued* out = event->mutable_forecast_issued();
  Write(value.origin, out->mutable_origin());
  out->set_rule(Text(value.rule));
  for (const auto& [name, label] : value.labels) (*out->mutable_labels())[Text(name)] = Text(label);
  out->set_measure(Text(value.measure));
  out->set_currency_code(Text(value.currency_code));
  Write(value.at, out->mutable_at());
  Write(value.history_end, out->mutable_history_end());
  out->set_step_seconds(value.step.count());
  out->set_history_steps(value.history_steps);
  for (const ForecastStep& step : value.steps) {
    v1::ForecastIssued::Step* written = out->add_steps();
    written->set_median(step.median);
    written->set_low_80(step.low_80);
    written->set_high_80(step.high_80);
    written->set_low_95(step.low_95);
    written->set_high_95(step.high_95);
  }
  out->set_model(Text(value.model));
  out->set_cannot_say(Text(value.cannot_say));
  out->set_question(Text(value.question));
  out->set_probability_ppb(value.probability_ppb);
  if (value.times.early) Write(*value.times.early, out->mutable_early());
  if (value.times.median) Write(*value.times.median, out->mutable_median());
  if (value.times.late) Write(*value.times.late, out->mutable_late());
}

Status Read(const v1::ForecastIssued& in, ForecastIssued* out) {
  out->rule = in.rule();
  for (const auto& [name, label] : in.labels()) out->labels.emplace(name, label);
  out->measure = in.measure();
  out->currency_code = in.currency_code();
  out->at = ReadTime(in.at());
  out->history_end = ReadTime(in.history_end());
  out->step = std::chrono::seconds(in.step_seconds());
  out->history_steps = in.history_steps();
  out->steps.reserve(static_cast<std::size_t>(in.steps_size()));
  for (const v1::ForecastIssued::Step& step : in.steps())
    out->steps.push_back(
        {step.median(), step.low_80(), step.high_80(), step.low_95(), step.high_95()});
  out->model = in.model();
  out->cannot_say = in.cannot_say();
  out->question = in.question();
  out->probability_ppb = in.probability_ppb();
  if (in.has_early()) out->times.early = ReadTime(in.early());
  if (in.has_median()) out->times.median = ReadTime(in.median());
  if (in.has_late()) out->times.late = ReadTime(in.late());
  return {};
}

}  // namespace barograph::storage
