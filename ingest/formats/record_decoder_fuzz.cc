// The first line names the format, the next ones are headers ("ce_id: 7"; a name alone is a null
// value) until an empty line; the rest is the value. Input of another shape is tried as a value of
// every format.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "barograph/v1/event.pb.h"
#include "ingest/formats/limits.h"
#include "ingest/formats/record_decoder.h"
#include "storage/base/assert.h"
#include "storage/event/event_view.h"
#include "storage/event/utf8.h"

namespace {

using namespace barograph;
using namespace barograph::ingest;

void CheckReason(std::string_view reason) {
  BAROGRAPH_ASSERT(!reason.empty() && reason.size() <= kReasonBytesMax, "a reason has its length");
  BAROGRAPH_ASSERT(storage::IsUtf8(reason), "a reason is text");
  for (const char c : reason) {
    BAROGRAPH_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "a reason is clean");
  }
}

class Recorder final : public EventSink {
 public:
  explicit Recorder(bool ours) : ours_(ours) {}
  void Add(std::string_view wire) override {
    storage::EventView view;
    const Status read = storage::ReadEvent(wire, storage::EventSource::kOutside, &view);
    BAROGRAPH_ASSERT(read.ok() || !read.error().message().empty(), "a refusal has a reason");
    // What we encoded ourselves is at least protobuf, whatever its values mean.
    v1::Event event;
    BAROGRAPH_ASSERT(!ours_ || event.ParseFromArray(wire.data(), static_cast<int>(wire.size())),
                     "an encoding of ours can be read");
    all.append("+").append(wire);
    ++offered;
  }
  void Reject(std::uint32_t index, std::string_view reason) override {
    BAROGRAPH_ASSERT(index == offered, "indexes count all events");
    CheckReason(reason);
    all.append("-").append(reason);
    ++offered;
  }
  std::string all;
  std::uint32_t offered = 0;

 private:
  bool ours_;
};

RecordDecoder Make(RecordFormat format) {
  RecordOptions options;
  if (format == RecordFormat::kCloudEvents) {
    MappingSpec spec;
    spec.format = ImportFormat::kNdjson;
    spec.columns = {{"cost.tokens.input", "usage.in"}, {"time", "at"}};
    options.cloud_events.emplace().types = {{"cost", "cost", {}},
                                            {"event", "event", {}},
                                            {"map", "", EventMapping::Make(spec).value()},
                                            {"*", "activity", {}}};
    options.cloud_events->labels = {"subject", "team"};
  }
  return RecordDecoder::Make(format, std::move(options)).value();
}

// One a format for all inputs, as a topic has one for all records.
RecordDecoder& Decoder(RecordFormat format) {
  static auto* const decoders = [] {
    auto* made = new std::vector<RecordDecoder>();
    for (int i = 0; i <= static_cast<int>(RecordFormat::kCloudEvents); ++i) {
      made->push_back(Make(static_cast<RecordFormat>(i)));
    }
    return made;
  }();
  return (*decoders)[static_cast<std::size_t>(format)];
}

void Try(RecordFormat format, const RawRecord& record) {
  RecordDecoder& decoder = Decoder(format);
  const bool ours = format != RecordFormat::kBatch && format != RecordFormat::kEvent;
  std::string first;
  for (int i = 0; i < 2; ++i) {
    Recorder sink(ours);
    const Result<RecordContent> content = decoder.Decode(record, &sink);
    if (content.ok()) {
      BAROGRAPH_ASSERT((*content == RecordContent::kEvents) == (sink.offered > 0),
                       "events mean that the sink got some");
    } else {
      CheckReason(content.error().message());
      BAROGRAPH_ASSERT(sink.offered == 0, "after an error the sink has nothing");
      sink.all = "!" + content.error().message();
    }
    BAROGRAPH_ASSERT(sink.offered <= kRecordEventsMax, "events of a record are bounded");
    BAROGRAPH_ASSERT(i == 0 || sink.all == first, "decoding again gives the same");
    first = std::move(sink.all);
  }
}

std::string_view TakeLine(std::string_view* text) {
  const std::size_t end = std::min(text->find('\n'), text->size());
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(bytes), size);
  std::string_view rest = all;
  const Result<RecordFormat> format = ParseRecordFormat(TakeLine(&rest));
  RawRecord record;
  record.timestamp = RecordTimestamp(1'795'251'600'000);
  if (!format.ok()) {
    record.value = all;
    for (int i = 0; i <= static_cast<int>(RecordFormat::kCloudEvents); ++i) {
      Try(static_cast<RecordFormat>(i), record);
    }
    return 0;
  }
  std::vector<RecordHeaderView> headers;
  while (!rest.empty()) {
    const std::string_view line = TakeLine(&rest);
    if (line.empty()) break;
    const std::size_t colon = line.find(": ");
    const bool null = colon == std::string_view::npos;
    headers.push_back({line.substr(0, colon), null ? "" : line.substr(colon + 2), null});
  }
  record.headers = headers;
  record.value = rest;
  Try(*format, record);
  return 0;
}
