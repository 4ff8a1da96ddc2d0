#pragma once

#include <cstdint>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::ingest {

// What `barograph bench kafka` asks of a broker beside producing.

/// Makes a topic with one replica a partition.
/// Errors: kUnavailable, kAlreadyExists, kInvalidArgument with what the broker says.
[[nodiscard]] Status MakeTopic(const std::string& brokers, const std::string& topic,
                               std::uint32_t partitions);
/// Errors: kUnavailable, kNotFound.
[[nodiscard]] Status RemoveTopic(const std::string& brokers, const std::string& topic);

struct CountedRecords {
  std::uint64_t records = 0, bytes = 0;  ///< bytes of values
  double seconds = 0;                    ///< from the first record to the last
};
/// Reads a topic from its beginning with a consumer that does nothing but count, message by message
/// and with librdkafka's default settings: the ceiling of any reader that is built on it.
/// Errors: kDeadlineExceeded when `records` have not come within `limit`; kUnavailable.
[[nodiscard]] Result<CountedRecords> CountTopic(const std::string& brokers,
                                                const std::string& topic, std::uint32_t partitions,
                                                std::uint64_t records, const Clock& clock,
                                                Duration limit);

}  // namespace barograph::ingest
