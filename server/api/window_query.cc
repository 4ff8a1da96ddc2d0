#include "server/api/window_query.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <span>
#include <tuple>

#include "ingest/formats/nearest_name.h"
#include "server/api/limits.h"
#include "server/api/wire_time.h"

namespace barograph::server {
namespace {

using rules::MeasureType;
using rules::MeasureUnit;
using rules::Projection;

Error Invalid(std::string_view field, const std::string& what) {
  return {ErrorCode::kInvalidArgument, std::string(field) + ": " + what};
}

Status CheckDimension(const std::string& field, const std::string& name,
                      const std::vector<std::string>& labels) {
  if (rules::FindDimension(name).has_value()) return {};
  if (std::find(labels.begin(), labels.end(), name) != labels.end()) return {};
  std::vector<std::string_view> known;
  known.reserve(static_cast<std::size_t>(rules::Dimension::kCount) + labels.size());
  for (int i = 0; i < static_cast<int>(rules::Dimension::kCount); ++i) {
    known.push_back(rules::Name(static_cast<rules::Dimension>(i)));
  }
  known.insert(known.end(), labels.begin(), labels.end());
  return Invalid(field, "\"" + name + "\" is no dimension" + ingest::DidYouMean(name, known) +
                            "; a label becomes one when `labels:` in the rules names it");
}

Status ReadProjection(const v1::QueryWindowsRequest& request,
                      const std::vector<std::string>& labels, Projection* out) {
  if (static_cast<std::size_t>(request.by_size()) > kDimensionsMax ||
      static_cast<std::size_t>(request.where_size()) > kDimensionsMax) {
    return Invalid("by", "more than " + std::to_string(kDimensionsMax) + " dimensions");
  }
  for (const std::string& name : request.by()) {
    BAROGRAPH_TRY(CheckDimension("by", name, labels));
    out->by.push_back(name);
  }
  for (const auto& filter : request.where()) {
    BAROGRAPH_TRY(CheckDimension("where", filter.dimension(), labels));
    if (filter.values().empty()) return Invalid("where", filter.dimension() + " has no value");
    std::vector<std::string> values(filter.values().begin(), filter.values().end());
    std::sort(values.begin(), values.end());
    out->where.push_back({filter.dimension(), std::move(values)});
  }
  std::sort(out->by.begin(), out->by.end());
  std::sort(out->where.begin(), out->where.end());
  const auto same = [](const auto& a, const auto& b) { return a.dimension == b.dimension; };
  if (std::adjacent_find(out->by.begin(), out->by.end()) != out->by.end()) {
    return Invalid("by", "a dimension comes twice");
  }
  if (std::adjacent_find(out->where.begin(), out->where.end(), same) != out->where.end()) {
    return Invalid("where", "a dimension comes twice; give it all its values at once");
  }
  return {};
}

Time NextSpan(Time from, v1::QueryWindowsRequest::Every every) {
  using std::chrono::days;
  switch (every) {
    case v1::QueryWindowsRequest::EVERY_HOUR:
      return std::chrono::floor<std::chrono::hours>(from) + std::chrono::hours(1);
    case v1::QueryWindowsRequest::EVERY_DAY:
      return std::chrono::floor<days>(from) + days(1);
    case v1::QueryWindowsRequest::EVERY_MONTH: {
      const std::chrono::year_month_day date(std::chrono::floor<days>(from));
      const auto next = date.year() / date.month() / std::chrono::day(1) + std::chrono::months(1);
      return std::chrono::sys_days(next);
    }
    default:
      return Time::max();
  }
}

Status ReadSpans(const v1::QueryWindowsRequest& request, WindowQuery* query) {
  const Time from = ToTime(request.from()), to = ToTime(request.to());
  const auto whole = [](Time time) { return std::chrono::floor<std::chrono::hours>(time) == time; };
  if (!request.has_from() || !request.has_to())
    return Invalid("from", "needs `to`, and `to` needs `from`");
  if (!whole(from) || !whole(to))
    return Invalid("from", "`from` and `to` must be whole hours in UTC");
  if (from >= to)
    return Invalid("from", FormatTime(from) + " is not before `to` " + FormatTime(to));
  for (Time begin = from; begin < to;) {
    const Time end = std::min(to, NextSpan(begin, request.every()));
    query->spans.emplace_back(begin, end);
    begin = end;
    if (query->spans.size() > kSpansMax) {
      return Invalid("every",
                     "more than " + std::to_string(kSpansMax) + " spans between `from` and `to`");
    }
  }
  if (query->traits.type != MeasureType::kSum) {
    return Invalid("from",
                   "only sums reach over all of history; give `over` for " + query->measure);
  }
  return {};
}

Status ReadTime(const v1::QueryWindowsRequest& request, WindowQuery* query) {
  if (request.has_from() || request.has_to()) {
    if (request.has_over() || request.has_at()) {
      return Invalid("over", "`over` and `at` exclude `from` and `to`");
    }
    return ReadSpans(request, query);
  }
  if (!request.has_over())
    return Invalid("over", "missing; give a length such as 1h, or `from` and `to`");
  query->over = ToDuration(request.over());
  if (const Status valid = rules::WindowStore::ValidateWindow(query->over); !valid.ok()) {
    return valid.error().WithContext("over");
  }
  if (request.has_at()) query->at = ToTime(request.at());
  return {};
}

/// Dimensions that `source` must have among its `by` so that its cells can be filtered as asked:
/// those of the filters that
/// it does not apply itself.
std::vector<std::string> OpenFilters(const WindowQuery& query, const Projection& source) {
  std::vector<std::string> open;
  for (const auto& filter : query.projection.where) {
    if (std::find(source.where.begin(), source.where.end(), filter) == source.where.end()) {
      open.push_back(filter.dimension);
    }
  }
  return open;
}

/// Sketches of several cells cannot be added up, so one cell must be the whole row.
bool OneCellPerRow(const WindowQuery& query, const Projection& source) {
  for (const std::string& name : source.by) {
    if (std::binary_search(query.projection.by.begin(), query.projection.by.end(), name)) continue;
    const auto filter =
        std::find_if(query.projection.where.begin(), query.projection.where.end(),
                     [&name](const auto& candidate) { return candidate.dimension == name; });
    if (filter == query.projection.where.end() || filter->any_of.size() != 1) return false;
  }
  return true;
}

bool Answers(const WindowQuery& query, const Projection& source) {
  const auto has = [&source](const std::string& name) {
    return std::binary_search(source.by.begin(), source.by.end(), name);
  };
  const bool narrower = std::any_of(
      source.where.begin(), source.where.end(), [&query](const Projection::Filter& filter) {
        return std::find(query.projection.where.begin(), query.projection.where.end(), filter) ==
               query.projection.where.end();
      });
  if (narrower || !std::all_of(query.projection.by.begin(), query.projection.by.end(), has)) {
    return false;
  }
  const auto open = OpenFilters(query, source);
  return std::all_of(open.begin(), open.end(), has) &&
         (query.traits.type == MeasureType::kSum || OneCellPerRow(query, source));
}

std::string UnitOf(const WindowQuery& query, const rules::MeasureName& name) {
  if (query.traits.unit == MeasureUnit::kMoney) return name.qualifier;
  const bool seconds = query.traits.unit == MeasureUnit::kNano && name.base.ends_with(".duration");
  return seconds ? "seconds" : "";
}

bool IsCurrency(std::string_view qualifier) { return Currency::Parse(qualifier).ok(); }

}  // namespace

Result<WindowQuery> ParseWindowQuery(const v1::QueryWindowsRequest& request,
                                     const std::vector<std::string>& labels) {
  WindowQuery query;
  query.measure = request.measure();
  const auto traits = rules::FindMeasure(query.measure);
  if (!traits.has_value()) {
    return Invalid("measure", "\"" + query.measure + "\" is no measure" +
                                  ingest::DidYouMean(query.measure, rules::FixedMeasures()));
  }
  query.traits = *traits;
  query.currency = request.currency_code();
  if (!query.currency.empty() && traits->unit != MeasureUnit::kMoney) {
    return Invalid("currency_code", query.measure + " is not money");
  }
  BAROGRAPH_TRY(ReadProjection(request, labels, &query.projection));
  BAROGRAPH_TRY(ReadTime(request, &query));
  query.quantiles = {0.5, 0.95, 0.99};
  if (request.has_quantile()) {
    if (!(request.quantile() > 0 && request.quantile() < 1)) {
      return Invalid("quantile", std::to_string(request.quantile()) + "; range (0, 1)");
    }
    query.quantiles = {request.quantile()};
  }
  query.rows_max =
      std::min(request.page_size() == 0 ? kPageSizeDefault : request.page_size(), kPageSizeMax);
  query.refuse_scan = request.refuse_scan();
  return query;
}

std::vector<Projection> AvailableProjections(const rules::RuleSet& rules) {
  std::vector<Projection> available = {{}};
  for (const char* name : {"agent", "type", "model", "category", "service"}) {
    available.push_back({.by = {name}, .where = {}});
  }
  for (Projection& projection : rules::PlanWindows(rules).projections) {
    available.push_back(std::move(projection));
  }
  return available;
}

std::optional<Projection> ChooseProjection(const WindowQuery& query,
                                           const std::vector<Projection>& available) {
  const Projection* best = nullptr;
  for (const Projection& candidate : available) {
    if (candidate == query.projection) return candidate;
    if (!Answers(query, candidate)) continue;
    if (best == nullptr || candidate.by.size() < best->by.size()) best = &candidate;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

std::string ProjectionText(const Projection& projection) {
  const auto join = [](const std::vector<std::string>& parts) {
    std::string text = "[";
    for (const std::string& part : parts) text += (text.size() > 1 ? ", " : "") + part;
    return text + "]";
  };
  std::string text = "{by: " + join(projection.by);
  std::string where;
  for (const auto& filter : projection.where) {
    where += (where.empty() ? "" : ", ") + filter.dimension + ": " + join(filter.any_of);
  }
  return text + (where.empty() ? "}" : ", where: {" + where + "}}");
}

// --- The answer ---------------------------------------------------------------------------------

WindowAnswer::WindowAnswer(const WindowQuery& query, Projection source, Time now)
    : query_(query), source_(std::move(source)), at_(query.at.value_or(now)) {
  SetTime(at_, response_.mutable_at());
}

void WindowAnswer::Start(const rules::WindowStore& store) {
  started_ = true;
  const rules::ProjectionId projection = store.FindOrBuiltIn(source_);
  response_.set_since_sequence(store.Since(projection).value);
  store.ForEachCell(projection, [this](rules::CellId cell) { cells_.push_back(cell); });
  for (std::size_t i = 0; i < store.measure_count(); ++i) {
    const rules::MeasureId id{static_cast<std::uint16_t>(i)};
    const rules::MeasureName& name = store.NameOf(id);
    if (name.base != query_.measure) continue;
    const bool money = query_.traits.unit == MeasureUnit::kMoney;
    const bool wanted = money ? (query_.currency.empty() ? IsCurrency(name.qualifier)
                                                         : name.qualifier == query_.currency)
                              : name.qualifier.empty();
    if (wanted) measures_.emplace_back(id, UnitOf(query_, name));
  }
}

bool WindowAnswer::Step(const rules::WindowStore& store) {
  if (!started_) {
    Start(store);
    return !cells_.empty();
  }
  const std::size_t spans = std::max<std::size_t>(1, query_.spans.size());
  const std::size_t cells = std::max<std::size_t>(1, kCellsPerStep / spans);
  const std::size_t end = std::min(cells_.size(), next_ + cells);
  for (; next_ < end && !response_.truncated(); ++next_) AnswerCell(store, cells_[next_]);
  return next_ < cells_.size() && !response_.truncated();
}

bool WindowAnswer::Matches(const storage::Labels& labels) const {
  return std::all_of(query_.projection.where.begin(), query_.projection.where.end(),
                     [&labels](const Projection::Filter& filter) {
                       const auto label = labels.find(filter.dimension);
                       return label == labels.end() ||
                              std::binary_search(filter.any_of.begin(), filter.any_of.end(),
                                                 label->second);
                     });
}

void WindowAnswer::AnswerCell(const rules::WindowStore& store, rules::CellId cell) {
  storage::Labels labels = store.LabelsOf(cell);
  if (!Matches(labels)) return;
  std::erase_if(labels, [this](const auto& label) {
    return !std::binary_search(query_.projection.by.begin(), query_.projection.by.end(),
                               label.first);
  });
  for (const auto& [measure, unit] : measures_) {
    AnswerMeasure(store, cell, measure, {labels, unit});
  }
}

void WindowAnswer::AnswerMeasure(const rules::WindowStore& store, rules::CellId cell,
                                 rules::MeasureId measure, const Group& group) {
  switch (query_.traits.type) {
    case MeasureType::kSum:
      if (query_.over != Duration::zero()) {
        AddSum(group, 0, store.Sum(cell, measure, at_, query_.over));
      }
      for (std::size_t i = 0; i < query_.spans.size(); ++i) {
        const auto& [from, to] = query_.spans[i];
        AddSum(group, i, store.SumBetween(cell, measure, from, to));
      }
      return;
    case MeasureType::kDistribution:
      for (const double quantile : query_.quantiles) {
        const auto answer = store.Quantile(cell, measure, quantile, at_, query_.over);
        if (answer.count == 0) continue;
        auto* const row = AddRow(group, 0);
        if (row == nullptr) return;
        row->set_quantile(quantile);
        row->set_count(answer.count);
        row->set_value(ToText(static_cast<Int128>(answer.value)));
      }
      return;
    case MeasureType::kGauge: {
      const auto answer = store.Gauge(cell, measure, at_, query_.over);
      if (answer.count == 0) {  // a sample of type DELTA or CUMULATIVE is a sum under the same name
        AddSum(group, 0, store.Sum(cell, measure, at_, query_.over));
        return;
      }
      auto* const row = AddRow(group, 0);
      if (row == nullptr) return;
      row->set_count(answer.count);
      row->set_value(ToText(answer.last));
      row->set_min(ToText(answer.min));
      row->set_max(ToText(answer.max));
      row->set_mean(ToText(DivideHalfEven(answer.sum, static_cast<Int128>(answer.count))));
      return;
    }
    case MeasureType::kDistinct: {
      const std::uint64_t count = store.Distinct(cell, measure, at_, query_.over);
      auto* const row = count == 0 ? nullptr : AddRow(group, 0);
      if (row != nullptr) row->set_value(std::to_string(count));
      return;
    }
  }
}

void WindowAnswer::AddSum(const Group& group, std::size_t span, Int128 value) {
  const auto found = sums_.find({group, span});
  if (found != sums_.end()) {
    found->second += value;
    return;
  }
  // A series without events in the window says nothing, except where one row for everything was
  // asked.
  if (value == 0 && !group.labels.empty()) return;
  if (value == 0 && (query_.spans.size() > 1 || !group.unit.empty())) return;
  if (sums_.size() >= query_.rows_max) {
    response_.set_truncated(true);
    return;
  }
  sums_.emplace(std::pair(group, span), value);
}

v1::QueryWindowsResponse::Row* WindowAnswer::AddRow(const Group& group, std::size_t span) {
  if (static_cast<std::size_t>(response_.rows_size()) >= query_.rows_max) {
    response_.set_truncated(true);
    return nullptr;
  }
  auto* const row = response_.add_rows();
  SetLabels(group.labels, row->mutable_labels());
  row->set_unit(group.unit);
  const bool windowed = query_.spans.empty();
  SetTime(windowed ? at_ - query_.over : query_.spans[span].first, row->mutable_start());
  SetTime(windowed ? at_ : query_.spans[span].second, row->mutable_end());
  return row;
}

std::string WindowAnswer::ToText(Int128 value) const {
  return FormatDecimal(value, query_.traits.unit == MeasureUnit::kCount ? 0 : 9);
}

v1::QueryWindowsResponse WindowAnswer::Take() {
  for (const auto& [key, value] : sums_) {
    auto* const row = AddRow(key.first, key.second);
    if (row != nullptr) row->set_value(ToText(value));
  }
  const auto key = [](const v1::QueryWindowsResponse::Row& row) {
    return std::tuple(storage::Labels(row.labels().begin(), row.labels().end()), row.unit(),
                      ToTime(row.start()), row.quantile());
  };
  std::sort(response_.mutable_rows()->begin(), response_.mutable_rows()->end(),
            [&key](const auto& a, const auto& b) { return key(a) < key(b); });
  return std::move(response_);
}

}  // namespace barograph::server
