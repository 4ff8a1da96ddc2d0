#include "server/partition/checkpoint_pacer.h"

#include <algorithm>
#include <utility>

#include "server/partition/limits.h"

namespace barograph::server {

CheckpointPacer::CheckpointPacer(const PartitionOptions& options, Clock& clock,
                                 rules::Engine& engine, storage::EventLog& log,
                                 storage::CheckpointStore& store, GroupCommit& commit,
                                 Counters& counters,
                                 const std::optional<storage::CheckpointHead>& last, Time start)
    : options_(options),
      clock_(clock),
      engine_(engine),
      log_(log),
      store_(store),
      commit_(commit),
      counters_(counters),
      head_(last.value_or(storage::CheckpointHead())),
      last_begin_(start) {}

void CheckpointPacer::Request(std::function<void(Status)> done) {
  requests_.push_back(std::move(done));
}

void CheckpointPacer::Refuse(const Error& error, std::vector<std::function<void()>>* effects) {
  for (std::vector<std::function<void(Status)>>* waiting : {&requests_, &active_requests_}) {
    for (std::function<void(Status)>& done : std::exchange(*waiting, {})) {
      effects->push_back([done = std::move(done), error] { done(error); });
    }
  }
}

bool CheckpointPacer::Due(Time log_time) const {
  const std::uint64_t events = log_.staged_end().sequence.value - head_.sequence.value;
  if (!requests_.empty()) return true;
  if (events == 0) return false;
  return log_time - last_begin_ >= options_.checkpoint_interval ||
         events >= options_.checkpoint_events;
}

void CheckpointPacer::MaybeBegin(Time log_time) {
  if (active_ || !Due(log_time) || store_.busy()) return;
  const storage::Position end = log_.staged_end();
  if (end.sequence == head_.sequence) {
    for (const std::function<void(Status)>& done : std::exchange(requests_, {})) done({});
    return;
  }
  head_ = {.number = head_.number + 1,
           .sequence = end.sequence,
           .link = end.link,
           .log_time = end.log_time};
  active_ = true;
  active_requests_ = std::exchange(requests_, {});
  last_begin_ = log_time;
  begin_boot_ = clock_.BootNow();
  store_.Begin();
  engine_.BeginCheckpoint();
}

void CheckpointPacer::Slice() {
  if (!active_) return;
  const Duration start = clock_.BootNow();
  const bool complete = engine_.ContinueCheckpoint(
      rows_, [this](std::string_view key, std::string_view value) { store_.Add(key, value); });
  const Duration end = clock_.BootNow();
  if (end - start > kCheckpointSlice) rows_ = std::max(kCheckpointRowsMin, rows_ / 2);
  if (end - start < kCheckpointSlice / 4) rows_ = std::min(kCheckpointRowsMax, rows_ * 2);
  if (complete) {
    active_ = false;
    counters_.last_checkpoint_nanos = (end - begin_boot_).count();
    commit_.AfterCheckpoint(std::exchange(active_requests_, {}));
    store_.Finish(head_);
  }
  if (store_.has_writes()) commit_.NudgeCheckpoint();
}

}  // namespace barograph::server
