#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "ingest/formats/event_mapping.h"
#include "server/config/mapping_file.h"

// Any bytes as a mapping file: it is refused with a reason, or it makes a mapping that takes a
// record or refuses it with a reason.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace barograph;
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const auto must_say_why = [](const Error& error) {
    if (error.message().empty()) std::abort();
    return 0;
  };
  const Result<ingest::MappingSpec> spec = server::ReadMappingFile(text, "fuzz.yaml");
  if (!spec.ok()) return must_say_why(spec.error());
  static_cast<void>(spec.value().Canonical());
  Result<ingest::EventMapping> mapping = ingest::EventMapping::Make(spec.value());
  if (!mapping.ok()) return must_say_why(mapping.error());
  std::vector<std::string> names;
  for (const auto& [field, column] : spec.value().columns) names.push_back(column);
  if (const Status bound = mapping.value().BindColumns(names); !bound.ok()) {
    return must_say_why(bound.error());
  }
  for (const char* value : {"1", "2026-11-21 13:00:00", "1.50 USD"}) {
    const auto event = mapping.value().Encode(std::vector<std::string>(names.size(), value));
    if (!event.ok()) must_say_why(event.error());
  }
  return 0;
}
