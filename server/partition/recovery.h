#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "rules/engine/engine.h"
#include "server/partition/counters.h"
#include "server/partition/partition.h"
#include "server/partition/writer.h"
#include "storage/base/result.h"
#include "storage/log/event_log.h"
#include "storage/rocks/database.h"
#include "storage/state/checkpoint_store.h"

namespace barograph::server {

/// How a partition comes back: checkpoint rows, then the log's tail, then the tables that are
/// written with each group.
struct RecoveryPlaces {
  storage::Database& database;
  storage::EventLog& log;
  storage::CheckpointStore& store;
  storage::Outbox& outbox;
  Counters& counters;
};

/// Builds the state at the end of the log. `now` is log time.
/// Errors: kCorruption when checkpoint and log do not fit or a row cannot be read; what
/// Engine::Fold returns.
[[nodiscard]] Status Recover(const RecoveryPlaces& places, bool replay_from_start, Time now,
                             const std::function<void(std::string_view)>& on_progress,
                             WriterState* state);

/// What the start itself adds to the log: TailDropped when a torn tail was cut off, and Resumed.
[[nodiscard]] std::vector<rules::Engine::Decided> DecideStart(const rules::Engine& engine,
                                                              const storage::OpenReport& report,
                                                              Time now);

}  // namespace barograph::server
