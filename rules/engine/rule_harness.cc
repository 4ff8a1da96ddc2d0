#include "rules/engine/rule_harness.h"

#include <gtest/gtest.h>

#include <variant>

#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

using std::chrono::seconds;

std::string Offset(Time time) {
  const Duration offset = time - RuleHarness::kStart;
  return offset < Duration{0} ? "-" + FormatDuration(-offset) : FormatDuration(offset);
}

std::string LabelOf(const storage::Labels& labels, std::string_view name) {
  const auto found = labels.find(name);
  return found == labels.end() ? "" : " " + found->second;
}

NoticeBody FormatText(const Notice& notice, const ReceiverSpec&) {
  std::string text = notice.reason + ":";
  for (const NoticeMember& member : notice.members) {
    text += " [" + std::string(Name(member.state)) + LabelOf(member.labels, "agent") +
            LabelOf(member.labels, "severity") + LabelOf(member.labels, "policy") + " " +
            Offset(member.starts_at);
    if (member.ends_at != Time{}) text += " to " + Offset(member.ends_at);
    if (const auto summary = member.annotations.find("summary");
        summary != member.annotations.end()) {
      text += ": " + summary->second;
    }
    text += "]";
  }
  if (notice.truncated > 0) text += " and " + std::to_string(notice.truncated) + " more";
  return {text, "text/plain"};
}

void ExpectOk(const Status& status) { ASSERT_TRUE(status.ok()) << status.error().ToString(); }

void AppendEvent(std::string_view wire, std::string* payload) { ByteWriter(payload).String(wire); }

}  // namespace

v1::Event TaskEvent(bool ok, const std::string& agent, std::uint64_t count) {
  v1::Event event;
  event.set_agent(agent);
  if (count != 1) event.set_count(count);
  event.mutable_task()->set_status(ok ? v1::Task::COMPLETED : v1::Task::FAILED);
  return event;
}

RuleSet TaskRules(std::int64_t objective_ppb, std::vector<std::string> by) {
  RuleSet rules;
  SloSpec slo;
  slo.common.name = "task-success";
  slo.common.by = std::move(by);
  slo.good.measure = "tasks.completed";
  slo.total.measure = "tasks.finished";
  slo.objective_ppb = objective_ppb;
  slo.period = std::chrono::days(30);
  if (objective_ppb < 1'000'000'000) slo.burn = DefaultBurnRows();
  rules.slos.push_back(std::move(slo));
  rules.receivers.push_back({"ops", ReceiverSpec::Type::kWebhook,
                             ReceiverSpec::Format::kAlertmanager, "http://127.0.0.1:9000/hook", "",
                             true});
  rules.route.receiver = "ops";
  rules.route.group_by = {"rule", "agent"};
  return rules;
}

RuleHarness::RuleHarness(const RuleSet& rules)
    : simulation_(MakeEngine(), kStart, {},
                  {.record = [this](const RecordContext& record,
                                    std::string_view payload) { Keep(record, payload); },
                   .decided = [this](const storage::ServerEvent& event) { Tell(event); }}) {
  Apply(rules);
}

std::unique_ptr<Engine> RuleHarness::MakeEngine() const {
  auto engine = std::make_unique<Engine>(FormatText);
  engine->SetColdReader([this](std::string_view key) -> std::optional<std::string> {
    const auto row = complete_rows_.find(std::string(key));
    return row == complete_rows_.end() ? std::nullopt : std::optional(row->second);
  });
  return engine;
}

void RuleHarness::Tasks(const Outcomes& outcomes) {
  for (Duration at = outcomes.from; at < outcomes.to; at += outcomes.every) {
    At(at, TaskEvent(outcomes.ok, outcomes.agent, outcomes.count));
  }
}

void RuleHarness::Requests(Duration from, Duration to, Duration took) {
  v1::Event event;
  event.mutable_request()->set_service("tiles");
  event.mutable_request()->set_ok(true);
  const auto whole = std::chrono::floor<seconds>(took);
  event.mutable_request()->mutable_duration()->set_seconds(whole.count());
  event.mutable_request()->mutable_duration()->set_nanos(
      static_cast<std::int32_t>((took - whole).count()));
  for (Duration at = from; at < to; at += seconds(1)) At(at, event);
}

void RuleHarness::At(Duration at, v1::Event event) {
  if (!event.has_time()) {
    const Duration since_epoch = (kStart + at).time_since_epoch();
    event.mutable_time()->set_seconds(std::chrono::floor<seconds>(since_epoch).count());
    event.mutable_time()->set_nanos(static_cast<std::int32_t>((since_epoch % seconds(1)).count()));
  }
  arrivals_.emplace(at, event.SerializeAsString());
}

void RuleHarness::RunUntil(Duration until) {
  simulation_.SetSlice(slice);
  while (!arrivals_.empty() && arrivals_.begin()->first < until) {
    const Time at = std::max(Now(), kStart + arrivals_.begin()->first);
    ExpectOk(simulation_.AdvanceTo(at));
    std::string payload;
    const std::uint64_t events = TakeArrivals(at - kStart, &payload);
    ExpectOk(simulation_.Take("default", payload, events));
  }
  ExpectOk(simulation_.AdvanceTo(kStart + until));
}

void RuleHarness::RunUntilFolded(Duration until) {
  RunUntil(until);
  std::string payload;
  const std::uint64_t events = TakeArrivals(until, &payload);
  ExpectOk(simulation_.Fold("default", payload, events));
}

std::uint64_t RuleHarness::TakeArrivals(Duration at, std::string* payload) {
  std::uint64_t events = 0;
  for (; !arrivals_.empty() && arrivals_.begin()->first <= at; ++events) {
    AppendEvent(arrivals_.begin()->second, payload);
    arrivals_.erase(arrivals_.begin());
  }
  return events;
}

void RuleHarness::Apply(const RuleSet& rules) {
  ExpectOk(simulation_.Append(engine().ApplyRules(rules, {"server", "reload"})));
}

void RuleHarness::Do(const Result<std::vector<Engine::Decided>>& decided) {
  ASSERT_TRUE(decided.ok()) << decided.error().ToString();
  ExpectOk(simulation_.Append(*decided));
}

void RuleHarness::Append(storage::ServerEvent event) {
  ExpectOk(simulation_.Append({{"default", {std::move(event)}}}));
}

void RuleHarness::StopUntil(Duration until) { ExpectOk(simulation_.StopUntil(kStart + until)); }

void RuleHarness::Tell(const storage::ServerEvent& event) {
  if (const auto* step = std::get_if<storage::AlertTransition>(&event)) {
    if (step->from == step->to) {
      ++marks_;
      return;
    }
    transitions_.push_back(
        Offset(step->at) + LabelOf(step->labels, "severity") + LabelOf(step->labels, "policy") +
        " " + std::string(Name(step->from)) + ">" + std::string(Name(step->to)) +
        LabelOf(step->labels, "agent") + (step->late ? " late" : "") +
        (step->origin.reason == "evaluation" ? "" : " (" + step->origin.reason + ")"));
  } else if (const auto* notice = std::get_if<storage::NoticeDecided>(&event)) {
    notices_.push_back(*notice);
    notice_texts_.push_back(Offset(notice->at) + " " + notice->body);
  }
}

void RuleHarness::Keep(const RecordContext& record, std::string_view payload) {
  records_.push_back(
      {record.first_sequence, record.log_time, std::string(record.tenant), std::string(payload)});
  if (checkpoint_slice_ == 0) return;
  const bool complete = engine().ContinueCheckpoint(
      checkpoint_slice_,
      [this](std::string_view key, std::string_view value) { rows_[std::string(key)] = value; });
  if (!complete) return;
  checkpoint_slice_ = 0;
  for (const auto& [key, value] : rows_) {
    if (value.empty()) {
      complete_rows_.erase(key);
    } else {
      complete_rows_[key] = value;
    }
  }
  rows_.clear();
  complete_records_ = checkpoint_records_;
}

void RuleHarness::FoldInto(Engine* engine, const Record& record) {
  const Status status =
      engine->Fold({record.first, record.log_time, record.tenant}, record.payload);
  ASSERT_TRUE(status.ok()) << status.error().ToString();
}

void RuleHarness::BeginCheckpoint(std::size_t rows) {
  ASSERT_EQ(checkpoint_slice_, 0U) << "the checkpoint before is not complete";
  engine().BeginCheckpoint();
  checkpoint_records_ = records_.size();
  checkpoint_slice_ = rows;
}

void RuleHarness::Restart() {
  checkpoint_slice_ = 0;
  rows_.clear();
  std::unique_ptr<Engine> restored = MakeEngine();
  for (const auto& [key, value] : complete_rows_) {
    const Status status = restored->LoadRow(key, value);
    ASSERT_TRUE(status.ok()) << status.error().ToString();
  }
  const Status status = restored->FinishLoad();
  ASSERT_TRUE(status.ok()) << status.error().ToString();
  for (std::size_t i = complete_records_; i < records_.size(); ++i)
    FoldInto(restored.get(), records_[i]);
  simulation_.Replace(std::move(restored));
}

Digest RuleHarness::ReplayedDigest() const {
  const std::unique_ptr<Engine> engine = MakeEngine();
  for (const Record& record : records_) FoldInto(engine.get(), record);
  return engine->StateDigest();
}

std::vector<std::string> RuleHarness::TakeTransitions() { return std::exchange(transitions_, {}); }
std::vector<std::string> RuleHarness::TakeNotices() { return std::exchange(notice_texts_, {}); }

}  // namespace barograph::rules
