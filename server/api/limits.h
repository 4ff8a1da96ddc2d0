#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Named limits of the query API.
namespace barograph::server {

inline constexpr std::uint32_t kPageSizeDefault = 1'000;
inline constexpr std::uint32_t kPageSizeMax = 10'000;
inline constexpr std::uint32_t kNoticesDefault = 100;
inline constexpr std::uint32_t kQuarantinedDefault = 100;
inline constexpr std::uint32_t kPricesMax = 100'000;
inline constexpr std::size_t kDimensionsMax = 8;  ///< in `by`, and filters in `where`
inline constexpr std::size_t kCellsPerStep =
    64;  ///< cells answered in one slice of the writer's time
inline constexpr std::size_t kLeasesPerStep = 256;        ///< leases looked at in such a slice
inline constexpr std::size_t kSpansMax = 10'000;          ///< calendar spans of one query
inline constexpr std::size_t kTailsMax = 64;              ///< open Tail calls
inline constexpr std::size_t kTailEntriesMax = 500;       ///< entries of one response
inline constexpr std::size_t kTailBytesMax = 256 * 1024;  ///< bytes of events of one response
inline constexpr std::uint64_t kTailBacklogMax = 10'000;
inline constexpr std::uint64_t kTailLookedAtMax =
    20'000;  ///< events looked at before other tails get their turn
inline constexpr std::chrono::seconds kTailWriteTimeout{
    30};  ///< a reader that takes nothing so long is cut
inline constexpr std::uint64_t kScanEventsMax = 20'000'000;  ///< events of one scan of the log
inline constexpr std::chrono::seconds kScanTimeMax{20};

}  // namespace barograph::server
