#pragma once

#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "ingest/admission/batch.h"
#include "ingest/admission/kafka_control.h"
#include "ingest/admission/kafka_source.h"
#include "ingest/formats/record_decoder.h"
#include "ingest/kafka/consumer.h"
#include "ingest/kafka/dead_letters.h"
#include "ingest/kafka/kafka_door.h"
#include "ingest/kafka/partition_reader.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// The thread behind a KafkaDoor: polls, decodes, submits, and does between two records what
/// operators ask for.
///
/// Threads: Post, figures, Problem and Stop from any; everything else by the loop's own thread (and
/// by Join before Start).
class DoorLoop {
 public:
  DoorLoop(const KafkaOptions& options, PartitionPort& partition, KafkaPort& positions,
           const Clock& clock, KafkaDoor::Hooks hooks);
  ~DoorLoop();

  /// Settings, decoders, positions; and the first look at the group.
  /// Errors: see KafkaDoor::Open.
  [[nodiscard]] Status Prepare();
  void Start();
  /// Submits what was read, waits until it is durable, ends the thread; false when `limit` passed
  /// first.
  [[nodiscard]] bool Stop(Duration limit);

  using Task = std::function<void()>;
  /// Runs in the loop, soon. False: too many wait, or the loop has ended.
  [[nodiscard]] bool Post(Task task);

  [[nodiscard]] KafkaFigures figures() const;
  [[nodiscard]] std::string Problem() const;

  // --- In the loop
  void Skip(const std::string& topic, std::uint32_t partition, KafkaControl::SkipTarget to,
            const std::string& actor, std::function<void(Result<KafkaControl::Skipped>)> done);
  void Retry(const std::string& tenant, Sequence sequence, const storage::Quarantined& record,
             std::function<void(Result<BatchAnswer>)> done);

 private:
  using Key = std::pair<std::string, std::uint32_t>;
  enum class Standing : std::uint8_t { kStarting, kRunning, kNoBroker, kRefused, kStopped };

  void Run();
  void RunTasks();
  void Refuse();
  void WaitForTasks(Duration limit);
  void PostAnswer(Task task);

  // Membership
  [[nodiscard]] Status Join(Duration limit);
  void KeepJoined(Duration now);
  void LookForOthers();
  [[nodiscard]] std::vector<KafkaPlace> Assign(std::vector<KafkaPlace> places);
  void Revoke(const std::vector<KafkaPlace>& places);
  void NoteError(rd_kafka_resp_err_t error, std::string_view text, bool fatal);
  void NoteProblem(std::string text);
  void SetStanding(Standing standing);

  // Reading
  void PollSome(Duration now);
  void Handle(const rd_kafka_message_t& message, Time max_time, Duration now);
  void HandleRecord(const rd_kafka_message_t& message, PartitionReader* reader, Time max_time,
                    Duration now);
  void HandleFault(const rd_kafka_message_t& message);
  void JudgeOutOfRange(PartitionReader* reader);
  void StopReader(PartitionReader* reader, std::string problem);
  [[nodiscard]] PartitionReader* FindReader(std::string_view topic, std::uint32_t partition);
  [[nodiscard]] PartitionReader* MakeReader(const std::string& topic, std::uint32_t partition);
  [[nodiscard]] std::optional<std::size_t> OptionsOf(std::string_view topic) const;

  // Submitting
  [[nodiscard]] bool SubmitReady();
  void Answered(const Key& key, std::uint64_t next, const Result<BatchAnswer>& answer,
                const std::vector<SetAsideRecord>& aside);
  void Hold(Duration now);
  [[nodiscard]] bool Release();
  void CloseDue(Duration now, bool caught_up);
  [[nodiscard]] bool Settled() const;
  void Recover(Duration now);
  void Restart(const Key& key, std::optional<KafkaPosition> position);
  [[nodiscard]] std::vector<KafkaPlace> ReadingPlaces() const;

  // Telling
  void Housekeep(Duration now);
  void CommitOffsets();
  void Publish();

  const KafkaOptions options_;
  PartitionPort& partition_;
  KafkaPort& positions_;
  const Clock& clock_;
  KafkaDoor::Hooks hooks_;
  std::unique_ptr<KafkaConsumer> consumer_;
  std::unique_ptr<DeadLetters> dead_letters_;  ///< null without a topic for them
  std::vector<RecordDecoder> decoders_;        ///< of options_.topics
  std::map<Key, PartitionReader> readers_;
  PartitionReader* last_reader_ = nullptr;  ///< records come in runs
  std::map<Key, KafkaPosition> rows_;       ///< as the log had them lately
  std::map<Key, std::uint64_t> committed_;  ///< what the group was told

  Standing standing_ = Standing::kStarting;
  bool joined_ = false, group_unknown_ = false, recheck_group_ = false;
  bool verify_all_ = false;  ///< the broker was away: every marked record is read again
  std::vector<KafkaPlace> to_pause_;
  std::optional<Duration> held_since_;
  std::size_t skips_ = 0;  ///< that the log has not answered
  bool paused_ = false, waiting_for_room_ = false, rows_asked_ = false;
  Duration next_join_{0}, next_recovery_{0}, next_commit_{0}, next_publish_{0}, next_rows_{0};
  std::uint64_t rebalances_ = 0, errors_ = 0;
  std::string last_error_;
  Time last_error_at_{};

  mutable absl::Mutex mutex_;
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  std::size_t requests_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false, ended_ ABSL_GUARDED_BY(mutex_) = false;
  KafkaFigures published_ ABSL_GUARDED_BY(mutex_);
  std::string refusal_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace barograph::ingest
