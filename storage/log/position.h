#pragma once

#include "storage/base/clock.h"
#include "storage/base/ids.h"

namespace barograph::storage {

/// A checkable place in the log: the last sequence of a record and that record's chain link.
struct Position {
  Sequence sequence;
  Digest link{};
  Time log_time{};
  friend bool operator==(const Position&, const Position&) = default;
};

}  // namespace barograph::storage
