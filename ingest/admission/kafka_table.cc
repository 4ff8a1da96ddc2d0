#include "ingest/admission/kafka_table.h"

#include <algorithm>

#include "storage/base/assert.h"
#include "storage/base/bytes.h"

namespace barograph::ingest {
namespace {

constexpr std::uint8_t kRowFormat = 1;

std::string PlaceText(std::string_view topic, std::uint32_t partition) {
  return "kafka " + std::string(topic) + "/" + std::to_string(partition);
}

Error BadOffsets(const KafkaSource& source, const std::string& why) {
  return {ErrorCode::kInvalidArgument, PlaceText(source.topic, source.partition) + ": offsets " +
                                           std::to_string(source.first_offset) + " to " +
                                           std::to_string(source.next_offset) + ": " + why};
}

Status CheckOffsets(const KafkaSource& source) {
  if (source.next_offset < source.first_offset || source.next_offset > kKafkaOffsetMax) {
    return BadOffsets(source, "the end lies before the beginning, or beyond 2^62");
  }
  const std::uint64_t span = source.next_offset - source.first_offset;
  if (source.records > span || source.tombstones > source.records ||
      source.set_aside.size() > source.records) {
    return BadOffsets(source, std::to_string(source.records) + " records do not fit");
  }
  const auto inside = [&source](std::uint64_t offset) {
    return offset >= source.first_offset && offset < source.next_offset;
  };
  if (source.records > 0 && !inside(source.last.offset)) {
    return BadOffsets(
        source, "the last record, " + std::to_string(source.last.offset) + ", is not among them");
  }
  for (const SetAsideRecord& record : source.set_aside) {
    if (inside(record.offset)) continue;
    return BadOffsets(
        source, "the record set aside, " + std::to_string(record.offset) + ", is not among them");
  }
  return {};
}

std::string EncodeKey(std::string_view topic, std::uint32_t partition) {
  std::string key;
  ByteWriter writer(&key);
  writer.String(topic);
  writer.BigEndian32(partition);
  return key;
}

}  // namespace

Status KafkaTable::CheckPlace(std::string_view topic, std::uint32_t partition) const {
  if (topic.empty() || topic.size() > kKafkaTopicBytesMax) {
    return Error(ErrorCode::kInvalidArgument, "kafka: a topic's name of " +
                                                  std::to_string(topic.size()) + " bytes; 1 to " +
                                                  std::to_string(kKafkaTopicBytesMax));
  }
  if (positions_.size() >= positions_max_ && Find(topic, partition) == nullptr) {
    return Error(ErrorCode::kResourceExhausted,
                 PlaceText(topic, partition) + ": " + std::to_string(positions_.size()) +
                     " partitions are known already, which is the most");
  }
  return {};
}

Status KafkaTable::Decide(const KafkaSource& source) const {
  BAROGRAPH_TRY(CheckPlace(source.topic, source.partition));
  BAROGRAPH_TRY(CheckOffsets(source));
  const KafkaPosition* position = Find(source.topic, source.partition);
  if (position == nullptr) return {};
  const std::string at = PlaceText(source.topic, source.partition) + ", which stands at offset " +
                         std::to_string(position->next_offset);
  if (!position->problem.empty()) {
    return Error(ErrorCode::kFailedPrecondition, at + ", is stopped: " + position->problem);
  }
  // A batch further on would follow one that was refused: its records would be passed over.
  const bool never_read = position->records == 0 && position->next_offset == 0;
  if (source.first_offset != position->next_offset && !never_read) {
    return Error(ErrorCode::kFailedPrecondition,
                 at + ", cannot go on at offset " + std::to_string(source.first_offset));
  }
  return {};
}

KafkaTable::Place& KafkaTable::PlaceOf(std::string_view topic, std::uint32_t partition) {
  auto [found, is_new] = positions_.try_emplace(Key(topic, partition));
  if (is_new) {
    found->second.position.topic = topic;
    found->second.position.partition = partition;
  }
  return found->second;
}

void KafkaTable::MarkDirty(Place* place) {
  if (place->dirty) return;
  place->dirty = true;
  dirty_.emplace_back(place->position.topic, place->position.partition);
}

void KafkaTable::Apply(const KafkaSource& source, std::string_view tenant, std::uint64_t events,
                       std::uint64_t duplicates) {
  Place& place = PlaceOf(source.topic, source.partition);
  KafkaPosition& position = place.position;
  BAROGRAPH_ASSERT(position.problem.empty(), "only what was decided is applied");
  position.holes += source.next_offset - source.first_offset - source.records;
  position.tenant = tenant;
  position.next_offset = source.next_offset;
  if (source.records > 0) position.last = source.last;
  position.records += source.records;
  position.events += events;
  position.duplicates += duplicates;
  position.set_aside += source.set_aside.size();
  position.tombstones += source.tombstones;
  MarkDirty(&place);
}

void KafkaTable::SetProblem(Place* place, std::string problem, Time at) {
  KafkaPosition& position = place->position;
  const Key key(position.topic, position.partition);
  const bool was_stopped = !position.problem.empty();
  if (was_stopped && problem.empty()) stopped_.erase({place->stopped_at, key});
  if (!was_stopped && !problem.empty()) {
    place->stopped_at = at;
    stopped_.emplace(at, key);
  }
  position.problem = std::move(problem);
}

Status KafkaTable::Stop(std::string_view topic, std::uint32_t partition, std::string_view problem,
                        Time now) {
  BAROGRAPH_TRY(CheckPlace(topic, partition));
  if (problem.empty() && Find(topic, partition) == nullptr) return {};
  Place& place = PlaceOf(topic, partition);
  if (problem.size() > kKafkaProblemBytesMax) {
    std::size_t end = kKafkaProblemBytesMax;
    while (end > 0 && (static_cast<std::uint8_t>(problem[end]) & 0xC0U) == 0x80) --end;
    problem = problem.substr(0, end);
  }
  SetProblem(&place, std::string(problem), now);
  MarkDirty(&place);
  return {};
}

Result<KafkaTable::Skipped> KafkaTable::Skip(std::string_view topic, std::uint32_t partition,
                                             std::uint64_t to) {
  const auto found = positions_.find(Key(topic, partition));
  if (found == positions_.end()) {
    return Error(ErrorCode::kNotFound, PlaceText(topic, partition) + " was never read");
  }
  if (to > kKafkaOffsetMax) {
    return Error(ErrorCode::kInvalidArgument,
                 PlaceText(topic, partition) + ": offset " + std::to_string(to) + "; at most 2^62");
  }
  KafkaPosition& position = found->second.position;
  Skipped skipped{position.next_offset, position.tenant, position.problem};
  position.next_offset = to;
  position.last.reset();
  SetProblem(&found->second, {}, Time{});
  MarkDirty(&found->second);
  return skipped;
}

const KafkaPosition* KafkaTable::Find(std::string_view topic, std::uint32_t partition) const {
  const auto found = positions_.find(Key(topic, partition));
  return found == positions_.end() ? nullptr : &found->second.position;
}

std::vector<KafkaPosition> KafkaTable::List() const {
  std::vector<KafkaPosition> listed;
  listed.reserve(positions_.size());
  for (const auto& [key, place] : positions_) listed.push_back(place.position);
  return listed;
}

std::vector<const KafkaPosition*> KafkaTable::Stopped(std::size_t limit) const {
  std::vector<const KafkaPosition*> listed;
  for (const auto& [at, key] : stopped_) {
    if (listed.size() == limit) break;
    listed.push_back(&positions_.at(key).position);
  }
  return listed;
}

void KafkaTable::StageRows(const RowSink& sink) {
  for (const Key& key : dirty_) {
    Place& place = positions_.at(key);
    const KafkaPosition& position = place.position;
    place.dirty = false;
    std::string row;
    ByteWriter writer(&row);
    writer.Fixed(kRowFormat);
    writer.String(position.tenant);
    writer.Varint(position.next_offset);
    writer.Fixed<std::uint8_t>(position.last.has_value() ? 1 : 0);
    if (position.last.has_value()) {
      writer.Varint(position.last->offset);
      writer.SignedVarint(position.last->timestamp_ms);
      writer.Fixed(position.last->crc);
    }
    writer.String(position.problem);
    writer.Fixed<std::int64_t>(place.stopped_at.time_since_epoch().count());
    for (const std::uint64_t count : {position.records, position.events, position.duplicates,
                                      position.set_aside, position.tombstones, position.holes}) {
      writer.Varint(count);
    }
    sink(EncodeKey(key.first, key.second), row);
  }
  dirty_.clear();
}

Status KafkaTable::LoadRow(std::string_view key, std::string_view value) {
  ByteReader key_reader(key);
  const std::string_view topic = key_reader.String();
  const std::uint32_t partition = key_reader.BigEndian32();
  ByteReader reader(value);
  const auto format = reader.Fixed<std::uint8_t>();
  Place place;
  KafkaPosition& position = place.position;
  position.topic = topic;
  position.partition = partition;
  position.tenant = reader.String();
  position.next_offset = reader.Varint();
  if (reader.Fixed<std::uint8_t>() != 0) {
    KafkaMark& mark = position.last.emplace();
    mark.offset = reader.Varint();
    mark.timestamp_ms = reader.SignedVarint();
    mark.crc = reader.Fixed<std::uint32_t>();
  }
  std::string problem(reader.String());
  const Time stopped_at(Duration(reader.Fixed<std::int64_t>()));
  for (std::uint64_t* count : {&position.records, &position.events, &position.duplicates,
                               &position.set_aside, &position.tombstones, &position.holes}) {
    *count = reader.Varint();
  }
  if (format != kRowFormat || !key_reader.ok() || !key_reader.done() || !reader.ok() ||
      !reader.done()) {
    return Error(ErrorCode::kCorruption, "kafka: the row of " + PlaceText(topic, partition) +
                                             " cannot be read (format " + std::to_string(format) +
                                             ")");
  }
  SetProblem(&place, std::move(problem), stopped_at);
  positions_.insert_or_assign(Key(topic, partition), std::move(place));
  return {};
}

}  // namespace barograph::ingest
