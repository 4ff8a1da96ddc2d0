#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/alert/notice.h"
#include "rules/condition/condition.h"
#include "rules/engine/alert_view.h"
#include "rules/engine/lease_view.h"
#include "rules/engine/server_condition.h"
#include "rules/outlook/accuracy.h"
#include "rules/spec/rule_spec.h"
#include "rules/window/window_store.h"
#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"
#include "storage/event/event_view.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// What the fold is told of a record besides its events.
struct RecordContext {
  Sequence first_sequence;
  Time log_time{};
  std::string_view tenant;
};

/// State of one SLO instance as `slo` and `/metrics/fleet` show it.
struct SloStatus {
  std::string rule;
  storage::Labels labels;
  std::int64_t objective_ppb = 0;
  Int128 good = 0, total = 0;  ///< over the period
  double budget_remaining =
      1;  ///< 1 = untouched, 0 = spent, negative = overspent; exact ratio rounded once
  bool frozen = false;                 ///< budget_policy
  bool filling = false;                ///< the window is longer than the series' history
  Duration excluded{};                 ///< of the period; `good` and `total` are without it
  double remaining_with_excluded = 1;  ///< if those hours counted
  struct Row {
    std::string condition;  ///< "1h/5m"
    double factor = 0, long_burn = 0, short_burn = 0;
  };
  std::vector<Row> rows;
};

/// State of one instance of a budget or goal as `budget` shows it.
struct BudgetStatus {
  std::string rule, measure;
  bool is_goal = false;
  storage::Labels labels;
  std::string calendar;              ///< "day@UTC"; empty for a rolling budget
  Duration rolling{};                ///< instead
  std::optional<Period> period;      ///< nothing while none is open
  Int128 amount = 0;                 ///< spent or reached, in the measure's integer unit
  Int128 limit = 0;                  ///< limit or target
  std::string currency;              ///< of money
  std::int64_t expected_ppb = 0;     ///< goals: share of the target that is expected by now
  std::optional<Time> exhausted_at;  ///< budgets, at the rate of the last hour
  bool filling = false;              ///< the series began after the period
};

/// An instance that asks for a forecast; good for one configuration.
struct ForecastSubject {
  std::string tenant, rule;
  CellId cell;
  Sequence config_at;
};
/// What it asks now.
struct ForecastWish {
  storage::Labels labels;  ///< what the rule's `by` says
  ForecastQuestion question;
};

/// See AccuracyBook.
struct AccuracyReport {
  std::vector<ForecastAccuracy> instances;
  std::uint64_t dropped = 0;  ///< steps that were never scored
};

/// The pure core of a partition: events are folded into state, commands are decided against it and
/// become events.
///
/// Deciding reads state and returns events; it changes nothing itself: the caller appends what was
/// decided as records, in the order given, and folds them before the next decision. What deciding
/// keeps (instances, queues, where a second's evaluation stands) is made again from state after a
/// restart. Folding changes state and knows no clock, randomness, thread, file or hash-map order,
/// so a replay gives the same bytes, and StateDigest() proves it.
///
/// Threads:  owned by one thread.
/// Errors:   a fold that meets a kind it does not know returns kFailedPrecondition and must stop.
class Engine {
 public:
  /// `format` turns a decided notice into the bytes to send; pure, and given from outside because
  /// rules know no JSON.
  explicit Engine(NoticeFormat format);
  ~Engine();

  // --- Fold ------------------------------------------------------------------------------------
  /// Folds all events of one record, agents' or server-made, in order. `payload` is the record's
  /// payload.
  [[nodiscard]] Status Fold(const RecordContext& record, std::string_view payload);

  // --- Decide: each returns the events to append next, as one batch per tenant -----------------
  struct Decided {
    std::string tenant;
    std::vector<storage::ServerEvent> events;
  };
  /// Evaluation point (a): what changed since the last evaluation. Upward steps only. Looks at no
  /// more than 500 instances, which takes about a millisecond; true in `*more` when the rest waits
  /// for the next call with the same `now`, before which nothing else may be folded: what the calls
  /// of one point decide comes with the last of them, unless it is too much, and what it changes is
  /// judged at the next point. Never true twice without an instance judged or a message told in
  /// between, so that calling while it is true comes to an end; inside a gap nothing is judged and
  /// what changed waits.
  [[nodiscard]] std::vector<Decided> EvaluateChanged(Time now, bool* more);
  /// Evaluation point (b), once for every whole second of log time: timers that are due, and the
  /// instances whose phase (hash of identity mod 10) is this second's. Looks at about
  /// `instances_max` instances; true in `*more` when it must be called again for the same second,
  /// before anything else is folded, so that the writer never leaves its queue for long. What its
  /// timers and its phase bring comes together, as above.
  [[nodiscard]] std::vector<Decided> EvaluateSecond(Time second, std::size_t instances_max,
                                                    bool* more);
  /// Every whole second: raises and ends the alerts of the built-in rules, which lie with the
  /// tenant `default` and take the same route as all others. An alert of `server.kafka` that no
  /// condition speaks of ends; `server.clock` is always spoken of. Labels tell conditions apart;
  /// who calls bounds how many there are.
  [[nodiscard]] std::vector<Decided> JudgeServer(const std::vector<ServerCondition>& conditions,
                                                 Time second) const;
  /// Rules to put in force; empty when the normalised hash is unchanged.
  [[nodiscard]] std::vector<Decided> ApplyRules(const RuleSet& rules,
                                                const storage::Origin& origin) const;
  /// A price table to put in force; empty when it is the one that was applied last.
  [[nodiscard]] std::vector<Decided> ApplyPrices(std::string_view tenant,
                                                 const storage::PricesApplied& prices) const;
  /// The table of the configuration, which every start brings again: empty when the tenant has it
  /// already, whatever was applied after it.
  [[nodiscard]] std::vector<Decided> ConfigurePrices(std::string_view tenant,
                                                     const storage::PricesApplied& prices) const;
  /// A stop ended: the gap is not evaluated.
  [[nodiscard]] std::vector<Decided> Resume(Time stopped_at, Time resumed_at) const;
  /// Calendars that have no period which holds `at`, or none that follows it, with the time for
  /// which one is missing. Asked for every whole second; nearly always empty.
  struct MissingPeriod {
    Calendar calendar;
    Time at{};
  };
  [[nodiscard]] std::vector<MissingPeriod> MissingPeriods(Time at) const;
  /// Levels for the rules that name them: `readings` are the server's own, which lie with the
  /// tenant `default`; those of open tasks come from here, for every tenant that has any, and once
  /// more when it has none any longer. Asked for once a minute; empty when no rule reads one.
  [[nodiscard]] std::vector<Decided> ReadGauges(const std::vector<storage::GaugeReading>& readings,
                                                Time now) const;
  /// A period of a calendar begins to count; empty when it is known.
  [[nodiscard]] std::vector<Decided> OpenPeriod(const storage::PeriodOpened& period) const;
  /// A delivery ended as `outcome` says.
  [[nodiscard]] std::vector<Decided> EndDelivery(std::string_view tenant,
                                                 const storage::Delivery& delivery) const;
  /// An operator lets a notice that died or was dropped be sent again.
  [[nodiscard]] std::vector<Decided> Resend(std::string_view tenant,
                                            const storage::NoticeResent& resent) const;
  static constexpr Duration kTestAlertMax = std::chrono::hours(1);
  /// A synthetic alert for one receiver, to see whether it hears of real ones. It goes their whole
  /// way: grouped, held back by silences, told, acknowledged. It stands until EndTest, at most
  /// kTestAlertMax.
  /// Errors: kNotFound naming the receivers in force, or the tenant; kFailedPrecondition when one
  /// stands already.
  [[nodiscard]] Result<std::vector<Decided>> FireTest(std::string_view tenant,
                                                      std::string_view receiver,
                                                      storage::Origin origin, Time now) const;
  /// Errors: kFailedPrecondition when none stands.
  [[nodiscard]] Result<std::vector<Decided>> EndTest(std::string_view tenant,
                                                     std::string_view receiver,
                                                     storage::Origin origin, Time now) const;

  /// Somebody looks after firing alerts; alert_view.h has the wish. What somebody looks after
  /// already is passed over.
  /// Errors: kInvalidArgument, kNotFound for a name or matchers that no alert bears,
  /// kFailedPrecondition for an alert that does not fire.
  [[nodiscard]] Result<std::vector<Decided>> Acknowledge(std::string_view tenant,
                                                         const AckWish& wish, Time now) const;
  /// A silence, whose id the events tell. Errors: kInvalidArgument naming the field,
  /// kResourceExhausted.
  [[nodiscard]] Result<std::vector<Decided>> AddSilence(std::string_view tenant,
                                                        storage::Silenced wish, Time now) const;
  /// Errors: kNotFound, kFailedPrecondition.
  [[nodiscard]] Result<std::vector<Decided>> EndSilence(std::string_view tenant,
                                                        const std::string& id,
                                                        const storage::Origin& origin,
                                                        Time now) const;

  /// Sets an amount aside in every enforced budget that the Cost to come would count in, or says
  /// which of them cannot take it: a denial is decided too. What `*answer` says holds once the
  /// events are durable. Errors: kInvalidArgument naming the field; kFailedPrecondition when no
  /// enforced budget is concerned; kUnavailable before its period is open; kAlreadyExists and
  /// kResourceExhausted as LeaseBook::CheckRoom.
  [[nodiscard]] Result<std::vector<Decided>> Reserve(std::string_view tenant,
                                                     const storage::LeaseWish& wish,
                                                     const storage::Origin& origin, Time now,
                                                     LeaseAnswer* answer) const;
  /// Settles, extends or releases a lease. Errors: as LeaseBook's.
  [[nodiscard]] Result<std::vector<Decided>> EndLease(std::string_view tenant,
                                                      const LeaseCommand& command, Time now,
                                                      LeaseAnswer* answer) const;
  /// Somebody lets a gate pass for a while. Errors: as CheckGate and GateBook::Decide.
  [[nodiscard]] Result<std::vector<Decided>> OverrideGate(std::string_view tenant,
                                                          const GateQuestion& question,
                                                          storage::GateOverridden wish,
                                                          std::chrono::seconds length,
                                                          Time now) const;
  /// Hours that an SLO does not count, and the end of that. Errors: kNotFound for an SLO or an
  /// exclusion that there is not; ExclusionBook's.
  [[nodiscard]] Result<std::vector<Decided>> Exclude(std::string_view tenant,
                                                     storage::Exclusion wish, Time now) const;
  [[nodiscard]] Result<std::vector<Decided>> WithdrawExclusion(std::string_view tenant,
                                                               const std::string& id,
                                                               const storage::Origin& origin,
                                                               Time now) const;

  /// A forecast for an instance of a rule. Errors: kNotFound when no such rule asks for any
  /// longer; kResourceExhausted as OutlookBook.
  [[nodiscard]] Result<std::vector<Decided>> IssueForecast(std::string_view tenant,
                                                           storage::ForecastIssued forecast,
                                                           Time now) const;

  // --- Read ------------------------------------------------------------------------------------
  /// Every instance that asks for a forecast, at most kForecastsKept of each tenant.
  [[nodiscard]] std::vector<ForecastSubject> ForecastSubjects() const;
  /// Whether it has no forecast yet whose history ends at `history_end` or later.
  [[nodiscard]] bool IsForecastDue(const ForecastSubject& subject, Time history_end) const;
  /// Nothing when the configuration is another one by now, or nothing can be asked at the moment.
  [[nodiscard]] std::optional<ForecastWish> AskForecast(const ForecastSubject& subject,
                                                        Time now) const;
  /// How good the forecasts of each instance were so far.
  [[nodiscard]] AccuracyReport Accuracy(std::string_view tenant) const;
  /// The last forecast of each instance, without its steps.
  [[nodiscard]] std::vector<storage::ForecastIssued> Forecasts(std::string_view tenant) const;
  /// In force and to come, in the order of their hours.
  [[nodiscard]] std::vector<storage::Exclusion> Exclusions(std::string_view tenant) const;
  /// Whether a pipeline may go on. Errors: kNotFound for a rule that there is not,
  /// kInvalidArgument for `by` or a share that make no sense.
  [[nodiscard]] Result<GateAnswer> CheckGate(std::string_view tenant, const GateQuestion& question,
                                             Time now) const;
  [[nodiscard]] Time last_log_time() const;
  [[nodiscard]] const RuleSet& rules() const;
  [[nodiscard]] std::vector<std::string> tenants() const;
  [[nodiscard]] const WindowStore* windows(
      std::string_view tenant) const;  ///< null for an unknown tenant
  [[nodiscard]] WindowStore* mutable_windows(
      std::string_view tenant);  ///< for checkpoints; creates the tenant
  [[nodiscard]] std::vector<SloStatus> Slos(std::string_view tenant, Time at,
                                            std::string_view rule_filter, std::size_t limit) const;
  [[nodiscard]] std::vector<AlertStatus> Alerts(std::string_view tenant) const;
  [[nodiscard]] std::vector<BudgetStatus> Budgets(std::string_view tenant, Time at,
                                                  std::string_view rule_filter,
                                                  std::size_t limit) const;
  /// Where one alert stands, and why; nothing for a name that no alert bears. `name` is a
  /// fingerprint or an episode id.
  [[nodiscard]] std::optional<AlertView> ViewAlert(std::string_view tenant, std::string_view name,
                                                   Time now) const;
  /// All silences that are known, by id.
  [[nodiscard]] std::vector<SilenceView> Silences(std::string_view tenant) const;
  [[nodiscard]] const LeaseBook* leases(
      std::string_view tenant) const;  ///< null for an unknown tenant
  /// The price tables that were applied, the one that is asked first coming first.
  [[nodiscard]] std::vector<storage::PricesApplied> PriceTables(std::string_view tenant) const;
  /// Notices that wait for delivery, as the outbox holds them.
  [[nodiscard]] std::size_t instance_count() const;
  struct TableSizes {
    std::size_t open_tasks = 0, counters = 0, alerts = 0, instances = 0;
  };
  [[nodiscard]] TableSizes sizes(std::string_view tenant) const;

  // --- Checkpoint: as WindowStore's, over all tenants and tables -------------------------------
  void BeginCheckpoint();
  [[nodiscard]] bool ContinueCheckpoint(std::size_t rows_max, const WindowStore::RowSink& sink);
  [[nodiscard]] Status LoadRow(std::string_view key, std::string_view value);
  [[nodiscard]] Status FinishLoad();
  void SetColdReader(WindowStore::ColdReader reader);

  /// SHA-256 over the canonical encoding of all state at the last folded sequence.
  [[nodiscard]] Digest StateDigest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::rules
