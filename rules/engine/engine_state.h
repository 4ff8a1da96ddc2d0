#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/engine/engine.h"
#include "rules/engine/instances.h"
#include "rules/engine/tenant.h"

namespace barograph::rules {

/// What one decision brings for one tenant, before it becomes events.
struct Draft {
  Tenant* tenant;
  std::vector<StagedTransition> transitions;
  std::vector<storage::ServerEvent> others;
};

/// Where EvaluateChanged stands while one evaluation point takes several calls. Nothing is folded
/// between them but what they decide. A cache, as SecondCursor.
struct ChangedCursor {
  Time at{};                  ///< 0: no point is under way
  std::size_t left = 0;       ///< of what had changed when the point began
  std::vector<Draft> drafts;  ///< decided, and not yet handed out: see Engine::State::Holds
};

/// Where EvaluateSecond stands. A cache: after a restart it begins again, and what was decided
/// already is in the state.
struct SecondCursor {
  enum class Stage {
    kOrphans,
    kTimers,
    kPhase,
    kLate,
    kDigests,
    kTasks,
    kLife,
    kNotices,
    kIdle,
    kDone
  };
  Time second{};
  Time before{};              ///< the whole second that was evaluated before it
  std::vector<Draft> drafts;  ///< decided, and not yet handed out: see Engine::State::Holds
  Stage stage = Stage::kDone;
  std::size_t position = 0;             ///< kPhase: in the phase; kTasks, kNotices: tenant
  std::pair<Time, InstanceId> timer{};  ///< kTimers: the last one looked at
  bool timers_begun = false;
  bool orphans_due =
      true;  ///< instances were made again since active alerts were matched with them
  std::map<Tenant*, std::uint64_t> settled;  ///< newest late run whose cells are judged
  std::pair<Tenant*, std::uint64_t> run{};   ///< kLate: the run under way
  std::optional<std::uint32_t> cell;         ///< and its last cell looked at
};

/// One enforced budget for one tuple of `by` values and one period: where leases count.
struct LeaseAccount {
  const CompiledRule* rule;
  storage::Labels by;
  Period period;
  std::string key;  ///< equal for equal accounts
};

[[nodiscard]] std::string AccountKey(const std::string& rule, const storage::Labels& by,
                                     const Period& period);

struct Engine::State {
  // --- Folded ----------------------------------------------------------------------------------
  std::map<std::string, std::unique_ptr<Tenant>, std::less<>> tenants;
  RuleSet rules;
  std::string rules_text;   ///< as logged
  std::string config_hash;  ///< empty before the first ConfigApplied
  Sequence config_at;
  std::map<std::string, Time>
      since;      ///< by encoded projection: log time from which its cells are kept
  Sequence head;  ///< of the last folded event
  Time last_log_time{};
  Time stopped_at{}, resumed_at{};  ///< of the last gap

  // --- Derived ---------------------------------------------------------------------------------
  NoticeFormat format;
  WindowStore::ColdReader cold_reader;
  Routing routing;
  CompiledRules compiled;
  NoticeRules notice_rules;
  std::vector<const CompiledRule*> enforced;  ///< budgets of `compiled` that leases count in
  std::map<std::string, const CompiledRule*, std::less<>> rule_by_name;
  Instances instances;
  ChangedCursor point;
  SecondCursor cursor;
  Tenant* last_tenant =
      nullptr;  ///< of the last record: consecutive records are mostly of one tenant
  storage::EventView view;
  std::vector<CellId> cells;
  std::vector<EventMessage> late_messages;  ///< of the record being folded
  std::vector<Condition::Verdict> verdicts;

  // --- Checkpoint under way --------------------------------------------------------------------
  bool config_changed = false;
  std::vector<std::pair<std::string, std::string>> own_rows;
  std::vector<std::pair<Tenant*, int>> tenant_parts;

  // Fold (engine.cc)
  Tenant& TenantOf(std::string_view name);
  Tenant& Create(std::string_view name);
  Status FoldServerMade(Tenant& tenant, const RecordContext& record, Sequence sequence);
  Status Fold(const storage::ConfigApplied& config, Time at, Sequence sequence);
  void Fold(Tenant& tenant, const storage::AlertTransition& transition);
  void Fold(const storage::Resumed& resumed);
  void Fold(const storage::PeriodOpened& period);
  static void Fold(Tenant& tenant, const storage::GaugesRead& gauges);
  void Fold(Tenant& tenant, const storage::ForecastIssued& forecast);
  void ForgetForecasts(Tenant& tenant) const;
  void Yield(Tenant& tenant, const storage::ServerEvent& event, Time time);
  void TakeMessages(Tenant& tenant, const EventNotices::Arrival& arrival, bool late);
  void Compile();
  void Configure(Tenant& tenant) const;

  // Fold the life of alerts (alert_life.cc)
  void ConfigureInhibitions(Tenant& tenant) const;
  void FoldStep(Tenant& tenant, const storage::AlertTransition& transition,
                storage::Labels annotations, const AlertBook::Applied& applied);
  void FoldLife(Tenant& tenant, const storage::Acknowledged& acknowledged);
  void FoldLife(Tenant& tenant, const storage::Silenced& silenced);
  void FoldLife(Tenant& tenant, const storage::SilenceBegan& began);
  void FoldLife(Tenant& tenant, const storage::SilenceEnded& ended);
  void FoldLife(Tenant& tenant, const storage::Escalated& escalated);
  void FoldLife(Tenant& tenant, const storage::FlapChanged& changed);

  // Leases (lease_commands.cc)
  /// Accounts that a Cost with these dimensions counts in at `at`; `*unopened` when one has no
  /// period yet.
  [[nodiscard]] std::vector<LeaseAccount> AccountsOf(const WindowStore& windows,
                                                     const storage::LeaseWish& wish, Time at,
                                                     bool* unopened) const;
  [[nodiscard]] BudgetRoom RoomOf(const Tenant* tenant, const LeaseAccount& account,
                                  Time now) const;
  /// The rule that a gate asks for. Errors: kNotFound, kInvalidArgument.
  [[nodiscard]] Result<const CompiledRule*> GatedRule(const GateQuestion& question) const;
  void ReindexLeases(Tenant& tenant) const;
  void FoldLease(Tenant& tenant, const storage::LeaseReserved& reserved);

  // Decide (evaluate.cc)
  /// True when all instances were made again.
  bool Refresh();
  /// The newest whole second of which every timer was looked at.
  [[nodiscard]] Time JudgedUntil() const;
  /// Whether a call that leaves the writer to its queue keeps its drafts for the next one: what one
  /// evaluation brings is told as one, however many calls it takes, as long as it is not too much.
  [[nodiscard]] static bool Holds(const std::vector<Draft>& drafts);
  /// Drops drafts that wait for a call that did not come, because something else was folded or time
  /// went on. Their instances are judged anew.
  void DropDrafts();
  [[nodiscard]] bool InGap(Time now) const { return now < resumed_at; }
  /// True when an alert is over for good, and only waits for a whole second to end.
  bool Judge(Instance& instance, Moment moment, Time now, std::vector<Draft>* drafts);
  void JudgeLate(Instance& instance, const LateRun& run, const LateRun::Range& range, Time now,
                 std::vector<Draft>* drafts);
  [[nodiscard]] StagedTransition Stage(const Instance& instance, std::size_t level,
                                       const AlertStep& step, const Condition::Verdict& verdict,
                                       Time now) const;
  /// Without `tell` the notices are left to what follows: the evaluation goes on.
  [[nodiscard]] std::vector<Decided> Finish(std::vector<Draft> drafts, Time now,
                                            bool tell = true) const;
  bool RunStage(std::size_t* budget, std::vector<Draft>* drafts);
  bool RunOrphans(std::size_t* budget, std::vector<Draft>* drafts);
  bool RunTimers(std::size_t* budget, std::vector<Draft>* drafts);
  bool RunPhase(std::size_t* budget, std::vector<Draft>* drafts);
  bool RunLate(std::size_t* budget, std::vector<Draft>* drafts);
  bool RunDigests(std::vector<Draft>* drafts);
  bool RunTasks(std::size_t* budget, std::vector<Draft>* drafts);
  [[nodiscard]] AlertStatus StatusOf(const Tenant& tenant, const Alert& alert) const;
  bool RunLife(std::size_t* budget, std::vector<Draft>* drafts);
  void MarkFlapping(Draft* draft, Time now) const;
  [[nodiscard]] static std::vector<StagedTransition> DueTests(const Tenant& tenant, Time second);
  bool RunNotices(std::size_t* budget, std::vector<Draft>* drafts);
  bool RunIdle(std::vector<Draft>* drafts);
  /// Messages that wait and can be told, about `budget`; with `summaries` those of windows that are
  /// over, too. False when some are left.
  bool TellMessages(Time now, bool summaries, std::size_t* budget,
                    std::vector<Draft>* drafts) const;

  // Checkpoint (checkpoint.cc)
  void AttachColdReader(Tenant& tenant) const;
  [[nodiscard]] std::string EncodeHead() const;
  [[nodiscard]] std::string EncodeConfig() const;
  Status LoadOwnRow(std::string_view key, std::string_view value);
  Status LoadTenantRow(std::string_view key, std::string_view value);
};

/// The tenant that server-wide events (configuration, resumptions) lie with.
inline constexpr std::string_view kServerTenant = "default";
/// A message as receivers see it. It stands as firing, and nothing will resolve it; one that is
/// `past` began and ended with its event.
[[nodiscard]] NoticeMember MemberOf(EventMessage message, bool past);
/// Key of a projection in State::since.
[[nodiscard]] std::string EncodeProjection(const Projection& projection);

}  // namespace barograph::rules
