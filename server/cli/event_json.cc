#include "server/cli/event_json.h"

#include <google/protobuf/util/json_util.h>

#include "barograph/v1/event.pb.h"

namespace barograph::server {

Result<std::string> EventJson(std::string_view wire) {
  v1::Event event;
  if (!event.ParseFromArray(wire.data(), static_cast<int>(wire.size()))) {
    return Error(ErrorCode::kCorruption, "the bytes are no event");
  }
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(event, &text, options);
  if (!status.ok()) {
    return Error(ErrorCode::kCorruption, "the event cannot be shown: " + status.ToString());
  }
  return text;
}

}  // namespace barograph::server
