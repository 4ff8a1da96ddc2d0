#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/assert.h"
#include "storage/base/digest.h"
#include "storage/log/record.h"

namespace barograph::storage {
namespace {

/// Whatever the bytes say, no payload beyond the limit is opened, and no memory beyond it is taken.
void Open(std::string_view record) {
  const Result<RecordView> view = DecodeRecord(record);
  if (!view.ok()) return;
  (void)CheckPayloadCrc(*view);
  (void)CheckPayloadDigest(*view);
  (void)RecordLink(view->header.previous_link, view->encoded_header);
  std::string buffer;
  const Result<std::string_view> payload = OpenPayload(*view, &buffer);
  BAROGRAPH_ASSERT(buffer.size() <= kRecordPayloadBytesMax, "a buffer beyond the limit");
  if (!payload.ok()) return;
  BAROGRAPH_ASSERT(payload->size() == view->header.payload_bytes, "a payload of another size");
}

/// A header made of the bytes is read back as it was; and its payload is opened with a right
/// checksum, which arbitrary bytes would hardly ever have.
void RoundTrip(std::string_view bytes) {
  if (bytes.size() < 16) return;
  RecordHeader header;
  header.compression = static_cast<Compression>(bytes[0] & 3);
  header.count = static_cast<std::uint8_t>(bytes[1]) + 1U;
  header.first_sequence = {static_cast<std::uint8_t>(bytes[2]) + 1U};
  header.payload_bytes = static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[3]))
                         << (bytes[4] & 31);
  header.tenant = bytes.substr(5, static_cast<std::uint8_t>(bytes[5]) % 8U);
  const std::string_view stored = bytes.substr(16);
  header.stored_bytes = static_cast<std::uint32_t>(stored.size());
  header.payload_crc = Crc32c(stored);
  std::string record;
  EncodeRecordHeader(header, &record);
  record += stored;
  const Result<RecordView> view = DecodeRecord(record);
  BAROGRAPH_ASSERT(view.ok() == (header.payload_bytes <= kRecordPayloadBytesMax),
                   "only the size can be wrong");
  if (view.ok()) BAROGRAPH_ASSERT(view->header.tenant == header.tenant, "another tenant");
  Open(record);
}

}  // namespace
}  // namespace barograph::storage

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  barograph::storage::Open(bytes);
  barograph::storage::RoundTrip(bytes);
  const std::string payload(bytes.substr(0, barograph::storage::kRecordPayloadBytesMax));
  const barograph::storage::SealedPayload sealed = barograph::storage::SealPayload(payload);
  BAROGRAPH_ASSERT(sealed.bytes.size() <= payload.size(), "sealing made it larger");
  return 0;
}
