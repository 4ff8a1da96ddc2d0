#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/kafka/handles.h"
#include "ingest/kafka/kafka_options.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// A partition of a topic, and an offset in it; no offset: the partition's first record.
struct KafkaPlace {
  std::string topic;
  std::uint32_t partition = 0;
  std::optional<std::uint64_t> offset = {};
};

/// One member of a consumer group, on librdkafka 2.0.2: everything that it takes to read at offsets
/// of our own.
///
/// It polls message by message, because the library's batch consumption passes records over after a
/// pause; resuming always seeks. Static membership: the member's name is the log's, so that a
/// restart within the session is no rebalance.
///
/// Threads: all methods by one thread, which also runs the hooks, in Poll; `log` comes from any.
class KafkaConsumer {
 public:
  struct Hooks {
    /// Says from where each partition is to be read.
    std::function<std::vector<KafkaPlace>(std::vector<KafkaPlace>)> on_assign;
    std::function<void(const std::vector<KafkaPlace>&)> on_revoke;
    /// `fatal`: the consumer is of no more use.
    std::function<void(rd_kafka_resp_err_t, std::string_view, bool fatal)> on_error;
    /// syslog's levels.
    std::function<void(int level, std::string_view)> log;
  };
  /// `name` tells this log from others: client id and static member.
  /// Errors: kInvalidArgument (settings).
  [[nodiscard]] static Result<std::unique_ptr<KafkaConsumer>> Open(const KafkaOptions& options,
                                                                   const std::string& name,
                                                                   Hooks hooks);
  ~KafkaConsumer();
  KafkaConsumer(const KafkaConsumer&) = delete;
  KafkaConsumer& operator=(const KafkaConsumer&) = delete;

  /// Members of the group that are a Barograph with another log: "barograph-… on 10.0.0.7".
  /// Errors: kUnavailable (no broker answers), kFailedPrecondition (the broker cannot tell).
  [[nodiscard]] Result<std::vector<std::string>> OtherBarographs(Duration limit);
  /// As the group knows us.
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Joins the group.
  [[nodiscard]] Status Subscribe();
  void Leave();
  /// The next record, end of partition or error; nothing within `limit`.
  [[nodiscard]] KafkaMessage Poll(Duration limit);

  void Pause(const std::vector<KafkaPlace>& places);
  /// Goes on exactly at the places.
  /// Errors: kUnavailable; then nothing is read until it is called again.
  [[nodiscard]] Status ResumeAt(const std::vector<KafkaPlace>& places);

  struct Ends {
    std::uint64_t first = 0, end = 0;  ///< first record held; behind the last
  };
  /// As the broker says now. Errors: kUnavailable.
  [[nodiscard]] Result<Ends> QueryEnds(const std::string& topic, std::uint32_t partition);
  /// Behind the last record, as the last fetch said.
  [[nodiscard]] std::optional<std::uint64_t> KnownEnd(const std::string& topic,
                                                      std::uint32_t partition) const;
  /// Tells the group how far we are; for lag tools only.
  void Commit(const std::vector<KafkaPlace>& places);
  /// Leaves the library in order; Poll is over.
  void Close();

 private:
  KafkaConsumer(const KafkaOptions& options, Hooks hooks);
  void Rebalance(rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* partitions);
  [[nodiscard]] bool cooperative() const;
  [[nodiscard]] rd_kafka_resp_err_t AssignAnew(rd_kafka_topic_partition_list_t* list);
  friend struct KafkaConsumerCallbacks;

  std::string group_, name_;
  std::vector<KafkaTopicOptions> topics_;
  Hooks hooks_;
  KafkaClient client_;
};

}  // namespace barograph::ingest
