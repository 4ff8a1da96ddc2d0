#include "storage/log/record.h"

#include <lz4.h>
#include <zstd.h>

#include <cstring>
#include <memory>

#include "storage/base/bytes.h"
#include "storage/base/digest.h"

namespace barograph::storage {
namespace {

// Every format of this log begins with these eight bytes, so that a reader can tell damage from the
// unknown: format u16, header size u16, CRC-32C u32 of the header without these last four.
constexpr std::size_t kCrcOffset = 4;
constexpr std::size_t kCrcEnd = 8;

/// LZ4 writes at most one byte of match length for 255 bytes of output.
constexpr std::size_t kLz4RatioMax = 255;

Error Corrupt(std::string message) {
  return {ErrorCode::kCorruption, "record: " + std::move(message)};
}

std::uint32_t HeaderCrc(std::string_view encoded_header) {
  return Crc32c(encoded_header.substr(kCrcEnd), Crc32c(encoded_header.substr(0, kCrcOffset)));
}

std::int64_t Nanos(Time time) { return time.time_since_epoch().count(); }
Time FromNanos(std::int64_t nanos) { return Time(Duration(nanos)); }

Digest ReadDigest(ByteReader* reader) {
  Digest digest{};
  const std::string_view bytes = reader->Raw(digest.size());
  if (bytes.size() == digest.size()) std::memcpy(digest.data(), bytes.data(), bytes.size());
  return digest;
}

/// Grows, and never shrinks, so that reuse does not clear memory.
char* Reserve(std::string* buffer, std::size_t bytes) {
  if (buffer->size() < bytes) buffer->resize(bytes);
  return buffer->data();
}

Status CheckSizes(const RecordHeader& header, std::size_t payload_bytes) {
  if (header.count == 0) return Corrupt("no events");
  if (header.first_sequence.value == 0) return Corrupt("sequence 0");
  if (header.first_sequence.value > UINT64_MAX - header.count) return Corrupt("sequence overflow");
  if (header.stored_bytes != payload_bytes) {
    return Corrupt("payload of " + std::to_string(payload_bytes) + " bytes, header says " +
                   std::to_string(header.stored_bytes));
  }
  if (header.payload_bytes > kRecordPayloadBytesMax) {
    return Corrupt("payload of " + std::to_string(header.payload_bytes) + " bytes, at most " +
                   std::to_string(kRecordPayloadBytesMax) + " are possible");
  }
  return {};
}

ZSTD_DCtx* ZstdContext() {
  thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                                  &ZSTD_freeDCtx);
  BAROGRAPH_ASSERT(context != nullptr, "out of memory");
  return context.get();
}

}  // namespace

SealedPayload SealPayload(std::string_view payload) {
  BAROGRAPH_ASSERT(payload.size() <= kRecordPayloadBytesMax, "payload beyond the record limit");
  SealedPayload sealed;
  sealed.uncompressed_bytes = static_cast<std::uint32_t>(payload.size());
  thread_local std::string buffer;
  int compressed = 0;
  if (payload.size() > 1) {
    const int room = static_cast<int>(payload.size()) - 1;  // larger is of no use
    char* target = Reserve(&buffer, static_cast<std::size_t>(room));
    compressed =
        LZ4_compress_default(payload.data(), target, static_cast<int>(payload.size()), room);
  }
  if (compressed > 0) {
    sealed.compression = Compression::kLz4;
    sealed.bytes.assign(buffer.data(), static_cast<std::size_t>(compressed));
  } else {
    sealed.bytes.assign(payload);
  }
  sealed.crc = Crc32c(sealed.bytes);
  sealed.digest = Sha256(sealed.bytes);
  return sealed;
}

void EncodeRecordHeader(const RecordHeader& header, std::string* out) {
  BAROGRAPH_ASSERT(header.tenant.size() <= kRecordNameBytesMax &&
                       header.principal.size() <= kRecordNameBytesMax &&
                       header.producer.size() <= kRecordNameBytesMax,
                   "a name beyond the record limit");
  out->clear();
  ByteWriter writer(out);
  writer.Fixed(kRecordFormat);
  writer.Fixed(std::uint16_t{0});  // header size, below
  writer.Fixed(std::uint32_t{0});  // CRC, below
  writer.Fixed(header.flags);
  writer.Fixed(static_cast<std::uint8_t>(header.compression));
  writer.Fixed(std::uint8_t{0});
  writer.Fixed(header.count);
  writer.Fixed(header.key_id);
  writer.Fixed(header.payload_bytes);
  writer.Fixed(header.stored_bytes);
  writer.Fixed(header.payload_crc);
  writer.Fixed(header.first_sequence.value);
  writer.Fixed(Nanos(header.log_time));
  writer.Fixed(Nanos(header.min_event_time));
  writer.Fixed(Nanos(header.max_event_time));
  writer.Fixed(header.epoch);
  writer.Fixed(header.producer_sequence);
  writer.Raw(Bytes(header.payload_digest));
  writer.Raw(Bytes(header.previous_link));
  writer.String(header.tenant);
  writer.String(header.principal);
  writer.String(header.producer);
  const auto bytes = static_cast<std::uint16_t>(out->size());
  std::memcpy(out->data() + sizeof(kRecordFormat), &bytes, sizeof(bytes));
  const std::uint32_t crc = HeaderCrc(*out);
  std::memcpy(out->data() + kCrcOffset, &crc, sizeof(crc));
}

Digest RecordLink(const Digest& previous_link, std::string_view encoded_header) {
  return Sha256(
      {Bytes(previous_link), encoded_header.substr(0, kCrcOffset), encoded_header.substr(kCrcEnd)});
}

Result<RecordView> DecodeRecord(std::string_view record) {
  ByteReader prefix(record);
  const auto format = prefix.Fixed<std::uint16_t>();
  const auto header_bytes = prefix.Fixed<std::uint16_t>();
  const auto crc = prefix.Fixed<std::uint32_t>();
  if (!prefix.ok() || header_bytes < kCrcEnd || header_bytes > record.size()) {
    return Corrupt("cut short at " + std::to_string(record.size()) + " bytes");
  }
  RecordView view;
  view.encoded_header = record.substr(0, header_bytes);
  view.stored_payload = record.substr(header_bytes);
  if (HeaderCrc(view.encoded_header) != crc) return Corrupt("the header's checksum does not fit");
  if (format != kRecordFormat) {
    return Error(ErrorCode::kFailedPrecondition, "record: format " + std::to_string(format) +
                                                     ", this program knows format " +
                                                     std::to_string(kRecordFormat));
  }
  ByteReader reader(view.encoded_header.substr(kCrcEnd));
  RecordHeader& header = view.header;
  header.flags = reader.Fixed<std::uint16_t>();
  header.compression = static_cast<Compression>(reader.Fixed<std::uint8_t>());
  const auto reserved = reader.Fixed<std::uint8_t>();
  header.count = reader.Fixed<std::uint32_t>();
  header.key_id = reader.Fixed<std::uint32_t>();
  header.payload_bytes = reader.Fixed<std::uint32_t>();
  header.stored_bytes = reader.Fixed<std::uint32_t>();
  header.payload_crc = reader.Fixed<std::uint32_t>();
  header.first_sequence = {reader.Fixed<std::uint64_t>()};
  header.log_time = FromNanos(reader.Fixed<std::int64_t>());
  header.min_event_time = FromNanos(reader.Fixed<std::int64_t>());
  header.max_event_time = FromNanos(reader.Fixed<std::int64_t>());
  header.epoch = reader.Fixed<std::uint64_t>();
  header.producer_sequence = reader.Fixed<std::uint64_t>();
  header.payload_digest = ReadDigest(&reader);
  header.previous_link = ReadDigest(&reader);
  header.tenant = reader.String();
  header.principal = reader.String();
  header.producer = reader.String();
  if (!reader.ok() || !reader.done() || reserved != 0) return Corrupt("a malformed header");
  BAROGRAPH_TRY(CheckSizes(header, view.stored_payload.size()));
  return view;
}

Status CheckPayloadCrc(const RecordView& record) {
  if (Crc32c(record.stored_payload) == record.header.payload_crc) return {};
  return Corrupt("the payload's checksum does not fit");
}

Status CheckPayloadDigest(const RecordView& record) {
  if (Sha256(record.stored_payload) == record.header.payload_digest) return {};
  return Corrupt("the payload's digest does not fit");
}

Result<std::string_view> OpenPayload(const RecordView& record, std::string* buffer) {
  const std::string_view stored = record.stored_payload;
  const std::size_t bytes = record.header.payload_bytes;
  if (record.header.key_id != 0) {
    return Error(ErrorCode::kFailedPrecondition,
                 "record: enveloped with key " + std::to_string(record.header.key_id));
  }
  if (bytes > kRecordPayloadBytesMax) return Corrupt("payload beyond the limit");
  switch (record.header.compression) {
    case Compression::kNone:
      if (stored.size() != bytes) return Corrupt("plain payload of another size");
      return stored;
    case Compression::kLz4: {
      if (bytes / kLz4RatioMax > stored.size()) return Corrupt("payload beyond LZ4's ratio");
      char* target = Reserve(buffer, bytes);
      const int opened = LZ4_decompress_safe(stored.data(), target, static_cast<int>(stored.size()),
                                             static_cast<int>(bytes));
      if (opened < 0 || static_cast<std::size_t>(opened) != bytes) return Corrupt("broken LZ4");
      return std::string_view(target, bytes);
    }
    case Compression::kZstd: {
      if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != bytes) {
        return Corrupt("zstd payload of another size");
      }
      char* target = Reserve(buffer, bytes);
      const std::size_t opened =
          ZSTD_decompressDCtx(ZstdContext(), target, bytes, stored.data(), stored.size());
      if (ZSTD_isError(opened) != 0 || opened != bytes) return Corrupt("broken zstd");
      return std::string_view(target, bytes);
    }
  }
  return Error(
      ErrorCode::kFailedPrecondition,
      "record: unknown compression " + std::to_string(static_cast<int>(record.header.compression)));
}

}  // namespace barograph::storage
