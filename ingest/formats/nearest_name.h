#pragma once

#include <span>
#include <string>
#include <string_view>

namespace barograph::ingest {

/// The candidate that a person most likely meant by `name`, or "" when none is near: at most a
/// third of the letters differ (insertions, deletions, substitutions and swaps of neighbours count
/// one each; case and `-` against `_` count nothing). Ties go to the earlier candidate. Names
/// longer than 64 bytes have no neighbour.
[[nodiscard]] std::string_view NearestName(std::string_view name,
                                           std::span<const std::string_view> candidates);

/// `; did you mean 'tasks.completed'?`, or "" when nothing is near. Made to be appended to a
/// message.
[[nodiscard]] std::string DidYouMean(std::string_view name,
                                     std::span<const std::string_view> candidates);

}  // namespace barograph::ingest
