#include "ingest/kafka/door_loop.h"

#include <absl/time/time.h>

#include <algorithm>
#include <future>
#include <iterator>

#include "ingest/kafka/limits.h"
#include "storage/base/thread.h"

// The loop itself, membership of the group, and what the outside is told. Reading: door_reading.cc;
// submitting: door_submitting.cc; requests of operators: door_requests.cc.

namespace barograph::ingest {
namespace {

using Level = KafkaDoor::Hooks::Level;

constexpr int kSyslogError = 3;
constexpr int kSyslogWarning = 4;
constexpr int kSyslogInfo = 6;

Level LevelOf(int syslog) {
  if (syslog <= kSyslogError) return Level::kError;
  if (syslog == kSyslogWarning) return Level::kWarning;
  return syslog <= kSyslogInfo ? Level::kInfo : Level::kDebug;
}

std::string NameOf(const KafkaPlace& place) {
  return place.topic + "/" + std::to_string(place.partition);
}

}  // namespace

DoorLoop::DoorLoop(const KafkaOptions& options, PartitionPort& partition, KafkaPort& positions,
                   const Clock& clock, KafkaDoor::Hooks hooks)
    : options_(options),
      partition_(partition),
      positions_(positions),
      clock_(clock),
      hooks_(std::move(hooks)) {}

DoorLoop::~DoorLoop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

Status DoorLoop::Prepare() {
  BAROGRAPH_TRY(CheckKafkaOptions(options_));
  for (const KafkaTopicOptions& topic : options_.topics) {
    BAROGRAPH_ASSIGN(RecordDecoder decoder, RecordDecoder::Make(topic.format, topic.record));
    decoders_.push_back(std::move(decoder));
  }
  if (!options_.dead_letter_topic.empty()) {
    BAROGRAPH_ASSIGN(dead_letters_, DeadLetters::Open(options_));
  }
  std::promise<Result<std::vector<KafkaPosition>>> promise;
  positions_.LookUpKafka(
      [&promise](Result<std::vector<KafkaPosition>> rows) { promise.set_value(std::move(rows)); });
  BAROGRAPH_ASSIGN(std::vector<KafkaPosition> rows, promise.get_future().get());
  for (KafkaPosition& row : rows) {
    MakeReader(row.topic, row.partition)->SetPosition(row);
    rows_[{row.topic, row.partition}] = row;
  }
  KafkaConsumer::Hooks hooks;
  hooks.on_assign = [this](std::vector<KafkaPlace> places) { return Assign(std::move(places)); };
  hooks.on_revoke = [this](const std::vector<KafkaPlace>& places) { Revoke(places); };
  hooks.on_error = [this](rd_kafka_resp_err_t error, std::string_view text, bool fatal) {
    NoteError(error, text, fatal);
  };
  hooks.log = [this](int level, std::string_view text) {
    hooks_.log(LevelOf(level), "librdkafka: " + std::string(text));
  };
  BAROGRAPH_ASSIGN(consumer_,
                   KafkaConsumer::Open(options_, positions_.LogIdentity(), std::move(hooks)));
  Status joined = Join(kKafkaAsk);
  Publish();
  if (joined.ok() || joined.error().code() == ErrorCode::kUnavailable) return {};
  return joined;
}

void DoorLoop::Start() {
  thread_ = StartThread("kafka", [this] { Run(); });
}

bool DoorLoop::Stop(Duration limit) {
  stopping_ = true;
  const absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&ended_), absl::FromChrono(limit));
}

bool DoorLoop::Post(Task task) {
  const absl::MutexLock lock(&mutex_);
  if (closed_ || requests_ >= kKafkaRequestsMax) return false;
  ++requests_;
  tasks_.push_back([this, task = std::move(task)] {
    task();
    const absl::MutexLock done(&mutex_);
    --requests_;
  });
  return true;
}

void DoorLoop::PostAnswer(Task task) {
  const absl::MutexLock lock(&mutex_);
  if (!ended_) tasks_.push_back(std::move(task));
}

void DoorLoop::RunTasks() {
  std::deque<Task> taken;
  {
    const absl::MutexLock lock(&mutex_);
    taken.swap(tasks_);
  }
  for (const Task& task : taken) task();
}

void DoorLoop::WaitForTasks(Duration limit) {
  const absl::MutexLock lock(&mutex_);
  const auto any = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !tasks_.empty(); };
  (void)mutex_.AwaitWithTimeout(absl::Condition(&any), absl::FromChrono(limit));
}

void DoorLoop::Run() {
  while (!stopping_) {
    RunTasks();
    const Duration now = clock_.BootNow();
    Housekeep(now);
    Recover(now);
    if (!joined_) {
      KeepJoined(now);
    } else if (!SubmitReady()) {
      Hold(now);
    } else if (Release()) {
      PollSome(now);
    }
  }
  // What was read goes into the log before the end; what has no room is read again next time.
  for (auto& [key, reader] : readers_) reader.Close();
  (void)SubmitReady();
  const Duration deadline = clock_.BootNow() + kKafkaSettleMax;
  while (!Settled() && clock_.BootNow() < deadline) {
    WaitForTasks(kKafkaPoll);
    RunTasks();
  }
  if (standing_ == Standing::kRunning) CommitOffsets();
  Refuse();
  if (dead_letters_ != nullptr) dead_letters_->Flush(kKafkaDeadLettersFlush);
  SetStanding(Standing::kStopped);
  Publish();
  consumer_->Close();
  const absl::MutexLock lock(&mutex_);
  ended_ = true;
}

/// Nothing is still to be answered, by a partition that would find nobody here.
bool DoorLoop::Settled() const {
  return skips_ == 0 && !rows_asked_ && !waiting_for_room_ &&
         std::all_of(readers_.begin(), readers_.end(), [](const auto& entry) {
           return entry.second.settled() && !entry.second.recovering();
         });
}

/// No more requests; those that came are answered while there still is a consumer.
void DoorLoop::Refuse() {
  {
    const absl::MutexLock lock(&mutex_);
    closed_ = true;
  }
  RunTasks();
}

// --- Membership

/// One Barograph reads as a group: two would each see half of the records.
Status DoorLoop::Join(Duration limit) {
  Result<std::vector<std::string>> others = std::vector<std::string>();
  if (options_.look_for_others) others = consumer_->OtherBarographs(limit);
  if (!others.ok() && others.error().code() == ErrorCode::kUnavailable) {
    SetStanding(Standing::kNoBroker);
    NoteProblem(others.error().message());
    return others.error();
  }
  if (!others.ok() && !std::exchange(group_unknown_, true)) {
    hooks_.log(Level::kWarning, "kafka: " + others.error().message() +
                                    ": a second Barograph in the group would not be noticed");
  }
  if (others.ok() && !others->empty()) {
    const std::string refusal =
        "another Barograph reads as group " + options_.group + ": " + others->front() +
        "; give one of them a group of its own (kafka.group). One that ended less than its session "
        "(45 s) ago still counts";
    SetStanding(Standing::kRefused);
    NoteProblem(refusal);
    const absl::MutexLock lock(&mutex_);
    refusal_ = refusal;
    return Error(ErrorCode::kFailedPrecondition, "kafka: " + refusal);
  }
  BAROGRAPH_TRY(consumer_->Subscribe());
  joined_ = true;
  SetStanding(Standing::kRunning);
  const absl::MutexLock lock(&mutex_);
  refusal_.clear();
  return {};
}

void DoorLoop::KeepJoined(Duration now) {
  // Who left still has to hear that its partitions are gone.
  (void)consumer_->Poll(Duration(0));
  if (standing_ == Standing::kStopped || now < next_join_) {
    WaitForTasks(kKafkaPoll);
    return;
  }
  (void)Join(kKafkaAsk);
  next_join_ = clock_.BootNow() + kKafkaRetry;
}

/// Two that started in the same moment saw nobody: then the one with the greater name leaves.
void DoorLoop::LookForOthers() {
  const Result<std::vector<std::string>> others = consumer_->OtherBarographs(kKafkaAsk);
  if (!others.ok()) return;
  const bool leave = std::any_of(others->begin(), others->end(), [this](const std::string& other) {
    return consumer_->name() > other;
  });
  if (!leave) return;
  consumer_->Leave();
  joined_ = false;
  (void)Join(kKafkaAsk);
}

std::vector<KafkaPlace> DoorLoop::Assign(std::vector<KafkaPlace> places) {
  ++rebalances_;
  recheck_group_ = options_.look_for_others && !group_unknown_;
  for (KafkaPlace& place : places) {
    PartitionReader* const reader = MakeReader(place.topic, place.partition);
    reader->Begin();
    place.offset = reader->StartOffset();
    if (reader->stopped() || paused_) to_pause_.push_back(place);
    hooks_.log(Level::kInfo,
               "kafka: " + NameOf(place) + " is ours, from " +
                   (place.offset ? "offset " + std::to_string(*place.offset) : "its beginning") +
                   (reader->stopped() ? ", stopped" : ""));
  }
  return places;
}

void DoorLoop::Revoke(const std::vector<KafkaPlace>& places) {
  ++rebalances_;
  for (const KafkaPlace& place : places) {
    PartitionReader* const reader = FindReader(place.topic, place.partition);
    if (reader == nullptr) continue;
    reader->End();
    std::erase_if(to_pause_, [&place](const KafkaPlace& waiting) {
      return waiting.topic == place.topic && waiting.partition == place.partition;
    });
    hooks_.log(Level::kInfo, "kafka: " + NameOf(place) + " is no longer ours");
  }
}

void DoorLoop::NoteProblem(std::string text) {
  ++errors_;
  if (text != last_error_) hooks_.log(Level::kWarning, "kafka: " + text);
  last_error_ = std::move(text);
  last_error_at_ = clock_.WallNow();
}

void DoorLoop::NoteError(rd_kafka_resp_err_t error, std::string_view text, bool fatal) {
  NoteProblem(std::string(text));
  if (fatal) {
    SetStanding(Standing::kStopped);
    joined_ = false;
    const absl::MutexLock lock(&mutex_);
    refusal_ = "reading has ended: " + std::string(text);
    hooks_.log(Level::kError, "kafka: " + refusal_);
    return;
  }
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || error == RD_KAFKA_RESP_ERR__TRANSPORT) {
    verify_all_ = true;
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && standing_ == Standing::kRunning) {
      SetStanding(Standing::kNoBroker);
    }
  }
}

void DoorLoop::SetStanding(Standing standing) {
  if (standing_ == standing) return;
  standing_ = standing;
  if (standing == Standing::kRunning)
    hooks_.log(Level::kInfo, "kafka: reading as group " + options_.group);
}

// --- Telling

void DoorLoop::Housekeep(Duration now) {
  if (joined_ && std::exchange(recheck_group_, false)) LookForOthers();
  if (now >= next_commit_) {
    next_commit_ = now + kKafkaCommitInterval;
    if (standing_ == Standing::kRunning) CommitOffsets();
  }
  if (now >= next_rows_ && !rows_asked_) {
    next_rows_ = now + kKafkaRowsInterval;
    rows_asked_ = true;
    positions_.LookUpKafka([this](Result<std::vector<KafkaPosition>> rows) {
      PostAnswer([this, rows = std::move(rows)] {
        rows_asked_ = false;
        if (!rows.ok()) return;
        for (const KafkaPosition& row : *rows) rows_[{row.topic, row.partition}] = row;
      });
    });
  }
  if (dead_letters_ != nullptr) dead_letters_->Poll();
  if (now >= next_publish_) {
    next_publish_ = now + kKafkaPublishInterval;
    Publish();
  }
}

void DoorLoop::CommitOffsets() {
  std::vector<KafkaPlace> places;
  for (const auto& [key, reader] : readers_) {
    if (!reader.assigned() || reader.position().next_offset == 0) continue;
    std::uint64_t& told = committed_[key];
    if (told == reader.position().next_offset) continue;
    told = reader.position().next_offset;
    places.push_back({key.first, key.second, told});
  }
  consumer_->Commit(places);
}

void DoorLoop::Publish() {
  static constexpr std::string_view kStandings[] = {"starting", "running", "no broker", "refused",
                                                    "stopped"};
  KafkaFigures figures;
  figures.state = kStandings[static_cast<std::size_t>(standing_)];
  figures.brokers = options_.brokers;
  figures.group = options_.group;
  figures.rebalances = rebalances_;
  figures.errors = errors_;
  figures.last_error = last_error_;
  figures.last_error_at = last_error_at_;
  if (dead_letters_ != nullptr) {
    figures.dead_letters_sent = dead_letters_->sent();
    figures.dead_letters_failed = dead_letters_->failed();
  }
  const auto wall = std::chrono::floor<std::chrono::milliseconds>(clock_.WallNow());
  for (const auto& [key, reader] : readers_) {
    KafkaPartitionFigures partition;
    const auto row = rows_.find(key);
    partition.position = row != rows_.end() ? row->second : reader.position();
    partition.position.next_offset = reader.position().next_offset;
    partition.position.problem = reader.position().problem;
    partition.reading = reader.reading();
    if (held_since_ && partition.reading == KafkaReading::kReading) {
      partition.reading = KafkaReading::kWaiting;
    }
    partition.unverifiable = reader.unverifiable();
    partition.end_offset = consumer_->KnownEnd(key.first, key.second);
    if (partition.end_offset) {
      const std::uint64_t next = partition.position.next_offset;
      partition.lag_records = *partition.end_offset > next ? *partition.end_offset - next : 0;
      partition.lag_seconds = 0;
      if (*partition.lag_records > 0 && reader.mark() && reader.mark()->timestamp_ms > 0) {
        const auto age =
            wall.time_since_epoch() - std::chrono::milliseconds(reader.mark()->timestamp_ms);
        partition.lag_seconds = std::max(0.0, std::chrono::duration<double>(age).count());
      }
    }
    figures.partitions.push_back(std::move(partition));
  }
  const absl::MutexLock lock(&mutex_);
  published_ = std::move(figures);
}

KafkaFigures DoorLoop::figures() const {
  const absl::MutexLock lock(&mutex_);
  return published_;
}

std::string DoorLoop::Problem() const {
  const absl::MutexLock lock(&mutex_);
  return refusal_;
}

}  // namespace barograph::ingest
