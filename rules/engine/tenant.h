#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rules/alert/alert_book.h"
#include "rules/alert/notice_book.h"
#include "rules/burn_rate/burn_rate.h"
#include "rules/engine/late_book.h"
#include "rules/measure/measure_fold.h"
#include "rules/spec/annotation_template.h"
#include "rules/spec/rule_spec.h"
#include "rules/window/window_store.h"
#include "storage/base/clock.h"

namespace barograph::rules {

/// Folded state of one tenant.
struct Tenant {
  explicit Tenant(std::string tenant_name)
      : name(std::move(tenant_name)),
        measures([this](const MeasureName& measure) { return windows.Intern(measure); }),
        notices(name) {}
  Tenant(const Tenant&) = delete;
  Tenant& operator=(const Tenant&) = delete;

  std::string name;
  WindowStore windows;
  MeasureFold measures;
  AlertBook alerts;
  NoticeBook notices;
  LateBook late;
  std::string prices_digest;  ///< of the price table applied last; empty before the first
  Time first_at{};            ///< log time of its first record
  Time last_at{};             ///< and of its last
};

/// An SLO ready to run, shared by all tenants.
struct CompiledSlo {
  explicit CompiledSlo(const SloSpec& slo)
      : spec(slo), burn(slo), projection(ProjectionOf(slo.common)), measures(MeasuresOf(slo)) {
    for (const auto& [name, text] : slo.common.annotations) templates.emplace(name, text);
  }
  /// The rule's annotations for a step that is told. All that they name is in the transition, so
  /// deciding it and folding it render the same.
  [[nodiscard]] storage::Labels Annotations(const storage::AlertTransition& transition) const {
    const TemplateValues values{transition.labels, transition.value, transition.threshold,
                                transition.condition};
    storage::Labels rendered;
    for (const auto& [name, text] : templates) rendered.emplace(name, text.Render(values));
    return rendered;
  }
  SloSpec spec;
  BurnRate burn;
  Projection projection;
  SloMeasures measures;
  std::map<std::string, AnnotationTemplate> templates;  ///< by annotation
  Time since{};  ///< log time at which its cells began to be kept
};
using CompiledSlos = std::vector<std::unique_ptr<CompiledSlo>>;

}  // namespace barograph::rules
