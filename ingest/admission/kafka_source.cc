#include "ingest/admission/kafka_source.h"

#include "storage/base/bytes.h"
#include "storage/base/digest.h"

namespace barograph::ingest {

std::uint32_t KafkaCrc(std::string_view key, std::optional<std::string_view> value) {
  std::string lengths;
  ByteWriter writer(&lengths);
  writer.Fixed<std::uint64_t>(key.size());
  std::uint32_t crc = Crc32c(key, Crc32c(lengths));
  lengths.clear();
  // All ones, as no value can be that long: a tombstone is not the empty value.
  writer.Fixed<std::uint64_t>(value.has_value() ? value->size() : ~std::uint64_t{0});
  crc = Crc32c(lengths, crc);
  return value.has_value() ? Crc32c(*value, crc) : crc;
}

}  // namespace barograph::ingest
