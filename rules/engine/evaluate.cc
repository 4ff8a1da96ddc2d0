#include <algorithm>

#include "rules/engine/engine_state.h"

// Deciding: the evaluation points of design section 5. Nothing here changes folded state; what is
// decided comes back through Engine::Fold. Caches (instances, cursor) are made again from state
// after a restart.

namespace barograph::rules {
namespace {

using storage::AlertState;
using storage::AlertTransition;
using storage::ServerEvent;
using SecondStage = SecondCursor::Stage;
using std::chrono::hours;
using std::chrono::minutes;

/// Instances, each by its condition's cost, that EvaluateChanged looks at before it leaves the
/// writer to its queue.
constexpr std::size_t kChangedMax = 500;
/// Messages about events that one call decides.
constexpr std::size_t kMessagesAtOnce = 64;
/// Transitions that wait for the end of an evaluation that takes several calls. Beyond, they go
/// first and are told with what comes last, or at the next whole second: to log very many at once
/// would keep the writer from its queue for too long.
constexpr std::size_t kHeldMax = 500;
/// Looking through the past of one instance costs about as much as judging so many.
constexpr std::size_t kLateCost = 50;

Draft& DraftOf(Tenant* tenant, std::vector<Draft>* drafts) {
  for (Draft& draft : *drafts) {
    if (draft.tenant == tenant) return draft;
  }
  return drafts->emplace_back(Draft{tenant, {}, {}});
}

/// The end of what is over for good.
std::optional<AlertStep> LastStep(const Alert* alert, Moment moment) {
  if (alert == nullptr || !alert->active() || moment != Moment::kWholeSecond) return std::nullopt;
  const bool pending = alert->state == AlertState::kPending;
  return AlertStep{alert->state, pending ? AlertState::kInactive : AlertState::kResolved, true};
}

void Spend(std::size_t cost, std::size_t* budget) { *budget -= std::min(cost, *budget); }

}  // namespace

bool Engine::State::Refresh() {
  std::vector<Tenant*> all;
  all.reserve(tenants.size());
  for (const auto& [name, tenant] : tenants) all.push_back(tenant.get());
  const bool rebuilt = instances.Refresh(all, compiled, JudgedUntil());
  if (rebuilt) cursor.orphans_due = true;
  return rebuilt;
}

Time Engine::State::JudgedUntil() const {
  const Time second = cursor.stage == SecondStage::kDone ? cursor.second : cursor.before;
  // After a start nothing was evaluated yet, and of the gap nothing is.
  const Time known = second == Time{} ? last_log_time : std::max(second, resumed_at);
  return std::chrono::floor<std::chrono::seconds>(known);
}

bool Engine::State::Holds(const std::vector<Draft>& drafts) {
  std::size_t held = 0;
  for (const Draft& draft : drafts) held += draft.transitions.size();
  return held < kHeldMax;
}

void Engine::State::DropDrafts() {
  if (point.drafts.empty() && cursor.drafts.empty()) return;
  point.drafts.clear();
  cursor.drafts.clear();
  instances.Invalidate();
}

StagedTransition Engine::State::Stage(const Instance& instance, std::size_t level,
                                      const AlertStep& step, const Condition::Verdict& verdict,
                                      Time now) const {
  const CompiledRule& rule = *instance.rule;
  const Alert* known = instance.alerts[level];
  StagedTransition staged;
  if (known != nullptr) staged.alert = *known;
  AlertTransition& event = staged.event;
  event.origin.reason = verdict.ended.empty() ? "evaluation" : std::string(verdict.ended);
  event.rule = rule.common.name;
  event.labels = AlertLabels(rule, instance.by, level);
  event.from = step.from;
  event.to = step.to;
  event.at = now;
  event.severity = rule.condition->levels()[level].severity;
  const bool begins = step.from == AlertState::kInactive;
  event.episode_id =
      begins ? Fingerprint(event.labels) + "-" + std::to_string(head.value) : known->episode_id;
  const std::size_t row =
      step.calm && known != nullptr ? rule.condition->RowOf(level, known->condition) : verdict.row;
  const Condition::Account account = rule.condition->Explain(instance.series, row, now);
  event.value = account.value;
  event.threshold = account.threshold;
  event.summary = account.summary;
  event.condition = account.condition;
  if (step.from == step.to && step.calm) event.condition.clear();
  ApplyTransition(event, &staged.alert);
  if (step.from != step.to) staged.annotations = rule.Annotations(event, instance.tenant->windows);
  return staged;
}

bool Engine::State::Judge(Instance& instance, Moment moment, Time now, std::vector<Draft>* drafts) {
  const CompiledRule& rule = *instance.rule;
  rule.condition->Judge(instance.series, now, &verdicts);
  const bool grace = now < resumed_at + kResumeGrace;
  bool ends = false;
  for (std::size_t level = 0; level < verdicts.size(); ++level) {
    Condition::Verdict& verdict = verdicts[level];
    const Alert* alert = instance.alerts[level];
    if (!rule.common.InForce(now)) {
      if (alert == nullptr || !alert->active()) continue;
      verdict = {.row = rule.condition->RowOf(level, alert->condition)};
    }
    if (grace && verdict.missing && (verdict.holds || !verdict.ended.empty())) continue;
    const bool blinded = !verdict.holds && alert != nullptr && alert->active() &&
                         rule.common.InForce(now) &&
                         rule.condition->BlindedByStop(instance.series, level, now, resumed_at);
    const bool unknown = (grace && verdict.quiet) || blinded || verdict.unknown;
    const Moment known = unknown ? Moment::kAnyPoint : moment;
    const std::optional<AlertStep> step =
        verdict.ended.empty() ? NextStep(alert, verdict.holds, known, now, rule.common)
                              : LastStep(alert, known);
    ends = ends || (!step && !verdict.ended.empty() && alert != nullptr && alert->active());
    if (!step) continue;
    DraftOf(instance.tenant, drafts)
        .transitions.push_back(Stage(instance, level, *step, verdict, now));
  }
  return ends;
}

std::vector<Engine::Decided> Engine::State::Finish(std::vector<Draft> drafts, Time now,
                                                   bool tell) const {
  std::vector<Decided> decided;
  for (Draft& draft : drafts) {
    Decided& batch = decided.emplace_back(Decided{draft.tenant->name, {}});
    MarkFlapping(&draft, now);
    bool more = false;
    std::vector<storage::NoticeDecided> notices;
    if (tell)
      notices = draft.tenant->notices.Decide(draft.transitions, now, false, 0, format, &more);
    for (StagedTransition& staged : draft.transitions)
      batch.events.emplace_back(std::move(staged.event));
    for (ServerEvent& event : draft.others) batch.events.push_back(std::move(event));
    for (storage::NoticeDecided& notice : notices) batch.events.emplace_back(std::move(notice));
  }
  return decided;
}

std::vector<Engine::Decided> Engine::EvaluateChanged(Time now, bool* more) {
  State& state = *state_;
  ChangedCursor& point = state.point;
  *more = false;
  if (point.at != now || state.InGap(now)) {
    state.DropDrafts();
    point = {};
  }
  if (state.InGap(now)) return {};
  // What the point's own decisions change waits for the next one, however many calls it takes.
  if (state.Refresh() || point.at == Time{}) point = {now, state.instances.changed_count(), {}};
  std::vector<Draft> drafts = std::exchange(point.drafts, {});
  for (std::size_t judged = 0; judged < kChangedMax && point.left > 0;) {
    const std::optional<InstanceId> id = state.instances.PopChanged();
    point.left = id ? point.left - 1 : 0;
    if (!id) break;
    Instance& instance = state.instances.at(*id);
    judged += instance.rule->condition->cost();
    if (state.Judge(instance, Moment::kAnyPoint, now, &drafts)) state.instances.Wake(*id, now);
  }
  *more = point.left > 0;
  if (*more && State::Holds(drafts)) {
    point.drafts = std::move(drafts);
    return {};
  }
  std::size_t budget = kMessagesAtOnce;
  const bool judged_all = !*more;
  if (judged_all) *more = !state.TellMessages(now, false, &budget, &drafts);
  if (!*more) point = {};
  return state.Finish(std::move(drafts), now, judged_all);
}

std::vector<Engine::Decided> Engine::EvaluateSecond(Time second, std::size_t instances_max,
                                                    bool* more) {
  State& state = *state_;
  SecondCursor& cursor = state.cursor;
  *more = false;
  if (cursor.second != second || state.InGap(second)) state.DropDrafts();
  if (state.InGap(second)) return {};
  state.Refresh();
  if (cursor.second != second) {
    cursor.before = std::exchange(cursor.second, second);
    cursor.stage = SecondStage::kOrphans;
    cursor.position = 0;
    cursor.timers_begun = false;
  }
  std::vector<Draft> drafts = std::exchange(cursor.drafts, {});
  std::size_t budget = std::max<std::size_t>(instances_max, 1);
  while (cursor.stage != SecondStage::kDone && budget > 0) {
    // These read what the stages before them decided, so that must be folded first.
    const bool needs_fold = cursor.stage == SecondStage::kDigests ||
                            cursor.stage == SecondStage::kLife ||
                            cursor.stage == SecondStage::kNotices;
    if (needs_fold && !drafts.empty()) break;
    if (!state.RunStage(&budget, &drafts)) break;
    cursor.stage = static_cast<SecondStage>(static_cast<int>(cursor.stage) + 1);
    cursor.position = 0;
  }
  *more = cursor.stage != SecondStage::kDone;
  // Orphans are found by what is folded; instances are gone through.
  const bool goes_through =
      cursor.stage == SecondStage::kTimers || cursor.stage == SecondStage::kPhase;
  if (goes_through && State::Holds(drafts)) {
    cursor.drafts = std::move(drafts);
    return {};
  }
  const bool judged_all = !goes_through && cursor.stage != SecondStage::kOrphans;
  return state.Finish(std::move(drafts), second, judged_all);
}

bool Engine::State::RunStage(std::size_t* budget, std::vector<Draft>* drafts) {
  switch (cursor.stage) {
    case SecondStage::kOrphans:
      return RunOrphans(budget, drafts);
    case SecondStage::kTimers:
      return RunTimers(budget, drafts);
    case SecondStage::kPhase:
      return RunPhase(budget, drafts);
    case SecondStage::kLate:
      return RunLate(budget, drafts);
    case SecondStage::kDigests:
      return RunDigests(drafts);
    case SecondStage::kTasks:
      return RunTasks(budget, drafts);
    case SecondStage::kLife:
      return RunLife(budget, drafts);
    case SecondStage::kNotices:
      return RunNotices(budget, drafts);
    case SecondStage::kIdle:
      return RunIdle(drafts);
    case SecondStage::kDone:
      break;
  }
  return true;
}

/// Ends active alerts that no instance stands for any more, because their rule went or now names
/// its alerts differently.
bool Engine::State::RunOrphans(std::size_t* budget, std::vector<Draft>* drafts) {
  if (!cursor.orphans_due) return true;
  for (const auto& [name, tenant] : tenants) {
    for (const auto& [key, alert] : tenant->alerts.alerts()) {
      if (!alert.active() || IsServerRule(alert.rule) || instances.Knows(tenant.get(), key))
        continue;
      // The next call finds the rest: what this one ends is no longer active then.
      if (*budget == 0) return false;
      Spend(1, budget);
      StagedTransition staged{{}, alert, {}};
      AlertTransition& event = staged.event;
      event.origin.reason = rule_by_name.contains(alert.rule) ? "rule changed" : "rule removed";
      event.rule = alert.rule;
      event.labels = alert.labels;
      event.from = alert.state;
      event.to = alert.state == AlertState::kFiring ? AlertState::kResolved : AlertState::kInactive;
      event.at = cursor.second;
      event.episode_id = alert.episode_id;
      event.severity = alert.severity;
      event.value = alert.value;
      event.threshold = alert.threshold;
      event.summary = event.origin.reason;
      event.condition = alert.condition;
      ApplyTransition(event, &staged.alert);
      DraftOf(tenant.get(), drafts).transitions.push_back(std::move(staged));
    }
  }
  cursor.orphans_due = false;
  return true;
}

bool Engine::State::RunTimers(std::size_t* budget, std::vector<Draft>* drafts) {
  const auto& timers = instances.timers();
  const auto next = [&] {
    return cursor.timers_begun ? timers.upper_bound(cursor.timer) : timers.begin();
  };
  for (auto timer = next(); timer != timers.end() && timer->first <= cursor.second;
       timer = next()) {
    if (*budget == 0) return false;
    const InstanceId id = timer->second;
    Instance& instance = instances.at(id);
    Spend(instance.rule->condition->cost(), budget);
    cursor.timer = *timer;
    cursor.timers_begun = true;
    if (!instances.IsDue(id, cursor.second)) continue;
    const bool judged = std::exchange(instance.judged_at, cursor.second) == cursor.second;
    if (!judged) Judge(instance, Moment::kWholeSecond, cursor.second, drafts);
    instances.Pass(id, cursor.second);
  }
  return true;
}

bool Engine::State::RunPhase(std::size_t* budget, std::vector<Draft>* drafts) {
  const auto second =
      std::chrono::floor<std::chrono::seconds>(cursor.second).time_since_epoch().count();
  const std::vector<InstanceId>& phase = instances.phase(static_cast<std::size_t>(second));
  for (; cursor.position < phase.size(); ++cursor.position) {
    if (*budget == 0) return false;
    Instance& instance = instances.at(phase[cursor.position]);
    Spend(instance.rule->condition->cost(), budget);
    if (std::exchange(instance.judged_at, cursor.second) == cursor.second) continue;
    Judge(instance, Moment::kWholeSecond, cursor.second, drafts);
  }
  return true;
}

void Engine::State::JudgeLate(Instance& instance, const LateRun& run, const LateRun::Range& range,
                              Time now, std::vector<Draft>* drafts) {
  const CompiledRule& rule = *instance.rule;
  const Time to =
      std::min({Time(std::chrono::floor<hours>(now)),
                std::chrono::floor<hours>(range.to) + hours(1) + rule.condition->reach(),
                rule.common.active_to});
  const Time from = std::max(range.from, rule.common.active_from);
  for (std::size_t level = 0; level < rule.condition->levels().size(); ++level) {
    const Alert* alert = instance.alerts[level];
    if (alert != nullptr && alert->active()) continue;
    AlertTransition event;
    event.labels = AlertLabels(rule, instance.by, level);
    if (run.found.contains(AlertKey(event.labels))) continue;
    const std::optional<Condition::PastBreach> breach =
        rule.condition->JudgePast(instance.series, level, from, to);
    if (!breach) continue;
    const bool was_told =
        alert != nullptr && breach->from <= alert->resolved_at && alert->fired_at <= breach->to;
    if (was_told) continue;
    const Condition::Account& account = breach->account;
    event.origin.reason = "found late";
    event.rule = rule.common.name;
    event.episode_id = LateBook::EpisodeId(Fingerprint(event.labels), run);
    event.severity = rule.condition->levels()[level].severity;
    event.value = account.value;
    event.threshold = account.threshold;
    event.summary = account.summary;
    event.condition = account.condition;
    event.late = true;
    std::vector<ServerEvent>& others = DraftOf(instance.tenant, drafts).others;
    event.from = AlertState::kInactive;
    event.to = AlertState::kFiring;
    event.at = breach->from;
    others.emplace_back(event);
    event.from = AlertState::kFiring;
    event.to = AlertState::kResolved;
    event.at = breach->to;
    others.emplace_back(std::move(event));
  }
}

bool Engine::State::RunLate(std::size_t* budget, std::vector<Draft>* drafts) {
  for (const auto& [name, tenant] : tenants) {
    const auto& runs = tenant->late.runs();
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
      std::uint64_t& settled = cursor.settled[tenant.get()];
      if (!run->Ready(cursor.second) || run->number <= settled) continue;
      const std::pair<Tenant*, std::uint64_t> identity(tenant.get(), run->number);
      if (std::exchange(cursor.run, identity) != identity) cursor.cell.reset();
      auto cell = cursor.cell ? run->cells.upper_bound(*cursor.cell) : run->cells.begin();
      for (; cell != run->cells.end(); ++cell) {
        if (*budget == 0) return false;
        cursor.cell = cell->first;
        for (const InstanceId id : instances.OfCell(tenant.get(), CellId{cell->first})) {
          Spend(kLateCost, budget);
          JudgeLate(instances.at(id), *run, cell->second, cursor.second, drafts);
        }
      }
      settled = run->number;
    }
  }
  return true;
}

bool Engine::State::RunDigests(std::vector<Draft>* drafts) {
  for (const auto& [name, tenant] : tenants) {
    const std::uint64_t settled = cursor.settled[tenant.get()];
    for (const LateRun& run : tenant->late.runs()) {
      if (run.number == 0 || run.number > settled) continue;
      for (const auto& [rule, digest] : run.digests) {
        if (digest.told) continue;
        std::optional<storage::NoticeDecided> notice =
            tenant->notices.DecideDigest(rule, digest.members, digest.count, cursor.second, format,
                                         rule_by_name.contains(rule) ? "breaches" : "events");
        if (notice) DraftOf(tenant.get(), drafts).others.emplace_back(std::move(*notice));
      }
    }
  }
  return true;
}

bool Engine::State::RunTasks(std::size_t* budget, std::vector<Draft>* drafts) {
  for (const auto& [name, tenant] : tenants) {
    std::vector<storage::TaskOverdue> overdue =
        tenant->measures.Overdue(cursor.second, std::max<std::size_t>(*budget, 1));
    if (overdue.empty()) continue;
    if (*budget == 0) return false;
    const bool all = overdue.size() < *budget;
    Spend(overdue.size(), budget);
    for (storage::TaskOverdue& task : overdue)
      DraftOf(tenant.get(), drafts).others.emplace_back(std::move(task));
    // The next call, after these were folded, finds the rest.
    if (!all) return false;
  }
  return true;
}

bool Engine::State::RunNotices(std::size_t* budget, std::vector<Draft>* drafts) {
  for (const auto& [name, tenant] : tenants) {
    bool more = false;
    std::vector<storage::NoticeDecided> notices =
        tenant->notices.Decide({}, cursor.second, true, *budget, format, &more);
    for (storage::NoticeDecided& notice : notices) {
      Spend(notice.episode_ids.size(), budget);
      DraftOf(tenant.get(), drafts).others.emplace_back(std::move(notice));
    }
    if (more) return false;
  }
  return TellMessages(cursor.second, true, budget, drafts);
}

bool Engine::State::TellMessages(Time now, bool summaries, std::size_t* budget,
                                 std::vector<Draft>* drafts) const {
  if (notice_rules.empty()) return true;
  for (const auto& [name, tenant] : tenants) {
    const auto tell = [&, to = tenant.get()](const EventMessage& message) {
      std::vector<storage::NoticeDecided> notices =
          to->notices.DecideMessage(MemberOf(message, false), now, format);
      for (storage::NoticeDecided& notice : notices)
        DraftOf(to, drafts).others.emplace_back(std::move(notice));
      Spend(notices.size(), budget);
    };
    for (const EventMessage& message : tenant->messages.waiting()) {
      if (!tenant->notices.IsAudible(message.labels, now)) continue;
      if (*budget == 0) return false;
      tell(message);
    }
    if (!summaries) continue;
    // A silence that began since puts what is to be summed up off until it ends.
    for (const EventMessage& message : tenant->messages.Summaries(now)) {
      const bool held =
          tenant->silences.Covers(message.labels) || tenant->inhibitions.Holds(message.labels);
      if (!held) tell(message);
    }
  }
  return true;
}

/// Slices are judged when log time passes their end, and log time of a tenant moves with its
/// records: one that is silent gets a record of its own, because silence is what a time-slice SLO
/// is about.
bool Engine::State::RunIdle(std::vector<Draft>* drafts) {
  if (!instances.any_slices()) return true;
  for (const auto& [name, tenant] : tenants) {
    if (std::chrono::floor<minutes>(cursor.second) <= std::chrono::floor<minutes>(tenant->last_at))
      continue;
    bool has_slices = false;
    for (const auto& rule : compiled) {
      if (!rule->slices || has_slices) continue;
      tenant->windows.ForEachCell(tenant->windows.FindOrBuiltIn(rule->projection),
                                  [&](CellId) { has_slices = true; });
    }
    if (!has_slices) continue;
    storage::Resumed idle;
    idle.origin.reason = "idle";
    idle.stopped_at = idle.resumed_at = cursor.second;
    DraftOf(tenant.get(), drafts).others.emplace_back(idle);
  }
  return true;
}

}  // namespace barograph::rules
