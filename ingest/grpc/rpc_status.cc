#include "ingest/grpc/rpc_status.h"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "storage/base/bytes.h"

namespace barograph::ingest {
namespace {

constexpr std::uint64_t kVarintType = 0;
constexpr std::uint64_t kBytesType = 2;

/// One message in protobuf's wire format, field by field.
class WireMessage {
 public:
  void Number(std::uint64_t field, std::uint64_t value) {
    if (value == 0) return;
    writer_.Varint(field << 3 | kVarintType);
    writer_.Varint(value);
  }
  void Text(std::uint64_t field, std::string_view value) {
    writer_.Varint(field << 3 | kBytesType);
    writer_.String(value);
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  ByteWriter writer_{&bytes_};
};

std::string Any(std::string_view type, const WireMessage& message) {
  WireMessage any;
  any.Text(1, std::string("type.googleapis.com/google.rpc.").append(type));
  any.Text(2, message.bytes());
  return any.bytes();
}

std::string ErrorInfo(const Error& error) {
  WireMessage details;
  details.Text(1, ErrorCodeName(error.code()));
  details.Text(2, "barograph.dev");
  return Any("ErrorInfo", details);
}

std::string BadRequest(std::string_view path, std::string_view message) {
  WireMessage violation;
  violation.Text(1, path);
  violation.Text(2, message.substr(path.size() + 2));
  WireMessage details;
  details.Text(1, violation.bytes());
  return Any("BadRequest", details);
}

std::string RetryInfo(Duration delay) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(delay);
  WireMessage duration;
  duration.Number(1, static_cast<std::uint64_t>(seconds.count()));
  duration.Number(2, static_cast<std::uint64_t>((delay - seconds).count()));
  WireMessage details;
  details.Text(1, duration.bytes());
  return Any("RetryInfo", details);
}

}  // namespace

RpcCode ToRpcCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return RpcCode::kInvalidArgument;
    case ErrorCode::kNotFound:
      return RpcCode::kNotFound;
    case ErrorCode::kAlreadyExists:
      return RpcCode::kAlreadyExists;
    case ErrorCode::kFailedPrecondition:
      return RpcCode::kFailedPrecondition;
    case ErrorCode::kResourceExhausted:
      return RpcCode::kResourceExhausted;
    case ErrorCode::kUnavailable:
    case ErrorCode::kLocked:
      return RpcCode::kUnavailable;
    case ErrorCode::kDeadlineExceeded:
      return RpcCode::kDeadlineExceeded;
    case ErrorCode::kCorruption:
    case ErrorCode::kDataLoss:
      return RpcCode::kDataLoss;
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      return RpcCode::kInternal;
  }
  return RpcCode::kInternal;
}

std::string_view FieldPathOf(std::string_view message) {
  const std::size_t end = message.find(": ");
  if (end == std::string_view::npos || end == 0) return {};
  const std::string_view path = message.substr(0, end);
  const bool names_a_field = std::all_of(path.begin(), path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '[' ||
           c == ']';
  });
  return names_a_field ? path : std::string_view{};
}

std::string EncodeRpcStatus(const Error& error, std::optional<Duration> retry_after) {
  WireMessage status;
  status.Number(1, static_cast<std::uint64_t>(ToRpcCode(error.code())));
  status.Text(2, error.message());
  status.Text(3, ErrorInfo(error));
  if (error.code() == ErrorCode::kInvalidArgument) {
    if (const auto path = FieldPathOf(error.message()); !path.empty()) {
      status.Text(3, BadRequest(path, error.message()));
    }
  }
  if (retry_after.has_value()) status.Text(3, RetryInfo(*retry_after));
  return status.bytes();
}

}  // namespace barograph::ingest
