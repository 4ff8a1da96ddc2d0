#include <utility>

#include "ingest/kafka/door_loop.h"
#include "ingest/kafka/limits.h"
#include "storage/base/limits.h"

namespace barograph::ingest {

/// False: the log has no room.
bool DoorLoop::SubmitReady() {
  for (auto& [key, reader] : readers_) {
    while (Batch* const batch = reader.failed() ? nullptr : reader.ready()) {
      const std::uint64_t next = batch->kafka->next_offset;
      std::vector<SetAsideRecord> aside;
      if (dead_letters_ != nullptr) aside = batch->kafka->set_aside;
      const bool taken = partition_.TrySubmit(
          *batch, [this, key = key, next, aside = std::move(aside)](Result<BatchAnswer> answer) {
            PostAnswer([this, key, next, aside, answer = std::move(answer)] {
              Answered(key, next, answer, aside);
            });
          });
      if (!taken) return false;
      reader.Submitted();
    }
  }
  return true;
}

void DoorLoop::Answered(const Key& key, std::uint64_t next, const Result<BatchAnswer>& answer,
                        const std::vector<SetAsideRecord>& aside) {
  PartitionReader& reader = readers_.at(key);
  if (answer.ok()) {
    reader.Durable(next);
    for (const SetAsideRecord& record : aside) {
      dead_letters_->Send(key.first, key.second, reader.position().tenant, record);
    }
    return;
  }
  reader.Refused();
  if (!stopping_) {
    NoteProblem(key.first + "/" + std::to_string(key.second) + ": " + answer.error().message());
  }
}

/// No room: nothing is polled. Records wait in the library's bounded queue, and on the broker.
void DoorLoop::Hold(Duration now) {
  if (!held_since_) held_since_ = now;
  if (!paused_ && now - *held_since_ > kKafkaPauseAfter) {
    consumer_->Pause(ReadingPlaces());
    paused_ = true;
  }
  // Paused partitions bring nothing, but the group wants to hear of us.
  if (paused_) {
    if (const KafkaMessage message = consumer_->Poll(Duration(0)); message != nullptr) {
      Handle(*message, partition_.LogTimeNow() + kFutureMax, now);
    }
    if (!to_pause_.empty()) consumer_->Pause(std::exchange(to_pause_, {}));
  }
  if (!std::exchange(waiting_for_room_, true)) {
    partition_.WhenRoom([this] { PostAnswer([this] { waiting_for_room_ = false; }); });
  }
  WaitForTasks(kKafkaRoomCheck);
}

/// There is room again. False: the consumer could not be brought back to our offsets yet.
bool DoorLoop::Release() {
  held_since_.reset();
  if (!paused_) return true;
  if (clock_.BootNow() < next_recovery_) {
    WaitForTasks(kKafkaPoll);
    return false;
  }
  if (const Status resumed = consumer_->ResumeAt(ReadingPlaces()); !resumed.ok()) {
    NoteProblem(resumed.error().message());
    next_recovery_ = clock_.BootNow() + kKafkaRetry;
    return false;
  }
  paused_ = false;
  return true;
}

std::vector<KafkaPlace> DoorLoop::ReadingPlaces() const {
  std::vector<KafkaPlace> places;
  for (const auto& [key, reader] : readers_) {
    if (reader.assigned() && !reader.stopped()) {
      places.push_back({key.first, key.second, reader.StartOffset()});
    }
  }
  return places;
}

/// Without more to read, a batch need not wait; but while the log still works on the one before it
/// can only gain, so that a burst does not become many small batches.
void DoorLoop::CloseDue(Duration now, bool caught_up) {
  for (auto& [key, reader] : readers_) {
    if (reader.due(now) || (caught_up && reader.settled())) reader.Close();
  }
}

/// Partitions whose records can no longer be trusted to follow begin anew, from where the log
/// stands.
void DoorLoop::Recover(Duration now) {
  if (now < next_recovery_) return;
  for (auto& [key, reader] : readers_) {
    if (!reader.failed() || !reader.settled() || reader.recovering()) continue;
    reader.SetRecovering(true);
    next_recovery_ = now + kKafkaRecoverPause;
    positions_.LookUpKafka([this, key = key](Result<std::vector<KafkaPosition>> rows) {
      PostAnswer([this, key, rows = std::move(rows)] {
        std::optional<KafkaPosition> position;
        if (rows.ok()) {
          for (const KafkaPosition& row : *rows) {
            if (row.topic == key.first && row.partition == key.second) position = row;
          }
          Restart(key, std::move(position));
        } else {
          NoteProblem(rows.error().message());
          next_recovery_ = clock_.BootNow() + kKafkaRetry;
          readers_.at(key).SetRecovering(false);
        }
      });
    });
  }
}

void DoorLoop::Restart(const Key& key, std::optional<KafkaPosition> position) {
  PartitionReader& reader = readers_.at(key);
  reader.SetRecovering(false);
  reader.SetPosition(std::move(position));
  if (!reader.assigned() || paused_) return;
  if (reader.stopped()) {
    consumer_->Pause({{key.first, key.second}});
    return;
  }
  if (const Status resumed = consumer_->ResumeAt({{key.first, key.second, reader.StartOffset()}});
      !resumed.ok()) {
    NoteProblem(resumed.error().message());
    reader.Fail();
    next_recovery_ = clock_.BootNow() + kKafkaRetry;
  }
}

}  // namespace barograph::ingest
