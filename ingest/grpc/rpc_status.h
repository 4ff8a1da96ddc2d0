#pragma once

#include <optional>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Numbers of google.rpc.Code that this server answers with.
enum class RpcCode : int {
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
};

/// The one table from our codes to those on the wire. kCorruption and kDataLoss are DATA_LOSS, kIo
/// is INTERNAL (the
/// device does not heal by trying again), kLocked is UNAVAILABLE.
[[nodiscard]] RpcCode ToRpcCode(ErrorCode code);

/// google.rpc.Status (googleapis, google/rpc/status.proto) as bytes for the trailer
/// `grpc-status-details-bin`. Details, as
/// AIP-193 asks: always ErrorInfo{reason = name of our code, domain = "barograph.dev"}; BadRequest
/// for an invalid argument
/// whose message starts with the path of a field; RetryInfo when the same call may succeed later.
[[nodiscard]] std::string EncodeRpcStatus(const Error& error, std::optional<Duration> retry_after);

/// The path in front of "path: what is wrong", e.g. "events[17].cost.amount"; empty where the
/// message names no field.
[[nodiscard]] std::string_view FieldPathOf(std::string_view message);

}  // namespace barograph::ingest
