#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "barograph/v1/query.pb.h"
#include "rules/spec/rule_spec.h"
#include "rules/window/window_store.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::server {

/// A QueryWindowsRequest whose words were understood.
struct WindowQuery {
  std::string measure;
  rules::MeasureTraits traits{};
  std::string currency;                      ///< empty: all
  rules::Projection projection;              ///< what was asked for: `by` and `where`, sorted
  Duration over{0};                          ///< 0: `spans` are asked instead
  std::optional<Time> at;                    ///< end of the window; nothing: log time now
  std::vector<std::pair<Time, Time>> spans;  ///< [from, to), whole hours
  std::vector<double> quantiles;
  std::size_t rows_max = 0;
  bool refuse_scan = false;
};

/// Understands a request. `labels` are the event labels that the configuration makes dimensions.
/// Errors: kInvalidArgument naming the field; a misspelt measure or dimension comes with the
///         nearest name.
[[nodiscard]] Result<WindowQuery> ParseWindowQuery(const v1::QueryWindowsRequest& request,
                                                   const std::vector<std::string>& labels);

/// The projection among `available` whose cells answer the query: the one asked for, or a finer one
/// whose cells are filtered
/// and, for sums, added up. Of several the one with the fewest dimensions. Nothing when none can:
/// then only a scan answers.
[[nodiscard]] std::optional<rules::Projection> ChooseProjection(
    const WindowQuery& query, const std::vector<rules::Projection>& available);

/// The built-in projections and those that the rules in force keep.
[[nodiscard]] std::vector<rules::Projection> AvailableProjections(const rules::RuleSet& rules);

/// `{by: [agent], where: {type: [development]}}`: what to add to `series:`.
[[nodiscard]] std::string ProjectionText(const rules::Projection& projection);

/// Answers a query from one store, a slice at a time.
/// Threads: the store's.
/// Lifetime: `query` must outlive it; the store must be the same at every step.
class WindowAnswer {
 public:
  /// `source` as ChooseProjection gave it.
  WindowAnswer(const WindowQuery& query, rules::Projection source, Time now);
  /// Looks at the next cells; true while there are more.
  [[nodiscard]] bool Step(const rules::WindowStore& store);
  /// After the last step: rows sorted by labels, then unit, quantile and span.
  [[nodiscard]] v1::QueryWindowsResponse Take();

 private:
  /// What rows are told apart by, besides the span.
  struct Group {
    storage::Labels labels;
    std::string unit;
    friend auto operator<=>(const Group&, const Group&) = default;
  };

  void Start(const rules::WindowStore& store);
  void AnswerCell(const rules::WindowStore& store, rules::CellId cell);
  void AnswerMeasure(const rules::WindowStore& store, rules::CellId cell, rules::MeasureId measure,
                     const Group& group);
  void AddSum(const Group& group, std::size_t span, Int128 value);
  [[nodiscard]] v1::QueryWindowsResponse::Row* AddRow(const Group& group, std::size_t span);
  [[nodiscard]] bool Matches(const storage::Labels& labels) const;
  [[nodiscard]] std::string ToText(Int128 value) const;

  const WindowQuery& query_;
  rules::Projection source_;
  Time at_;
  bool started_ = false;
  std::vector<rules::CellId> cells_;
  std::vector<std::pair<rules::MeasureId, std::string>> measures_;  ///< with their units
  std::size_t next_ = 0;
  std::map<std::pair<Group, std::size_t>, Int128> sums_;
  v1::QueryWindowsResponse response_;
};

}  // namespace barograph::server
