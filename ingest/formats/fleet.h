#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// A retry storm: one agent starts a task, pays for a model call and fails, again and again.
/// Each retry is three events (task STARTED, cost with tokens, task FAILED with its attempt
/// number), laid evenly over `length` and merged into the fleet's stream by time.
struct FleetIncident {
  Time at{};
  Duration length = std::chrono::seconds(15);  ///< (0, 1 h]
  std::uint32_t failures = 80;                 ///< failed tasks; [1, 1e6]
  std::uint32_t agent = 0;                     ///< index of the agent, < FleetOptions::agents
};

/// Event ids of a simulated fleet.
enum class FleetIds : std::uint8_t {
  kAbsent,  ///< no id: producer and sequence identify the event
  kRandom,  ///< a UUIDv7 as an SDK would make: 48 bits of event time in ms, 74 random bits, as text
};

struct FleetOptions {
  std::uint32_t agents = 50;  ///< [1, 1'000'000]; about 150 bytes each
  std::uint64_t seed = 1;     ///< equal options give equal bytes, on every machine
  Time start{};               ///< event time of the first event
  Time end = Time::max();     ///< no event at or after it
  /// Mean over a day, all agents together; with a swing it holds over whole days. [0.001, 1e9].
  double events_per_second = 100;
  /// How far the fleet follows office hours (UTC): 0 = the same all day; 1 = the full profile,
  /// whose busiest hour has six times the events of its quietest. [0, 1].
  double daily_swing = 1;
  /// Share of finished tasks that fail outside of an incident. [0, 1].
  double failure_ratio = 0.002;
  FleetIds ids = FleetIds::kAbsent;
  std::optional<FleetIncident> incident;

  /// Errors: kInvalidArgument naming the first bad field, its value and its range.
  [[nodiscard]] Status Validate() const;
};

/// What is put around each event's encoding.
enum class FleetFraming : std::uint8_t {
  kPayload,  ///< varint length: the payload of a record and of a Batch (storage::PayloadReader)
  kRequest,  ///< tag of field 4 and varint length: `events` of PublishRequest and
             ///< PublishBatchRequest, which may be prefixed by that message's other fields
};

/// A fleet of AI agents that exists only as its events: what `barograph demo`, the benchmarks and
/// the tests send.
///
/// Every agent ("agent-0001", one of eight teams in the label `team`) works on one task after
/// another, with its own task ids; tasks start with plan and deadline, report progress, end
/// completed, failed or cancelled with duration, cost, value and quality. In between agents spend
/// (tokens of models that the shipped price table knows; amounts for infrastructure, tools and
/// labour), earn (charges, few refunds), err, serve requests, take samples and get feedback. Of 100
/// events about 40 are tasks, 27 costs, 14 requests, 8 samples, 4 payments, 3 errors, 2 activities,
/// 1 feedback, 1 change. Event times never go back. Events are about 90 bytes, and 38 more with
/// random ids (fleet_test holds the figures).
///
/// The encodings are written by hand, field after field in ascending order, which is what
/// protobuf's serializer writes; all values are integers or decimal-exact, so no floating-point
/// library function has a say in the bytes.
///
///   Fleet fleet({.agents = 100, .start = now - 30 * 24h, .end = now, .events_per_second = 0.4});
///   while (!fleet.done()) {
///     request.clear();
///     fleet.Append(FleetFraming::kRequest, 500, &request);
///     ...
///   }
///
/// Live: `fleet.AppendUntil(clock.WallNow(), FleetFraming::kRequest, 500, &request)` again and
/// again.
///
/// Threads:  one at a time. Two fleets with different seeds share agents' names and nothing else.
/// Lifetime: owns everything.
/// Speed: more than 3 M events/s on one core (fleet_benchmark).
/// Errors:   the constructor asserts `options.Validate().ok()`.
class Fleet {
 public:
  explicit Fleet(const FleetOptions& options);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  /// No event is left before `end`.
  [[nodiscard]] bool done() const;
  /// Event time of the next event; Time::max() when done.
  [[nodiscard]] Time next_time() const;
  /// Events given so far.
  [[nodiscard]] std::uint64_t produced() const;

  /// Appends the next events, at most `events_max`, to `out`; returns how many there were (fewer
  /// only at the end).
  std::size_t Append(FleetFraming framing, std::size_t events_max, std::string* out);
  /// The same, but only events before `until`.
  std::size_t AppendUntil(Time until, FleetFraming framing, std::size_t events_max,
                          std::string* out);

  /// Name of an agent, e.g. "agent-0001" for index 0.
  [[nodiscard]] static std::string AgentName(std::uint32_t index);
  /// About how many events lie between `start` and `end`: for progress bars.
  [[nodiscard]] std::uint64_t events_expected() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::ingest
