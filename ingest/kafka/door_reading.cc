#include <algorithm>
#include <utility>

#include "ingest/kafka/door_loop.h"
#include "ingest/kafka/limits.h"
#include "storage/base/limits.h"

namespace barograph::ingest {
namespace {

constexpr int kRecordsAtOnce = 256;

void ReadHeaders(const rd_kafka_message_t& message, std::vector<RecordHeaderView>* headers) {
  rd_kafka_headers_t* native = nullptr;
  if (rd_kafka_message_headers(&message, &native) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(native, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    const bool null = value == nullptr;
    headers->push_back(
        {name, null ? std::string_view() : std::string_view(static_cast<const char*>(value), size),
         null});
  }
}

std::string Range(std::uint64_t from, std::uint64_t to) {
  return "records " + std::to_string(from) + " to " + std::to_string(to - 1);
}

}  // namespace

void DoorLoop::PollSome(Duration now) {
  const bool any_open = std::any_of(readers_.begin(), readers_.end(),
                                    [](const auto& entry) { return entry.second.open(); });
  KafkaMessage message = consumer_->Poll(any_open ? kKafkaOpenPoll : kKafkaPoll);
  const Time max_time = partition_.LogTimeNow() + kFutureMax;
  for (int records = 0; message != nullptr; ++records) {
    Handle(*message, max_time, now);
    if (!to_pause_.empty() || records == kRecordsAtOnce ||
        (last_reader_ != nullptr && last_reader_->ready() != nullptr)) {
      break;
    }
    message = consumer_->Poll(Duration(0));
  }
  if (!to_pause_.empty()) consumer_->Pause(std::exchange(to_pause_, {}));
  CloseDue(clock_.BootNow(), /*caught_up=*/message == nullptr);
}

void DoorLoop::Handle(const rd_kafka_message_t& message, Time max_time, Duration now) {
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    HandleFault(message);
    return;
  }
  if (standing_ == Standing::kNoBroker) SetStanding(Standing::kRunning);
  const auto partition = static_cast<std::uint32_t>(message.partition);
  PartitionReader* const reader = FindReader(rd_kafka_topic_name(message.rkt), partition);
  if (reader == nullptr) return;
  if (std::exchange(verify_all_, false)) {
    // The broker was away, and may have come back with another log: nothing that follows is taken
    // before the last record of each partition was compared.
    for (auto& [key, each] : readers_) {
      if (each.assigned() && !each.stopped()) each.Fail();
    }
  }
  HandleRecord(message, reader, max_time, now);
}

void DoorLoop::HandleRecord(const rd_kafka_message_t& message, PartitionReader* reader,
                            Time max_time, Duration now) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const std::int64_t timestamp = rd_kafka_message_timestamp(&message, &type);
  const auto read_headers = [&message](std::vector<RecordHeaderView>* headers) {
    ReadHeaders(message, headers);
  };
  KafkaRecord record{.offset = static_cast<std::uint64_t>(message.offset),
                     .timestamp_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp,
                     .key = {},
                     .value = std::nullopt,
                     .read_headers = read_headers};
  if (message.key != nullptr) record.key = {static_cast<const char*>(message.key), message.key_len};
  if (message.payload != nullptr) {
    record.value = std::string_view(static_cast<const char*>(message.payload), message.len);
  }
  const bool known = reader->unverifiable();
  if (reader->Take(record, max_time, now) == PartitionReader::Taken::kOther) {
    StopReader(reader, reader->problem());
  }
  if (reader->unverifiable() && !known) {
    hooks_.log(KafkaDoor::Hooks::Level::kWarning,
               "kafka: " + reader->position().topic + "/" +
                   std::to_string(reader->position().partition) +
                   ": its last record is gone (retention or compaction): unverifiable, going on");
  }
}

void DoorLoop::HandleFault(const rd_kafka_message_t& message) {
  PartitionReader* reader = nullptr;
  if (message.rkt != nullptr && message.partition >= 0) {
    reader =
        FindReader(rd_kafka_topic_name(message.rkt), static_cast<std::uint32_t>(message.partition));
  }
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    if (reader != nullptr) reader->ReachEnd(static_cast<std::uint64_t>(message.offset));
    return;
  }
  const std::string text = rd_kafka_message_errstr(&message);
  if (reader != nullptr && message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
    JudgeOutOfRange(reader);
    return;
  }
  NoteProblem((message.rkt != nullptr ? std::string(rd_kafka_topic_name(message.rkt)) + ": " : "") +
              text);
  // Whatever the partition went through, its last record tells whether it is still the same.
  if (reader != nullptr) reader->Fail();
}

/// The broker does not have the offset from which we asked.
void DoorLoop::JudgeOutOfRange(PartitionReader* reader) {
  if (reader->stopped()) return;
  const KafkaPosition& position = reader->position();
  const Result<KafkaConsumer::Ends> ends = consumer_->QueryEnds(position.topic, position.partition);
  if (!ends.ok()) {
    NoteProblem(ends.error().message());
    reader->Fail();
    return;
  }
  const std::uint64_t next = reader->next().value_or(0);
  if (next > ends->end) {
    StopReader(reader, "the partition ends at offset " + std::to_string(ends->end) + ", before " +
                           std::to_string(next) +
                           " where reading stands: the topic was made anew, or cut off");
  } else if (next < ends->first) {
    StopReader(reader, Range(next, ends->first) + " are gone (" +
                           std::to_string(ends->first - next) +
                           "): retention removed them before they were read");
  } else if (reader->reading() == KafkaReading::kVerifying &&
             reader->mark()->offset < ends->first) {
    reader->LoseMark();
    NoteProblem(position.topic + "/" + std::to_string(position.partition) +
                ": retention removed the last record that was read: unverifiable, going on");
    if (const Status resumed =
            consumer_->ResumeAt({{position.topic, position.partition, reader->StartOffset()}});
        !resumed.ok()) {
      reader->Fail();
    }
  } else {
    reader->Fail();  // It has come back meanwhile.
  }
}

void DoorLoop::StopReader(PartitionReader* reader, std::string problem) {
  const KafkaPosition& position = reader->position();
  const std::string name = position.topic + "/" + std::to_string(position.partition);
  hooks_.log(KafkaDoor::Hooks::Level::kError, "kafka: " + name + " is stopped: " + problem +
                                                  "; `barograph kafka skip " + position.topic +
                                                  " " + std::to_string(position.partition) +
                                                  "` lets it go on behind the loss");
  reader->Stop(problem);
  to_pause_.push_back({position.topic, position.partition, reader->next()});
  positions_.StopKafka(
      position.topic, position.partition, std::move(problem), [this, name](const Status& noted) {
        if (noted.ok()) return;
        PostAnswer([this, text = name + ": " + noted.error().message()] { NoteProblem(text); });
      });
}

std::optional<std::size_t> DoorLoop::OptionsOf(std::string_view topic) const {
  for (std::size_t i = 0; i < options_.topics.size(); ++i) {
    if (TopicFits(options_.topics[i], topic)) return i;
  }
  return std::nullopt;
}

PartitionReader* DoorLoop::FindReader(std::string_view topic, std::uint32_t partition) {
  if (last_reader_ != nullptr && last_reader_->position().partition == partition &&
      last_reader_->position().topic == topic) {
    return last_reader_;
  }
  const auto found = readers_.find(Key(topic, partition));
  if (found == readers_.end()) return nullptr;
  return last_reader_ = &found->second;
}

PartitionReader* DoorLoop::MakeReader(const std::string& topic, std::uint32_t partition) {
  const auto found = readers_.find(Key(topic, partition));
  if (found != readers_.end()) return &found->second;
  const std::optional<std::size_t> place = OptionsOf(topic);
  return &readers_
              .try_emplace(Key(topic, partition), topic, partition,
                           place ? &options_.topics[*place] : nullptr,
                           place ? &decoders_[*place] : nullptr)
              .first->second;
}

}  // namespace barograph::ingest
