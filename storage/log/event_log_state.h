#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "storage/log/event_log.h"

namespace barograph::storage {

/// Private to the room: what the files of EventLog share.
struct EventLog::State {
  Database* database = nullptr;
  EventLogOptions options;
  std::unique_ptr<Frontier> frontier;  ///< null on a read-only database

  mutable std::mutex mutex;
  Position start;    ///< guarded by mutex
  Position staged;   ///< guarded by mutex
  Position durable;  ///< guarded by mutex

  std::string encoded_header;  ///< StageAppend's; keeps its memory

  [[nodiscard]] Position Durable() const {
    const std::lock_guard lock(mutex);
    return durable;
  }
  [[nodiscard]] Position Start() const {
    const std::lock_guard lock(mutex);
    return start;
  }
};

/// A decoded record's place. Costs one SHA-256 of its header.
[[nodiscard]] Position EndOf(const RecordView& record);

/// "sequences 7 to 9".
[[nodiscard]] std::string Describe(const SequenceRange& range);

}  // namespace barograph::storage
