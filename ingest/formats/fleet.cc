#include "ingest/formats/fleet.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <vector>

#include "ingest/formats/fleet_catalog.h"
#include "ingest/formats/wire_writer.h"
#include "storage/base/assert.h"

namespace barograph::ingest {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kCent = 10'000'000;  // nano-units of money

/// SplitMix64 (Steele, Lea, Flood 2014): one multiplication chain a draw, and any seed is a good
/// one.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next() { return Mix(state_ += 0x9E3779B97F4A7C15U); }
  /// In [0, bound), from the upper half of a draw; the bias of at most 2^-32 * bound is of no
  /// matter here.
  std::uint32_t Below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((Next() >> 32U) * bound) >> 32U);
  }
  static std::uint64_t Mix(std::uint64_t z) {
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }

 private:
  std::uint64_t state_;
};

// Events in each hour of the day (UTC), in per cent of the mean: they add up to 2400.
constexpr std::array<std::int64_t, 24> kHourShares{34,  31,  30,  30,  33,  42,  58,  86,
                                                   122, 150, 166, 170, 162, 168, 180, 176,
                                                   166, 146, 120, 96,  78,  62,  54,  40};
static_assert(std::accumulate(kHourShares.begin(), kHourShares.end(), std::int64_t{0}) == 2400);

/// Text of a fixed number of bytes, made once and written many times.
struct ShortText {
  std::array<char, 30> bytes;
  std::uint8_t size = 0;
  [[nodiscard]] std::string_view view() const { return {bytes.data(), size}; }
  void Assign(std::string_view text) {
    BAROGRAPH_ASSERT(text.size() <= bytes.size(), "text too long");
    std::copy(text.begin(), text.end(), bytes.begin());
    size = static_cast<std::uint8_t>(text.size());
  }
};

enum class Phase : std::uint8_t { kIdle, kStarted, kReported };

struct Agent {
  ShortText agent_field;  // Event.agent, encoded
  ShortText label_field;  // Event.labels, encoded
  ShortText task_id;      // of the open task
  std::int64_t started = 0;
  Phase phase = Phase::kIdle;
  std::uint8_t type = 0;
};

constexpr std::array<char, 33> kBase32{"abcdefghijklmnopqrstuvwxyz234567"};
constexpr std::array<char, 17> kHexDigits{"0123456789abcdef"};

}  // namespace

struct Fleet::State {
  explicit State(const FleetOptions& given);

  void WriteNext();
  void Advance();

  FleetOptions options;
  Draws draws;
  WireWriter wire;
  std::vector<Agent> agents;
  std::array<std::int64_t, 24>
      gap_kilo{};               // mean nanoseconds between events, x 1024, for each hour of the day
  std::uint32_t failure_bound;  // of 2^32
  std::uint64_t tasks = 0, produced = 0;
  std::int64_t next;  // ns since 1970
  std::int64_t hour_end = 0, hour_gap_kilo = 0;
  std::uint64_t incident_events = 0;  // of the incident, given so far
  std::int64_t incident_next;

 private:
  void BeginEvent(const Agent& agent, std::int64_t time, bool with_task);
  void WriteId(std::int64_t time);
  void WriteTask(Agent& agent, std::int64_t time);
  void StartTask(Agent& agent, std::int64_t time, std::uint32_t attempt);
  void EndTask(Agent& agent, std::int64_t time);
  void FailTask(Agent& agent, std::int64_t time, std::uint32_t attempt, std::string_view reason);
  void WriteCost(const Agent& agent, std::int64_t time);
  void WriteTokens();
  void WritePayment(const Agent& agent, std::int64_t time);
  void WriteError(const Agent& agent, std::int64_t time);
  void WriteRequest(const Agent& agent, std::int64_t time);
  void WriteSample(const Agent& agent, std::int64_t time);
  void WriteActivity(const Agent& agent, std::int64_t time);
  void WriteChange(const Agent& agent, std::int64_t time);
  void WriteFeedback(const Agent& agent, std::int64_t time);
  void WriteIncident();
  void MakeTaskId(Agent& agent);
  void UpdateIncidentTime();

  template <std::size_t N>
  std::string_view OneOf(const std::array<std::string_view, N>& words) {
    return words[draws.Below(N)];
  }
};

namespace {

constexpr std::uint32_t kIncidentEventsPerFailure = 3;

void FillAgent(std::uint32_t index, WireWriter& wire, Agent& agent) {
  wire.Clear();
  wire.Text(3, Fleet::AgentName(index));
  agent.agent_field.Assign(wire.bytes());
  wire.Clear();
  const std::size_t label = wire.Begin(5);
  wire.Text(1, "team");
  wire.Text(2, kTeams[index % kTeams.size()]);
  wire.End(label);
  agent.label_field.Assign(wire.bytes());
}

}  // namespace

Fleet::State::State(const FleetOptions& given)
    : options(given),
      draws(Draws::Mix(given.seed ^ 0x6261726F67726170U)),
      agents(given.agents),
      failure_bound(
          static_cast<std::uint32_t>(std::min(given.failure_ratio * 4294967296.0, 4294967295.0))),
      next(given.start.time_since_epoch().count()),
      incident_next(INT64_MAX) {
  for (std::uint32_t i = 0; i < given.agents; ++i) FillAgent(i, wire, agents[i]);
  for (std::size_t hour = 0; hour < gap_kilo.size(); ++hour) {
    const double share = 1 + given.daily_swing * (static_cast<double>(kHourShares[hour]) / 100 - 1);
    gap_kilo[hour] = static_cast<std::int64_t>(1024 * 1e9 / (given.events_per_second * share));
  }
  UpdateIncidentTime();
}

void Fleet::State::Advance() {
  if (next >= hour_end) {
    const std::int64_t hour = next / kHour;
    hour_end = (hour + 1) * kHour;
    hour_gap_kilo = gap_kilo[static_cast<std::size_t>(hour % 24)];
  }
  // Between half and one and a half of the mean, so that no two seeds march in step.
  const std::int64_t jitter = 512 + static_cast<std::int64_t>(draws.Next() >> 54U);
  next += std::max<std::int64_t>(
      1, static_cast<std::int64_t>(static_cast<__int128>(hour_gap_kilo) * jitter >> 20U));
}

void Fleet::State::UpdateIncidentTime() {
  incident_next = INT64_MAX;
  if (!options.incident) return;
  const FleetIncident& incident = *options.incident;
  const std::uint64_t total = std::uint64_t{incident.failures} * kIncidentEventsPerFailure;
  if (incident_events >= total) return;
  const auto offset = static_cast<__int128>(incident.length.count()) * incident_events / total;
  incident_next = incident.at.time_since_epoch().count() + static_cast<std::int64_t>(offset);
}

void Fleet::State::WriteNext() {
  wire.Clear();
  ++produced;
  if (incident_next <= next) return WriteIncident();
  const std::int64_t time = next;
  Agent& agent = agents[draws.Below(options.agents)];
  const auto kind = static_cast<std::uint32_t>(draws.Next() >> 56U);
  if (kind < 102) {
    WriteTask(agent, time);
  } else if (kind < 171) {
    WriteCost(agent, time);
  } else if (kind < 207) {
    WriteRequest(agent, time);
  } else if (kind < 227) {
    WriteSample(agent, time);
  } else if (kind < 237) {
    WritePayment(agent, time);
  } else if (kind < 245) {
    WriteError(agent, time);
  } else if (kind < 250) {
    WriteActivity(agent, time);
  } else if (kind < 253) {
    WriteFeedback(agent, time);
  } else {
    WriteChange(agent, time);
  }
  Advance();
}

void Fleet::State::BeginEvent(const Agent& agent, std::int64_t time, bool with_task) {
  if (options.ids == FleetIds::kRandom) WriteId(time);
  wire.Seconds(2, time);
  wire.Raw(agent.agent_field.view());
  if (with_task) wire.Text(4, agent.task_id.view());
  wire.Raw(agent.label_field.view());
}

// RFC 9562, section 5.7.
void Fleet::State::WriteId(std::int64_t time) {
  const auto milliseconds = static_cast<std::uint64_t>(time / kMillisecond);
  const std::uint64_t a = draws.Next();
  const std::uint64_t high = milliseconds << 16U | 0x7000U | (a & 0x0FFFU);
  const std::uint64_t low = (draws.Next() >> 2U) | 0x8000'0000'0000'0000U;
  std::array<char, 36> text{};
  std::size_t at = 0;
  for (unsigned digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) text[at++] = '-';
    const std::uint64_t half = digit < 16 ? high : low;
    text[at++] = kHexDigits[(half >> (60U - 4U * (digit % 16U))) & 0xFU];
  }
  wire.Text(1, {text.data(), text.size()});
}

void Fleet::State::MakeTaskId(Agent& agent) {
  std::uint64_t bits = Draws::Mix(options.seed * 0x9E3779B97F4A7C15U + ++tasks);
  std::array<char, 14> text{'t', '-'};
  for (std::size_t i = 2; i < text.size(); ++i, bits >>= 5U) text[i] = kBase32[bits & 31U];
  agent.task_id.Assign({text.data(), text.size()});
}

void Fleet::State::WriteTask(Agent& agent, std::int64_t time) {
  if (agent.phase == Phase::kIdle) return StartTask(agent, time, 1);
  const std::uint32_t draw = draws.Below(100);
  if (draw >= 27 || agent.phase == Phase::kReported) return EndTask(agent, time);
  BeginEvent(agent, time, true);
  const std::size_t task = wire.Begin(10);
  wire.Number(1, draw < 25 ? 2 : 3);
  wire.Text(2, kTaskTypes[agent.type]);
  if (draw >= 25) wire.Text(20, "waits for review");
  wire.End(task);
  agent.phase = Phase::kReported;
}

void Fleet::State::StartTask(Agent& agent, std::int64_t time, std::uint32_t attempt) {
  const std::uint64_t draw = draws.Next();
  MakeTaskId(agent);
  agent.phase = Phase::kStarted;
  agent.started = time;
  agent.type = static_cast<std::uint8_t>(draw % kTaskTypes.size());
  BeginEvent(agent, time, true);
  const std::size_t task = wire.Begin(10);
  wire.Number(1, 1);
  wire.Text(2, kTaskTypes[agent.type]);
  wire.Number(3, 1 + (draw >> 8U) % 4);
  wire.Number(4, 1 + (draw >> 12U) % 4);
  wire.Money(5, static_cast<std::int64_t>(5 + (draw >> 16U) % 400) * kCent, "USD");
  wire.Seconds(11, time - time % kSecond + 24 * kHour);
  wire.Number(18, attempt);
  wire.End(task);
}

void Fleet::State::EndTask(Agent& agent, std::int64_t time) {
  const std::uint64_t draw = draws.Next();
  if (static_cast<std::uint32_t>(draw) < failure_bound) {
    return FailTask(agent, time, 1, OneOf(kFailureReasons));
  }
  const bool cancelled = (draw >> 32U) % 128 == 0;
  agent.phase = Phase::kIdle;
  BeginEvent(agent, time, true);
  const std::size_t task = wire.Begin(10);
  wire.Number(1, cancelled ? 6 : 4);
  wire.Text(2, kTaskTypes[agent.type]);
  if (cancelled) {
    wire.Seconds(13, time - agent.started);
    wire.Text(20, "no longer needed");
  } else {
    wire.Money(6, static_cast<std::int64_t>(5 + (draw >> 40U) % 400) * kCent, "USD");
    wire.Money(7, static_cast<std::int64_t>(100 + (draw >> 40U) % 4000) * kCent, "USD");
    wire.Seconds(13, time - agent.started);
    wire.Double(19, static_cast<double>(8 + (draw >> 60U) % 9) / 16);
  }
  wire.End(task);
}

void Fleet::State::FailTask(Agent& agent, std::int64_t time, std::uint32_t attempt,
                            std::string_view reason) {
  agent.phase = Phase::kIdle;
  BeginEvent(agent, time, true);
  const std::size_t task = wire.Begin(10);
  wire.Number(1, 5);
  wire.Text(2, kTaskTypes[agent.type]);
  wire.Seconds(13, std::max<std::int64_t>(0, time - agent.started));
  wire.Number(18, attempt);
  wire.Text(20, reason);
  wire.End(task);
}

void Fleet::State::WriteTokens() {
  const std::uint64_t draw = draws.Next();
  const FleetModel& model = kModels[draw % kModels.size()];
  const std::uint64_t input = 200 + (draw >> 8U) % 6000;
  const std::uint64_t output = 20 + (draw >> 24U) % 1200;
  wire.Number(1, 1);
  const std::size_t tokens = wire.Begin(3);
  wire.Number(1, input);
  wire.Number(2, output);
  if ((draw >> 40U) % 4 == 0) wire.Number(3, input / 2);
  wire.End(tokens);
  wire.Text(6, model.provider);
  wire.Text(7, model.name);
}

void Fleet::State::WriteCost(const Agent& agent, std::int64_t time) {
  BeginEvent(agent, time, agent.phase != Phase::kIdle);
  const std::size_t cost = wire.Begin(11);
  const std::uint32_t draw = draws.Below(1000);
  if (draw < 800) {
    WriteTokens();
  } else {
    wire.Number(1, draw < 900 ? 2 : draw < 980 ? 4 : 3);  // infrastructure, tool, labour
    wire.Money(2, static_cast<std::int64_t>(1 + draw % 97) * kCent, "USD");
  }
  wire.End(cost);
}

void Fleet::State::WritePayment(const Agent& agent, std::int64_t time) {
  BeginEvent(agent, time, false);
  const std::uint64_t draw = draws.Next();
  const std::size_t payment = wire.Begin(12);
  wire.Number(1, draw % 100 < 4 ? 2 : 1);
  wire.Money(2, static_cast<std::int64_t>(499 + (draw >> 8U) % 4000) * kCent, "USD");
  std::array<char, 16> customer{'c', '-'};
  const auto end =
      std::to_chars(customer.data() + 2, customer.data() + customer.size(), (draw >> 24U) % 5000);
  wire.Text(3, {customer.data(), static_cast<std::size_t>(end.ptr - customer.data())});
  wire.Text(4, kProducts[(draw >> 40U) % kProducts.size()]);
  wire.End(payment);
}

void Fleet::State::WriteError(const Agent& agent, std::int64_t time) {
  BeginEvent(agent, time, agent.phase != Phase::kIdle);
  const std::uint64_t draw = draws.Next();
  const FleetError& error = kErrors[draw % kErrors.size()];
  const std::size_t body = wire.Begin(13);
  wire.Number(1, error.severity);
  wire.Text(2, kServices[(draw >> 8U) % kServices.size()]);
  wire.Text(3, error.code);
  wire.Text(4, error.message);
  wire.End(body);
}

void Fleet::State::WriteRequest(const Agent& agent, std::int64_t time) {
  BeginEvent(agent, time, false);
  const std::uint64_t draw = draws.Next();
  const std::size_t service = draw % kServices.size();
  // Most are quick, few are slow: the cube of an even draw, up to about two seconds.
  const std::uint64_t even = (draw >> 8U) % 1250;
  const std::int64_t microseconds = 4000 + static_cast<std::int64_t>(even * even * even / 1000);
  const bool ok = (draw >> 32U) % 400 != 0;
  const std::size_t request = wire.Begin(14);
  wire.Text(1, kServices[service]);
  wire.Text(2, kRoutes[(draw >> 48U) % kRoutes.size()]);
  wire.Seconds(3, microseconds * 1000);
  wire.Number(4, ok ? 1 : 0);
  wire.Text(5, ok ? "200" : "503");
  wire.End(request);
}

void Fleet::State::WriteSample(const Agent& agent, std::int64_t time) {
  BeginEvent(agent, time, false);
  const std::uint64_t draw = draws.Next();
  const std::size_t sample = wire.Begin(15);
  wire.Text(1, (draw & 1U) != 0 ? "queue_depth" : "memory_percent");
  wire.Double(2, static_cast<double>((draw >> 8U) % 800) / 8);
  wire.Text(4, kServices[(draw >> 32U) % kServices.size()]);
  wire.Number(5, 1);
  wire.End(sample);
}

void Fleet::State::WriteActivity(const Agent& agent, std::int64_t time) {
  BeginEvent(agent, time, false);
  const std::uint64_t draw = draws.Next();
  const std::size_t activity = wire.Begin(16);
  wire.Text(1, "signup");
  std::array<char, 16> subject{'u', '-'};
  const auto end =
      std::to_chars(subject.data() + 2, subject.data() + subject.size(), (draw >> 24U) % 20'000);
  wire.Text(2, {subject.data(), static_cast<std::size_t>(end.ptr - subject.data())});
  wire.Text(4, kPhases[draw % kPhases.size()]);
  wire.Number(5, 2);
  wire.End(activity);
}

void Fleet::State::WriteChange(const Agent& agent, std::int64_t time) {
  BeginEvent(agent, time, false);
  const std::uint64_t draw = draws.Next();
  const std::size_t change = wire.Begin(17);
  wire.Number(1, draw % 8 == 0 ? 2 : 1);
  wire.Text(2, kServices[(draw >> 8U) % kServices.size()]);
  std::array<char, 16> version{'1', '.'};
  const auto end =
      std::to_chars(version.data() + 2, version.data() + version.size(), (draw >> 24U) % 40);
  wire.Text(3, {version.data(), static_cast<std::size_t>(end.ptr - version.data())});
  wire.Number(4, 2);
  wire.End(change);
}

void Fleet::State::WriteFeedback(const Agent& agent, std::int64_t time) {
  BeginEvent(agent, time, false);
  const std::uint64_t draw = draws.Next();
  const std::uint64_t score = 2 + draw % 4;
  const std::size_t feedback = wire.Begin(18);
  wire.Number(1, score <= 2 ? 1 : 3);
  wire.Double(2, static_cast<double>(score));
  wire.Double(3, 5);
  wire.Text(5, kProducts[(draw >> 40U) % kProducts.size()]);
  wire.End(feedback);
}

void Fleet::State::WriteIncident() {
  const std::int64_t time = incident_next;
  Agent& agent = agents[options.incident->agent];
  const auto attempt = static_cast<std::uint32_t>(incident_events / kIncidentEventsPerFailure) + 1;
  switch (incident_events % kIncidentEventsPerFailure) {
    case 0:
      StartTask(agent, time, attempt);
      break;
    case 1: {
      BeginEvent(agent, time, true);
      const std::size_t cost = wire.Begin(11);
      WriteTokens();
      wire.End(cost);
      break;
    }
    default:
      FailTask(agent, time, attempt, "tool call failed: 503 from upstream, retrying");
  }
  ++incident_events;
  UpdateIncidentTime();
}

Fleet::Fleet(const FleetOptions& options) {
  const Status valid = options.Validate();
  BAROGRAPH_ASSERT(valid.ok(), valid.error().message());
  state_ = std::make_unique<State>(options);
}

Fleet::~Fleet() = default;

bool Fleet::done() const { return next_time() == Time::max(); }

Time Fleet::next_time() const {
  const Time next{Duration(std::min(state_->next, state_->incident_next))};
  return next >= state_->options.end ? Time::max() : next;
}

std::uint64_t Fleet::produced() const { return state_->produced; }

std::size_t Fleet::Append(FleetFraming framing, std::size_t events_max, std::string* out) {
  return AppendUntil(Time::max(), framing, events_max, out);
}

std::size_t Fleet::AppendUntil(Time until, FleetFraming framing, std::size_t events_max,
                               std::string* out) {
  constexpr std::uint32_t kEventsTag = 4U << 3U | 2U;
  const std::int64_t limit = std::min(until, state_->options.end).time_since_epoch().count();
  std::size_t events = 0;
  for (; events < events_max && std::min(state_->next, state_->incident_next) < limit; ++events) {
    state_->WriteNext();
    const std::string_view event = state_->wire.bytes();
    std::array<char, 4> head{};
    std::size_t size = 0;
    if (framing == FleetFraming::kRequest) head[size++] = kEventsTag;
    if (event.size() >= 0x80) head[size++] = static_cast<char>(event.size() | 0x80);
    head[size++] = static_cast<char>(event.size() >= 0x80 ? event.size() >> 7 : event.size());
    out->append(head.data(), size).append(event);
  }
  return events;
}

std::string Fleet::AgentName(std::uint32_t index) {
  std::string digits = std::to_string(index + 1);
  if (digits.size() < 4) digits.insert(0, 4 - digits.size(), '0');
  return "agent-" + digits;
}

std::uint64_t Fleet::events_expected() const {
  const FleetOptions& options = state_->options;
  if (options.end == Time::max()) return 0;
  const double seconds = std::chrono::duration<double>(options.end - options.start).count();
  const std::uint64_t incident =
      options.incident ? std::uint64_t{options.incident->failures} * kIncidentEventsPerFailure : 0;
  return static_cast<std::uint64_t>(seconds * options.events_per_second) + incident;
}

}  // namespace barograph::ingest
