#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rules/alert/alert_book.h"
#include "rules/alert/inhibition_book.h"
#include "rules/alert/notice_book.h"
#include "rules/alert/silence_book.h"
#include "rules/burn_rate/exclusion_book.h"
#include "rules/condition/condition.h"
#include "rules/engine/late_book.h"
#include "rules/lease/gate_book.h"
#include "rules/lease/lease_book.h"
#include "rules/measure/measure_fold.h"
#include "rules/notice/event_notices.h"
#include "rules/outlook/accuracy_book.h"
#include "rules/outlook/outlook_book.h"
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
        notices(name, alerts, silences, inhibitions) {
    measures.SetLeaseCount([this](std::string_view lease, Currency currency, Int128 total) {
      return leases.CountCost(lease, currency, total);
    });
  }
  Tenant(const Tenant&) = delete;
  Tenant& operator=(const Tenant&) = delete;

  std::string name;
  WindowStore windows;
  MeasureFold measures;
  AlertBook alerts;
  SilenceBook silences;
  InhibitionBook inhibitions;
  NoticeBook notices;
  LateBook late;
  EventNotices messages;
  LeaseBook leases;
  GateBook gates;
  ExclusionBook exclusions;
  OutlookBook outlooks;
  AccuracyBook accuracy;
  std::string prices_digest;  ///< of the price table applied last; empty before the first
  Time first_at{};            ///< log time of its first record
  Time last_at{};             ///< and of its last
  /// Levels of open tasks that are not 0 by the last reading: measure and currency.
  std::set<std::pair<std::string, std::string>> open_levels;
  /// Log time of its first event from outside; none yet: 0.
  Time first_event_at{};
  /// Whether what began to be kept at `since` holds all of the tenant's history.
  [[nodiscard]] bool HoldsAllSince(Time since) const {
    return first_event_at == Time{} || since <= first_event_at;
  }
};

/// A rule of any kind ready to run, shared by all tenants.
struct CompiledRule {
  CompiledRule(const RuleCommon& rule, std::unique_ptr<Condition> compiled)
      : common(rule), condition(std::move(compiled)), projection(ProjectionOf(rule)) {
    for (const auto& [name, text] : rule.annotations) templates.emplace(name, text);
  }
  /// The rule's annotations for a step that is told. All that they name is in the transition, so
  /// deciding it and folding it render the same. The last event that counted is in the windows,
  /// which no event moves between the two.
  [[nodiscard]] storage::Labels Annotations(const storage::AlertTransition& transition,
                                            const WindowStore& windows) const;
  RuleCommon common;
  std::unique_ptr<Condition> condition;
  Projection projection;
  std::map<std::string, AnnotationTemplate> templates;  ///< by annotation
  Time since{};                        ///< log time at which its cells began to be kept
  const SloSpec* slo = nullptr;        ///< of the rule set; null for other kinds
  const BudgetSpec* budget = nullptr;  ///< likewise
  const GoalSpec* goal = nullptr;      ///< likewise
  bool slices = false;  ///< moves with time alone: a silent tenant gets records of its own
};
using CompiledRules = std::vector<std::unique_ptr<CompiledRule>>;
/// Every rule of the set, which must outlive what is returned.
[[nodiscard]] CompiledRules CompileRules(const RuleSet& rules);

}  // namespace barograph::rules
