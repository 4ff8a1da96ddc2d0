#include "storage/state/checkpoint_store.h"

#include <utility>

#include "storage/base/bytes.h"
#include "storage/base/digest.h"
#include "storage/base/failpoint.h"

namespace barograph::storage {
namespace {

constexpr std::uint8_t kHeadFormat = 1;
constexpr std::string_view kHeadKey = "checkpoint";
constexpr char kRowPrefix = 'r';
constexpr char kChunkPrefix = 's';

std::string PrefixKey(char prefix) { return std::string(1, prefix); }
std::string RowKey(std::string_view key) { return PrefixKey(kRowPrefix).append(key); }
std::string ChunkKey(std::uint32_t index) {
  std::string key = PrefixKey(kChunkPrefix);
  ByteWriter(&key).BigEndian32(index);
  return key;
}

std::string EncodeHead(const CheckpointHead& head) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Fixed(kHeadFormat);
  writer.Varint(head.number);
  writer.Varint(head.sequence.value);
  writer.Raw(Bytes(head.link));
  writer.Fixed<std::int64_t>(head.log_time.time_since_epoch().count());
  writer.Varint(head.rows);
  writer.Varint(head.bytes);
  writer.Varint(head.chunks);
  writer.Fixed<std::uint8_t>(head.merged ? 1 : 0);
  return bytes;
}

Result<CheckpointHead> DecodeHead(std::string_view bytes) {
  ByteReader reader(bytes);
  CheckpointHead head;
  const auto format = reader.Fixed<std::uint8_t>();
  head.number = reader.Varint();
  head.sequence.value = reader.Varint();
  const std::string_view link = reader.Raw(head.link.size());
  std::copy(link.begin(), link.end(), head.link.begin());
  head.log_time = Time(Duration(reader.Fixed<std::int64_t>()));
  head.rows = reader.Varint();
  head.bytes = reader.Varint();
  head.chunks = static_cast<std::uint32_t>(reader.Varint());
  head.merged = reader.Fixed<std::uint8_t>() != 0;
  if (format != kHeadFormat || !reader.ok() || !reader.done()) {
    return Error(ErrorCode::kCorruption,
                 "checkpoint: the head cannot be read (format " + std::to_string(format) + ")");
  }
  return head;
}

}  // namespace

Result<std::optional<CheckpointHead>> CheckpointStore::Recover() {
  std::optional<CheckpointHead> head;
  const Result<std::string> row = database_.Get(Table::kMeta, kHeadKey);
  if (row.ok()) {
    BAROGRAPH_ASSIGN(head, DecodeHead(row.value()));
  } else if (row.error().code() != ErrorCode::kNotFound) {
    return row.error();
  }
  if (head.has_value() && !head->merged) {
    for (std::uint32_t index = 0; index < head->chunks; ++index) {
      const Result<std::string> chunk = database_.Get(Table::kCheckpoint, ChunkKey(index));
      if (!chunk.ok()) {
        return Error(ErrorCode::kCorruption, "checkpoint " + std::to_string(head->number) +
                                                 ": chunk " + std::to_string(index) + " of " +
                                                 std::to_string(head->chunks) + ": " +
                                                 chunk.error().message());
      }
      for (std::size_t at = 0; at < chunk.value().size();) {
        BAROGRAPH_TRY(MergeRows(chunk.value(), kCheckpointRowsMerged, &at));
      }
    }
    head->merged = true;
    BAROGRAPH_TRY(EndMerge(*head, /*sync=*/true));
  }
  BAROGRAPH_TRY(database_.DeleteRange(Table::kCheckpoint, PrefixKey(kChunkPrefix),
                                      PrefixKey(kChunkPrefix + 1)));
  return head;
}

Status CheckpointStore::ForEachRow(
    const std::function<Status(std::string_view, std::string_view)>& visit) const {
  TableCursor cursor = database_.NewCursor(Table::kCheckpoint);
  for (cursor.Seek(PrefixKey(kRowPrefix)); cursor.Valid() && cursor.key().front() == kRowPrefix;
       cursor.Next()) {
    BAROGRAPH_TRY(visit(cursor.key().substr(1), cursor.value()));
  }
  return cursor.status();
}

Status CheckpointStore::Clear() {
  WriteGroup group;
  group.Delete(Table::kMeta, kHeadKey);
  BAROGRAPH_TRY(database_.Write(group, /*sync=*/true));
  return database_.DeleteRange(Table::kCheckpoint, PrefixKey(kRowPrefix),
                               PrefixKey(kChunkPrefix + 1));
}

void CheckpointStore::Begin() {
  const absl::MutexLock lock(&mutex_);
  BAROGRAPH_ASSERT(phase_ == Phase::kIdle, "one checkpoint at a time");
  phase_ = Phase::kStaging;
  finished_ = false;
  head_ = {};
  next_chunk_ = 0;
  rows_ = bytes_ = 0;
}

void CheckpointStore::Add(std::string_view key, std::string_view value) {
  ByteWriter writer(&open_chunk_);
  writer.String(key);
  writer.String(value);
  ++rows_;
  bytes_ += key.size() + value.size();
  if (open_chunk_.size() >= kCheckpointChunkBytes) CutChunk();
}

void CheckpointStore::CutChunk() {
  const absl::MutexLock lock(&mutex_);
  chunks_.push_back(std::exchange(open_chunk_, std::string()));
}

void CheckpointStore::Finish(CheckpointHead head) {
  if (!open_chunk_.empty()) CutChunk();
  head.rows = rows_;
  head.bytes = bytes_;
  const absl::MutexLock lock(&mutex_);
  head.chunks = static_cast<std::uint32_t>(chunks_.size());
  head.merged = false;
  head_ = head;
  finished_ = true;
}

bool CheckpointStore::busy() const {
  const absl::MutexLock lock(&mutex_);
  return phase_ != Phase::kIdle;
}

bool CheckpointStore::has_writes() const {
  const absl::MutexLock lock(&mutex_);
  return phase_ == Phase::kMerging || finished_ || next_chunk_ < chunks_.size();
}

std::optional<std::string> CheckpointStore::Read(std::string_view key) const {
  Result<std::string> row = database_.Get(Table::kCheckpoint, RowKey(key));
  if (!row.ok()) return std::nullopt;
  return std::move(row).value();
}

Result<std::optional<CheckpointHead>> CheckpointStore::WriteSome(Sequence durable) {
  Phase phase;
  bool finished;
  CheckpointHead head;
  std::size_t index;
  const std::string* chunk =
      nullptr;  // a deque's elements stay where they are while others are added
  {
    const absl::MutexLock lock(&mutex_);
    phase = phase_;
    finished = finished_;
    head = head_;
    index = next_chunk_;
    if (index < chunks_.size()) chunk = &chunks_[index];
    if (chunk != nullptr && phase == Phase::kStaging) ++next_chunk_;
  }
  if (phase == Phase::kStaging && chunk != nullptr) {
    BAROGRAPH_TRY(Stage(static_cast<std::uint32_t>(index), *chunk));
  } else if (phase == Phase::kStaging && finished && head.sequence <= durable) {
    BAROGRAPH_FAILPOINT("checkpoint_before_head");
    WriteGroup group;
    group.Put(Table::kMeta, kHeadKey, EncodeHead(head));
    BAROGRAPH_TRY(database_.Write(group, /*sync=*/true));
    BAROGRAPH_FAILPOINT("checkpoint_after_head");
    const absl::MutexLock lock(&mutex_);
    phase_ = Phase::kMerging;
    next_chunk_ = 0;
    return std::optional(head);
  } else if (phase == Phase::kMerging && chunk != nullptr) {
    BAROGRAPH_TRY(MergeRows(*chunk, kCheckpointRowsMerged, &merged_bytes_));
    if (merged_bytes_ < chunk->size()) return std::optional<CheckpointHead>();
    merged_bytes_ = 0;
    const absl::MutexLock lock(&mutex_);
    ++next_chunk_;
  } else if (phase == Phase::kMerging) {
    head.merged = true;
    BAROGRAPH_TRY(EndMerge(head, /*sync=*/false));
    const absl::MutexLock lock(&mutex_);
    phase_ = Phase::kIdle;
    finished_ = false;
    chunks_.clear();
    next_chunk_ = 0;
  }
  return std::optional<CheckpointHead>();
}

Status CheckpointStore::Stage(std::uint32_t index, const std::string& chunk) {
  WriteGroup group;
  group.Put(Table::kCheckpoint, ChunkKey(index), chunk);
  return database_.Write(group, /*sync=*/false);
}

Status CheckpointStore::MergeRows(std::string_view chunk, std::size_t rows_max, std::size_t* at) {
  WriteGroup group;
  ByteReader reader(chunk.substr(*at));
  for (std::size_t rows = 0; rows < rows_max && !reader.done(); ++rows) {
    const std::string_view key = reader.String();
    const std::string_view value = reader.String();
    if (!reader.ok()) break;
    if (value.empty()) {
      group.Delete(Table::kCheckpoint, RowKey(key));
    } else {
      group.Put(Table::kCheckpoint, RowKey(key), value);
    }
  }
  if (!reader.ok())
    return Error(ErrorCode::kCorruption, "checkpoint: a staged chunk cannot be read");
  *at = chunk.size() - reader.rest().size();
  return database_.Write(group, /*sync=*/false);
}

Status CheckpointStore::EndMerge(CheckpointHead head, bool sync) {
  WriteGroup group;
  for (std::uint32_t index = 0; index < head.chunks; ++index) {
    group.Delete(Table::kCheckpoint, ChunkKey(index));
  }
  group.Put(Table::kMeta, kHeadKey, EncodeHead(head));
  return database_.Write(group, sync);
}

}  // namespace barograph::storage
