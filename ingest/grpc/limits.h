#pragma once

#include <chrono>
#include <cstddef>

/// Named limits of the gRPC door. What crosses one is refused or waits; nothing grows without a
/// bound.
namespace barograph::ingest {

inline constexpr std::size_t kMessageSlackBytes = 64 * 1024;  ///< framing above kBatchBytesMax
inline constexpr std::size_t kUnaryCallsMax = 1024;           ///< PublishBatch calls under way
inline constexpr int kStreamsPerConnectionMax = 64;           ///< HTTP/2 streams of one connection
inline constexpr std::size_t kBatchesPerStreamMax =
    256;  ///< read from a stream, answer not yet written
inline constexpr std::size_t kBytesPerStreamMax = 32U << 20U;  ///< the same in bytes of requests
inline constexpr int kMetadataBytesMax = 16 * 1024;            ///< headers of one call
inline constexpr std::chrono::seconds kWriteTimeout{
    30};  ///< a stream that reads no answer so long is cut
inline constexpr std::chrono::milliseconds kRetryDelay{100};  ///< RetryInfo of a refused unary call
inline constexpr std::chrono::minutes kKeepaliveTime{1};      ///< idle connections are probed
inline constexpr std::chrono::seconds kKeepaliveTimeout{20};
inline constexpr std::chrono::seconds kClientPingMin{
    10};  ///< a client that pings more often is cut off

}  // namespace barograph::ingest
