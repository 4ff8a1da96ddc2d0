#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "ingest/formats/event_json.h"
#include "ingest/formats/event_mapping.h"
#include "ingest/formats/price_table.h"
#include "ingest/formats/task_log.h"
#include "storage/event/event_view.h"

namespace {

using namespace barograph;

// What was made of any input is at least well-formed: the log's reader may refuse its values, with
// a reason, and nothing else.
void CheckWire(const Result<std::string>& wire) {
  if (!wire.ok()) {
    if (wire.error().message().empty()) std::abort();
    return;
  }
  storage::EventView view;
  const Status status = storage::ReadEvent(wire.value(), storage::EventSource::kOutside, &view);
  if (!status.ok() && status.error().message().empty()) std::abort();
}

}  // namespace

// The first line is a field path, the second a value for it; everything together is read as JSON of
// every kind.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const ingest::FieldText how;
  CheckWire(ingest::EncodeEventJson(text, how));
  if (const Result<ingest::JsonValue> json = ingest::ParseJson(text); json.ok()) {
    v1::Event event;
    if (ingest::ReadTaskLog(json.value(), how, &event).ok()) CheckWire(ingest::EncodeEvent(event));
    if (!ingest::ParseJson(json.value().ToText()).ok()) std::abort();
  }
  static_cast<void>(ingest::ReadPriceTable(text, "fuzz"));

  const std::size_t end = std::min(text.find('\n'), text.size());
  ingest::MappingSpec spec;
  spec.columns = {{text.substr(0, end), "1"}};
  spec.header = false;
  Result<ingest::EventMapping> mapping = ingest::EventMapping::Make(spec);
  if (!mapping.ok() || !mapping.value().BindColumns({"1"}).ok()) return 0;
  CheckWire(mapping.value().Encode({text.substr(std::min(end + 1, text.size()))}));
  return 0;
}
