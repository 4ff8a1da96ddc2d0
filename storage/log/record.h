#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"

namespace barograph::storage {

/// Largest payload of one record, before and after compression. A bigger size in a header is
/// corruption, so that no stored number makes a reader allocate more.
inline constexpr std::size_t kRecordPayloadBytesMax = 16U << 20U;
/// Tenant, principal and producer of a record, each.
inline constexpr std::size_t kRecordNameBytesMax = 1024;
/// Format that this program writes.
inline constexpr std::uint16_t kRecordFormat = 1;

/// Bits of RecordHeader::flags.
enum RecordFlag : std::uint16_t {
  kRecordEvaluate = 1,  ///< an evaluation point follows this record
  kRecordDecided = 2,   ///< the events were made by the server
  kRecordKafka = 4,     ///< the source is topic, partition and offset
};

/// How the payload is stored. The numbers are on disk and never change.
enum class Compression : std::uint8_t { kNone = 0, kLz4 = 1, kZstd = 2 };

/// Header of one record = one batch of one tenant. Byte layout: docs/formats/log.md.
struct RecordHeader {
  std::uint16_t flags = 0;
  Compression compression = Compression::kNone;
  std::uint32_t count = 0;          ///< events; > 0
  std::uint32_t key_id = 0;         ///< envelope key; 0 = plain
  std::uint32_t payload_bytes = 0;  ///< uncompressed size
  std::uint32_t stored_bytes = 0;   ///< size as stored
  std::uint32_t payload_crc = 0;    ///< CRC-32C of the payload as stored
  Sequence first_sequence;
  Time log_time{}, min_event_time{}, max_event_time{};
  std::string_view tenant;              ///< views into the record when read
  std::string_view principal;           ///< key id of the sender; empty without authentication
  std::string_view producer;            ///< producer id; or topic, see kRecordKafka
  std::uint64_t epoch = 0;              ///< producer epoch; or Kafka partition
  std::uint64_t producer_sequence = 0;  ///< of the first event; or first Kafka offset of the batch
  Digest payload_digest{};              ///< SHA-256 of the payload as stored
  Digest previous_link{};               ///< link of the record before; all zero for the first

  [[nodiscard]] Sequence last_sequence() const { return first_sequence.Plus(count - 1); }
};

/// A batch made ready by an ingest thread, before the writer gives it its place: payload
/// compressed, checked and hashed.
struct SealedPayload {
  std::string bytes;  ///< as stored
  Compression compression = Compression::kNone;
  std::uint32_t uncompressed_bytes = 0;
  std::uint32_t crc = 0;  ///< CRC-32C of `bytes`
  Digest digest{};        ///< SHA-256 of `bytes`
};
/// Compresses with LZ4 when that is smaller, and hashes what will be stored.
/// Requires payload.size() <= kRecordPayloadBytesMax.
/// Threads: any; each keeps one buffer of the largest size it met.
[[nodiscard]] SealedPayload SealPayload(std::string_view payload);

/// Replaces `*out` by the header's encoding with its CRC-32C. A record is this encoding followed by
/// the stored payload. Requires names of at most kRecordNameBytesMax.
void EncodeRecordHeader(const RecordHeader& header, std::string* out);
/// link = SHA-256(previous link, encoded header without its CRC).
[[nodiscard]] Digest RecordLink(const Digest& previous_link, std::string_view encoded_header);

/// A record read back. Views point into the record.
struct RecordView {
  RecordHeader header;
  std::string_view encoded_header;
  std::string_view stored_payload;
};
/// Splits a record and checks the header's CRC and all sizes, but not the payload: see
/// CheckPayload.
/// Errors: kCorruption, kFailedPrecondition (unknown format).
[[nodiscard]] Result<RecordView> DecodeRecord(std::string_view record);
/// Compares the payload with the header's CRC, or with its SHA-256.
/// Errors: kCorruption.
[[nodiscard]] Status CheckPayloadCrc(const RecordView& record);
[[nodiscard]] Status CheckPayloadDigest(const RecordView& record);
/// Uncompressed payload: a view into the record, or into `*buffer` (reused; it only grows).
/// Errors: kCorruption, kFailedPrecondition (enveloped, or an unknown compression).
[[nodiscard]] Result<std::string_view> OpenPayload(const RecordView& record, std::string* buffer);

}  // namespace barograph::storage
