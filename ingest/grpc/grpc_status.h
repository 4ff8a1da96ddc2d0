#pragma once

#include <grpcpp/support/status.h>

#include "ingest/grpc/limits.h"
#include "ingest/grpc/rpc_status.h"

namespace barograph::ingest {

/// Our error as gRPC sends it, with its details in `grpc-status-details-bin`. Errors that may go
/// away by themselves carry
/// RetryInfo of kRetryDelay.
[[nodiscard]] inline ::grpc::Status ToGrpcStatus(const Error& error) {
  const bool retry = error.retryable() || error.code() == ErrorCode::kUnavailable;
  const auto delay = retry ? std::optional<Duration>(kRetryDelay) : std::nullopt;
  return {static_cast<::grpc::StatusCode>(ToRpcCode(error.code())), error.message(),
          EncodeRpcStatus(error, delay)};
}

}  // namespace barograph::ingest
