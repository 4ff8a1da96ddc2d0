#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// The names that a simulated fleet (fleet.h) uses. Models are keys of the shipped price table.
namespace barograph::ingest {

struct FleetModel {
  std::string_view provider, name;
};
struct FleetError {
  std::uint32_t severity;  ///< number of barograph.v1.Severity
  std::string_view code, message;
};

inline constexpr std::array<std::string_view, 8> kTeams{"research", "support", "growth",  "billing",
                                                        "platform", "content", "finance", "sales"};
inline constexpr std::array<std::string_view, 6> kTaskTypes{"development", "research", "support",
                                                            "outreach",    "billing",  "content"};
inline constexpr std::array<FleetModel, 4> kModels{{{"openai", "gpt-4o"},
                                                    {"openai", "gpt-4o-mini"},
                                                    {"anthropic", "claude-sonnet-4-5"},
                                                    {"anthropic", "claude-haiku-4-5"}}};
inline constexpr std::array<std::string_view, 4> kServices{"api", "search", "tiles", "checkout"};
inline constexpr std::array<std::string_view, 4> kRoutes{"/v1/run", "/v1/find", "/v1/tile",
                                                         "/health"};
inline constexpr std::array<std::string_view, 3> kProducts{"starter", "team", "enterprise"};
inline constexpr std::array<std::string_view, 3> kPhases{"form", "confirm", "paid"};
inline constexpr std::array<std::string_view, 3> kFailureReasons{
    "tests failed", "budget of turns used up", "tool returned no result"};
inline constexpr std::array<FleetError, 4> kErrors{{{3, "E_TIMEOUT", "upstream slow"},
                                                    {3, "E_RATE", "rate limited"},
                                                    {2, "E_TOOL", "tool failed"},
                                                    {4, "E_CACHE", "cache miss"}}};

}  // namespace barograph::ingest
