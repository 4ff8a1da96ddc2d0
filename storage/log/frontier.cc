#include "storage/log/frontier.h"

#include <cstring>
#include <optional>

#include "storage/base/bytes.h"
#include "storage/base/digest.h"
#include "storage/rocks/fixed_file.h"

namespace barograph::storage {
namespace {

// Each slot begins a page of its own: a torn write of one cannot reach the other.
constexpr std::size_t kSlotStride = 4096;
constexpr std::size_t kSlots = 2;
constexpr std::size_t kSlotBytes = 68;
constexpr std::string_view kMagic = "BGFR";
constexpr std::uint32_t kFormat = 1;

std::string EncodeSlot(const Position& position, std::uint64_t generation) {
  std::string slot;
  ByteWriter writer(&slot);
  writer.Raw(kMagic);
  writer.Fixed(kFormat);
  writer.Fixed(generation);
  writer.Fixed(position.sequence.value);
  writer.Raw(Bytes(position.link));
  writer.Fixed(static_cast<std::int64_t>(position.log_time.time_since_epoch().count()));
  writer.Fixed(Crc32c(slot));
  BAROGRAPH_ASSERT(slot.size() == kSlotBytes, "the slot's layout is fixed");
  return slot;
}

/// Nothing when the checksum does not fit.
Result<std::optional<FrontierRecord>> DecodeSlot(std::string_view bytes, int number) {
  ByteReader reader(bytes);
  const std::string_view magic = reader.Raw(kMagic.size());
  const auto format = reader.Fixed<std::uint32_t>();
  FrontierRecord record{.found = FrontierRecord::Found::kValid, .slot = number};
  record.generation = reader.Fixed<std::uint64_t>();
  record.position.sequence = {reader.Fixed<std::uint64_t>()};
  const std::string_view link = reader.Raw(record.position.link.size());
  record.position.log_time = Time(Duration(reader.Fixed<std::int64_t>()));
  const auto crc = reader.Fixed<std::uint32_t>();
  const std::size_t covered = kSlotBytes - sizeof(crc);
  if (!reader.ok() || magic != kMagic || Crc32c(bytes.substr(0, covered)) != crc) {
    return std::optional<FrontierRecord>();
  }
  if (format != kFormat) {
    return Error(ErrorCode::kFailedPrecondition,
                 "frontier slot of format " + std::to_string(format) +
                     ", this program knows format " + std::to_string(kFormat));
  }
  std::memcpy(record.position.link.data(), link.data(), link.size());
  return std::optional(record);
}

}  // namespace

struct Frontier::State {
  const Clock* clock = nullptr;
  std::shared_ptr<rocksdb::FileSystem> file_system;
  std::unique_ptr<FixedFile> file;
  std::uint64_t generation = 0;
  std::size_t slot = 0;  ///< to be written next; the other one is synced
  bool dirty = false;
  bool failed = false;
  Duration synced_at{};
};

Frontier::Frontier(std::unique_ptr<State> state) : state_(std::move(state)) {}

Frontier::~Frontier() {
  if (!state_->failed) (void)Sync();
}

Result<FrontierRecord> Frontier::Read(const std::shared_ptr<rocksdb::FileSystem>& file_system,
                                      const std::string& path) {
  Result<std::string> content = FixedFile::Read(file_system, path, kSlots * kSlotStride);
  if (!content.ok()) {
    if (content.error().code() == ErrorCode::kNotFound) return FrontierRecord{};
    return content.error();
  }
  FrontierRecord newest{.found = FrontierRecord::Found::kInvalid};
  for (std::size_t i = 0; i < kSlots; ++i) {
    const std::string_view all = *content;
    if (all.size() < i * kSlotStride) break;
    BAROGRAPH_ASSIGN(const auto slot,
                     DecodeSlot(all.substr(i * kSlotStride, kSlotBytes), static_cast<int>(i)));
    if (!slot.has_value()) continue;
    const bool newer =
        newest.found != FrontierRecord::Found::kValid || slot->generation > newest.generation;
    if (newer) newest = *slot;
  }
  return newest;
}

Result<std::unique_ptr<Frontier>> Frontier::Open(std::shared_ptr<rocksdb::FileSystem> file_system,
                                                 const std::string& path,
                                                 const FrontierRecord& found, const Clock& clock) {
  auto state = std::make_unique<State>();
  state->clock = &clock;
  state->file_system = std::move(file_system);
  if (found.found == FrontierRecord::Found::kValid) {
    state->generation = found.generation;
    // The newest slot may not be on the device yet, so sync before the other one is written.
    state->slot = static_cast<std::size_t>(found.slot);
    state->dirty = true;
  } else {
    std::string content(kSlots * kSlotStride, '\0');
    const std::string slot = EncodeSlot(Position{}, 0);
    content.replace(0, slot.size(), slot);
    BAROGRAPH_TRY(FixedFile::Create(state->file_system, path, content));
    state->slot = 1;
  }
  BAROGRAPH_ASSIGN(state->file, FixedFile::Open(state->file_system, path));
  std::unique_ptr<Frontier> frontier(new Frontier(std::move(state)));
  BAROGRAPH_TRY(frontier->Sync());
  return frontier;
}

Status Frontier::Advance(const Position& position) {
  State& state = *state_;
  if (state.failed) return Error(ErrorCode::kIo, "the frontier file failed before");
  const std::string slot = EncodeSlot(position, ++state.generation);
  state.dirty = true;
  if (Status written = state.file->Write(state.slot * kSlotStride, slot); !written.ok()) {
    state.failed = true;
    return written;
  }
  return {};
}

Status Frontier::SyncIfDue() {
  if (state_->clock->BootNow() - state_->synced_at < kSyncInterval) return {};
  return Sync();
}

Status Frontier::Sync() {
  State& state = *state_;
  if (state.failed) return Error(ErrorCode::kIo, "the frontier file failed before");
  state.synced_at = state.clock->BootNow();
  if (!state.dirty) return {};
  if (Status synced = state.file->Sync(); !synced.ok()) {
    state.failed = true;
    return synced;
  }
  state.dirty = false;
  state.slot = 1 - state.slot;
  return {};
}

}  // namespace barograph::storage
