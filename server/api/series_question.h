#pragma once

#include <optional>

#include "barograph/v1/query.pb.h"
#include "rules/outlook/trajectory.h"
#include "rules/spec/rule_spec.h"
#include "rules/window/window_store.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

/// A ForecastSeriesRequest whose words were understood against what a tenant's windows hold.
struct SeriesQuestion {
  rules::CellId cell;
  rules::ForecastQuestion question;
  std::optional<rules::LevelAsked> level;
};

/// `windows` is null for a tenant that nothing came of yet.
/// Errors: kInvalidArgument naming the field; kNotFound: nothing of the series came yet;
///         kFailedPrecondition: no series holds it, with what to add to `series:`.
[[nodiscard]] Result<SeriesQuestion> ReadSeriesQuestion(const v1::ForecastSeriesRequest& request,
                                                        const rules::RuleSet& rules,
                                                        const rules::WindowStore* windows,
                                                        Time now);

}  // namespace barograph::server
