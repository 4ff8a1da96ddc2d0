#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barograph/v1/event.pb.h"
#include "rules/engine/engine.h"
#include "rules/engine/simulation.h"

namespace barograph::rules {

/// A Simulation that tests feed outcomes at times, with what they look at: transitions and notices
/// in words, checkpoints, replays. Times are offsets from kStart, a whole day.
class RuleHarness {
 public:
  static constexpr Time kStart = Time(std::chrono::days(20'000));

  explicit RuleHarness(const RuleSet& rules);

  /// Tasks that end one by one in [from, to).
  struct Outcomes {
    Duration from{}, to{};
    Duration every = std::chrono::seconds(1);
    bool ok = true;
    std::string agent = "a";
    std::uint64_t count = 1;
  };
  void Tasks(const Outcomes& outcomes);
  /// Requests of that duration, one every second in [from, to).
  void Requests(Duration from, Duration to, Duration took);
  /// One event, taken in at `at`; its own time is what it says, else `at`.
  void At(Duration at, v1::Event event);
  /// Runs log time up to `until`: records, EvaluateChanged after each, EvaluateSecond at every
  /// whole second.
  void RunUntil(Duration until);
  /// Folds what has come by `until`, as a process that dies before it evaluates anything.
  void RunUntilFolded(Duration until);
  /// Puts rules in force now.
  void Apply(const RuleSet& rules);
  /// Appends and folds what a command decided.
  void Do(const Result<std::vector<Engine::Decided>>& decided);
  /// Appends and folds events of the server itself.
  void Append(storage::ServerEvent event);
  /// The server is away until `until`: nothing is evaluated, and what comes meanwhile comes after.
  /// Then it says Resumed.
  void StopUntil(Duration until);

  /// Begins a checkpoint; it goes on in slices of `rows` a record and is taken when complete.
  void BeginCheckpoint(std::size_t rows);
  /// Continues with an engine made from the last complete checkpoint and the records after it.
  void Restart();
  /// Digest of an engine that folded every record from the first one.
  [[nodiscard]] Digest ReplayedDigest() const;
  [[nodiscard]] Digest LiveDigest() const { return simulation_.engine().StateDigest(); }

  /// What was decided since the last call: "52s critical inactive>firing a".
  [[nodiscard]] std::vector<std::string> TakeTransitions();
  /// "52s first notification: firing a critical 52s".
  [[nodiscard]] std::vector<std::string> TakeNotices();
  /// Transitions that only mark that a condition turned false or true.
  [[nodiscard]] std::size_t marks() const { return marks_; }
  [[nodiscard]] std::size_t record_count() const { return records_.size(); }
  [[nodiscard]] const std::vector<storage::NoticeDecided>& notices() const { return notices_; }
  Engine& engine() { return simulation_.engine(); }
  [[nodiscard]] Time Now() const { return simulation_.now(); }
  /// Instances that one slice of EvaluateSecond may look at.
  std::size_t slice = 1'000;

 private:
  struct Record {
    Sequence first;
    Time log_time;
    std::string tenant, payload;
  };
  [[nodiscard]] std::unique_ptr<Engine> MakeEngine() const;
  void Keep(const RecordContext& record, std::string_view payload);
  void Tell(const storage::ServerEvent& event);
  /// Takes out what has arrived by `at`; its number of events.
  std::uint64_t TakeArrivals(Duration at, std::string* payload);
  static void FoldInto(Engine* engine, const Record& record);

  std::vector<Record> records_;
  std::multimap<Duration, std::string> arrivals_;
  std::vector<std::string> transitions_, notice_texts_;
  std::vector<storage::NoticeDecided> notices_;
  std::size_t marks_ = 0;
  std::map<std::string, std::string> complete_rows_, rows_;
  std::size_t complete_records_ = 0, checkpoint_records_ = 0, checkpoint_slice_ = 0;
  Simulation simulation_;
};

[[nodiscard]] v1::Event TaskEvent(bool ok, const std::string& agent, std::uint64_t count = 1);
/// A rule set with one SLO over task outcomes and a receiver that is told at once.
[[nodiscard]] RuleSet TaskRules(std::int64_t objective_ppb, std::vector<std::string> by = {});

}  // namespace barograph::rules
