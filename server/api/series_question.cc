#include "server/api/series_question.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include "rules/outlook/outlook.h"
#include "server/api/window_query.h"

namespace barograph::server {
namespace {

using rules::MeasureName;
using rules::MeasureType;
using rules::MeasureUnit;
using rules::Projection;
using rules::WindowStore;
using std::chrono::hours;

constexpr std::uint32_t kDaysDefault = 30, kHoursDefault = 48;
constexpr double kNano = 1e-9;
constexpr const char* kSample = "sample:";

Error Invalid(const std::string& field, const std::string& what) {
  return {ErrorCode::kInvalidArgument, field + ": " + what};
}

/// The words that a query of windows shares are understood as there.
Result<WindowQuery> ReadWords(const v1::ForecastSeriesRequest& request,
                              const std::vector<std::string>& labels) {
  v1::QueryWindowsRequest words;
  words.set_measure(request.measure());
  words.set_currency_code(request.currency_code());
  *words.mutable_where() = request.where();
  words.mutable_over()->set_seconds(3600);
  BAROGRAPH_ASSIGN(WindowQuery query, ParseWindowQuery(words, labels));
  if (query.traits.type != MeasureType::kSum && query.traits.type != MeasureType::kGauge) {
    return Invalid("measure", query.measure +
                                  " is a distribution or a distinct count; sums and levels can be "
                                  "forecast, e.g. revenue.net, tasks.completed, disk.free");
  }
  for (const Projection::Filter& filter : query.projection.where) {
    if (filter.any_of.size() == 1) continue;
    return Invalid("where", filter.dimension + " has " + std::to_string(filter.any_of.size()) +
                                " values; a forecast is of one series, so give one");
  }
  return query;
}

Status ReadSteps(const v1::ForecastSeriesRequest& request, Time now,
                 rules::ForecastQuestion* question) {
  const auto every = request.every();
  if (every == v1::QueryWindowsRequest::EVERY_MONTH)
    return Invalid("every", "steps are days or hours");
  const bool hourly = every == v1::QueryWindowsRequest::EVERY_HOUR;
  question->step = hourly ? Duration(hours(1)) : Duration(hours(24));
  question->horizon = request.horizon() != 0 ? request.horizon()
                      : hourly               ? kHoursDefault
                                             : kDaysDefault;
  question->begin = std::chrono::floor<hours>(now);
  if (question->horizon <= rules::kTrajectoryStepsMax) return {};
  return Invalid("horizon", std::to_string(question->horizon) + " steps; at most " +
                                std::to_string(rules::kTrajectoryStepsMax));
}

Result<std::optional<rules::LevelAsked>> ReadLevel(const v1::ForecastSeriesRequest& request) {
  using Case = v1::ForecastSeriesRequest::LevelCase;
  if (request.level_case() == Case::LEVEL_NOT_SET) return std::optional<rules::LevelAsked>();
  const bool above = request.level_case() == Case::kReaches;
  const double bound = above ? request.reaches() : request.falls_below();
  if (!std::isfinite(bound))
    return Invalid(above ? "reaches" : "falls_below", "must be a finite number");
  return std::optional<rules::LevelAsked>({bound, above});
}

Error NothingCame(const std::string& measure, const std::string& where) {
  return {ErrorCode::kNotFound, "nothing of " + measure + where + " has come yet"};
}

/// The measure as the windows name it. Samples of type GAUGE are a level under their name.
Result<MeasureName> NameOf(const WindowQuery& query, const WindowStore& windows) {
  if (query.traits.unit != MeasureUnit::kMoney) {
    const MeasureName level{query.measure, std::string(rules::kGaugeQualifier)};
    if (query.measure.starts_with(kSample) && windows.FindMeasureId(level)) return level;
    return MeasureName{query.measure, ""};
  }
  if (!query.currency.empty()) return MeasureName{query.measure, query.currency};
  std::vector<std::string> currencies;
  for (std::size_t i = 0; i < windows.measure_count(); ++i) {
    const MeasureName& name = windows.NameOf(rules::MeasureId{static_cast<std::uint16_t>(i)});
    if (name.base == query.measure && Currency::Parse(name.qualifier).ok())
      currencies.push_back(name.qualifier);
  }
  if (currencies.empty()) return NothingCame(query.measure, "");
  if (currencies.size() == 1) return MeasureName{query.measure, currencies.front()};
  std::sort(currencies.begin(), currencies.end());
  std::string text;
  for (const std::string& code : currencies) text += (text.empty() ? "" : ", ") + code;
  return Invalid("currency_code", query.measure + " comes in " + text + "; name one");
}

/// The one cell that holds the series: of a projection that filters as asked, or of one whose
/// dimensions are those of the filters.
Result<rules::CellId> CellOf(const WindowQuery& query, const rules::RuleSet& rules,
                             const WindowStore& windows) {
  Projection by;
  std::vector<std::string_view> values;
  std::string where;
  for (const Projection::Filter& filter : query.projection.where) {
    by.by.push_back(filter.dimension);
    values.push_back(filter.any_of.front());
    where += (where.empty() ? " where " : ", ") + filter.dimension + "=" + filter.any_of.front();
  }
  const std::vector<Projection> available = AvailableProjections(rules);
  const auto has = [&](const Projection& projection) {
    return std::find(available.begin(), available.end(), projection) != available.end();
  };
  const bool filtered = has(query.projection);
  if (!filtered && !has(by)) {
    return Error(ErrorCode::kFailedPrecondition,
                 "no series holds this; add " + ProjectionText(by) + " to `series:` in the rules");
  }
  if (filtered) values.clear();
  const auto cell = windows.FindCell(windows.FindOrBuiltIn(filtered ? query.projection : by),
                                     std::span<const std::string_view>(values));
  if (!cell) return NothingCame(query.measure, where);
  return *cell;
}

}  // namespace

Result<SeriesQuestion> ReadSeriesQuestion(const v1::ForecastSeriesRequest& request,
                                          const rules::RuleSet& rules, const WindowStore* windows,
                                          Time now) {
  BAROGRAPH_ASSIGN(const WindowQuery query, ReadWords(request, rules.labels));
  SeriesQuestion read;
  rules::ForecastQuestion& question = read.question;
  BAROGRAPH_TRY(ReadSteps(request, now, &question));
  BAROGRAPH_ASSIGN(read.level, ReadLevel(request));
  if (windows == nullptr) return NothingCame(query.measure, "");
  BAROGRAPH_ASSIGN(const MeasureName name, NameOf(query, *windows));
  const std::optional<rules::MeasureId> measure = windows->FindMeasureId(name);
  if (!measure) return NothingCame(query.measure, "");
  BAROGRAPH_ASSIGN(read.cell, CellOf(query, rules, *windows));
  question.terms = {{*measure, false}};
  question.is_level =
      query.traits.type == MeasureType::kGauge || name.qualifier == rules::kGaugeQualifier;
  question.never_negative = rules::IsNeverNegative(name);
  const bool counted = query.traits.unit == MeasureUnit::kCount && !question.is_level;
  question.unit = counted ? 1 : kNano;
  question.measure = query.measure;
  if (query.traits.unit == MeasureUnit::kMoney) question.currency = name.qualifier;
  return read;
}

}  // namespace barograph::server
