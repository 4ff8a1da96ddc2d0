#include "ingest/formats/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "barograph/v1/event.pb.h"
#include "barograph/v1/ingest.pb.h"
#include "storage/event/event_view.h"

// Method: read the bytes back, with protobuf and with the log's own reader, and look at what the
// fleet did.
namespace barograph::ingest {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{Duration(1'790'000'000'000'000'000)};

std::vector<v1::Event> ReadAll(Fleet& fleet, std::size_t events_max) {
  std::string payload;
  fleet.Append(FleetFraming::kPayload, events_max, &payload);
  std::vector<v1::Event> events;
  storage::PayloadReader reader(payload);
  for (std::string_view wire; reader.Next(&wire);) {
    events.emplace_back();
    EXPECT_TRUE(events.back().ParseFromArray(wire.data(), static_cast<int>(wire.size())));
  }
  EXPECT_TRUE(reader.ok());
  return events;
}

std::int64_t Nanos(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1'000'000'000 + time.nanos();
}

TEST(FleetTest, EqualOptionsGiveEqualBytesAndAnotherSeedDoesNot) {
  const auto bytes = [](std::uint64_t seed) {
    Fleet fleet({.agents = 20, .seed = seed, .start = kStart});
    std::string payload;
    EXPECT_EQ(fleet.Append(FleetFraming::kPayload, 2000, &payload), 2000U);
    return payload;
  };
  EXPECT_EQ(bytes(7), bytes(7));
  EXPECT_NE(bytes(7), bytes(8));
}

TEST(FleetTest, TheServerAcceptsEveryEvent) {
  for (const FleetIds ids : {FleetIds::kAbsent, FleetIds::kRandom}) {
    Fleet fleet({.agents = 100, .start = kStart, .failure_ratio = 0.1, .ids = ids});
    std::string payload;
    fleet.Append(FleetFraming::kPayload, 50'000, &payload);
    storage::PayloadReader reader(payload);
    storage::EventView view;
    std::size_t read = 0;
    for (std::string_view wire; reader.Next(&wire); ++read) {
      const Status status = storage::ReadEvent(wire, storage::EventSource::kOutside, &view);
      ASSERT_TRUE(status.ok()) << status.error().message();
    }
    EXPECT_EQ(read, 50'000U);
  }
}

TEST(FleetTest, TheBytesAreThoseThatProtobufWrites) {
  Fleet fleet({.agents = 30, .start = kStart, .failure_ratio = 0.1, .ids = FleetIds::kRandom});
  std::string payload;
  fleet.Append(FleetFraming::kPayload, 5000, &payload);
  storage::PayloadReader reader(payload);
  for (std::string_view wire; reader.Next(&wire);) {
    v1::Event event;
    ASSERT_TRUE(event.ParseFromArray(wire.data(), static_cast<int>(wire.size())));
    ASSERT_EQ(event.SerializeAsString(), wire) << event.ShortDebugString();
  }
}

TEST(FleetTest, ARequestHoldsTheSameEvents) {
  Fleet fleet({.agents = 5, .start = kStart});
  Fleet same({.agents = 5, .start = kStart});
  std::string bytes;
  fleet.Append(FleetFraming::kRequest, 500, &bytes);
  v1::PublishRequest request;
  ASSERT_TRUE(request.ParseFromString(bytes));
  const std::vector<v1::Event> events = ReadAll(same, 500);
  ASSERT_EQ(request.events_size(), 500);
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(request.events(i).SerializeAsString(),
              events[static_cast<std::size_t>(i)].SerializeAsString());
  }
}

TEST(FleetTest, KindsComeInTheSharesThatTheHeaderNames) {
  Fleet fleet({.agents = 100, .start = kStart});
  std::map<int, int> kinds;
  for (const v1::Event& event : ReadAll(fleet, 100'000)) ++kinds[event.kind_case()];
  const auto share = [&](int kind, double expected) {
    EXPECT_NEAR(kinds[kind] / 100'000.0, expected, 0.01) << kind;
  };
  share(v1::Event::kTask, 0.40);
  share(v1::Event::kCost, 0.27);
  share(v1::Event::kRequest, 0.14);
  share(v1::Event::kSample, 0.08);
  share(v1::Event::kPayment, 0.04);
  share(v1::Event::kError, 0.03);
  share(v1::Event::kActivity, 0.02);
  share(v1::Event::kFeedback, 0.01);
  share(v1::Event::kChange, 0.01);
}

TEST(FleetTest, EventsHaveTheSizeThatTheHeaderNames) {
  const auto mean_bytes = [](FleetIds ids) {
    Fleet fleet({.agents = 1000, .start = kStart, .ids = ids});
    std::string payload;
    fleet.Append(FleetFraming::kPayload, 100'000, &payload);
    return static_cast<double>(payload.size()) / 100'000 - 1;
  };
  EXPECT_NEAR(mean_bytes(FleetIds::kAbsent), 90, 4);
  EXPECT_NEAR(mean_bytes(FleetIds::kRandom), 128, 4);
}

TEST(FleetTest, TasksStartOnceAndEndOnceUnderTheirOwnId) {
  Fleet fleet({.agents = 10, .start = kStart, .failure_ratio = 0.2});
  std::set<std::string> open, ended;
  for (const v1::Event& event : ReadAll(fleet, 20'000)) {
    if (!event.has_task()) continue;
    if (event.task().status() == v1::Task::STARTED) {
      EXPECT_TRUE(open.insert(event.task_id()).second);
      EXPECT_FALSE(ended.contains(event.task_id()));
    } else if (event.task().status() >= v1::Task::COMPLETED) {
      EXPECT_EQ(open.erase(event.task_id()), 1U);
      EXPECT_TRUE(ended.insert(event.task_id()).second);
    }
  }
  EXPECT_GT(ended.size(), 1000U);
}

TEST(FleetTest, RandomIdsAreDistinctUuidsOfVersion7) {
  Fleet fleet({.agents = 10, .start = kStart, .ids = FleetIds::kRandom});
  std::set<std::string> ids;
  for (const v1::Event& event : ReadAll(fleet, 10'000)) {
    EXPECT_THAT(event.id(),
                testing::MatchesRegex(
                    "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_EQ(std::stoll(event.id().substr(0, 8) + event.id().substr(9, 4), nullptr, 16),
              Nanos(event.time()) / 1'000'000);
    ids.insert(event.id());
  }
  EXPECT_EQ(ids.size(), 10'000U);
}

TEST(FleetTest, TimesNeverGoBackAndStayBeforeTheEnd) {
  Fleet fleet({.agents = 10,
               .start = kStart,
               .end = kStart + 2h,
               .events_per_second = 3,
               .incident = FleetIncident{.at = kStart + 30min}});
  std::int64_t last = kStart.time_since_epoch().count();
  const std::vector<v1::Event> events = ReadAll(fleet, 1'000'000);
  for (const v1::Event& event : events) {
    EXPECT_GE(Nanos(event.time()), last);
    last = Nanos(event.time());
  }
  EXPECT_LT(last, (kStart + 2h).time_since_epoch().count());
  EXPECT_TRUE(fleet.done());
  EXPECT_EQ(fleet.produced(), events.size());
}

TEST(FleetTest, AWholeDayHasTheRateThatWasAskedForWithAndWithoutSwing) {
  const Time midnight{std::chrono::floor<std::chrono::days>(kStart)};
  for (const double swing : {0.0, 1.0}) {
    Fleet fleet({.agents = 10,
                 .start = midnight,
                 .end = midnight + 24h,
                 .events_per_second = 1,
                 .daily_swing = swing});
    std::string payload;
    const std::size_t events = fleet.Append(FleetFraming::kPayload, 1'000'000, &payload);
    EXPECT_NEAR(static_cast<double>(events), 86'400, 900);
    EXPECT_NEAR(static_cast<double>(fleet.events_expected()), 86'400, 1);
  }
}

TEST(FleetTest, TheIncidentIsARetryStormOfOneAgent) {
  const Time at = kStart + 10min;
  Fleet fleet({.agents = 10,
               .start = kStart,
               .end = kStart + 20min,
               .events_per_second = 2,
               .failure_ratio = 0,
               .incident = FleetIncident{.at = at, .length = 15s, .failures = 80, .agent = 3}});
  int failed = 0;
  for (const v1::Event& event : ReadAll(fleet, 1'000'000)) {
    if (event.task().status() != v1::Task::FAILED) continue;
    ++failed;
    EXPECT_EQ(event.agent(), Fleet::AgentName(3));
    EXPECT_EQ(event.task().attempt(), static_cast<std::uint32_t>(failed));
    EXPECT_GE(Nanos(event.time()), at.time_since_epoch().count());
    EXPECT_LT(Nanos(event.time()), (at + 15s).time_since_epoch().count());
  }
  EXPECT_EQ(failed, 80);
}

TEST(FleetTest, AppendUntilGivesOnlyWhatHasHappened) {
  Fleet fleet({.agents = 10, .start = kStart, .events_per_second = 10});
  std::string payload;
  EXPECT_EQ(fleet.AppendUntil(kStart, FleetFraming::kPayload, 100, &payload), 0U);
  const std::size_t first = fleet.AppendUntil(kStart + 10s, FleetFraming::kPayload, 1000, &payload);
  EXPECT_GT(first, 20U);
  EXPECT_GE(fleet.next_time(), kStart + 10s);
  EXPECT_EQ(fleet.AppendUntil(kStart + 10s, FleetFraming::kPayload, 1000, &payload), 0U);
}

TEST(FleetOptionsTest, ValidateNamesTheFieldAndTheRange) {
  const auto rejects = [](const FleetOptions& options, std::string_view field) {
    const Status status = options.Validate();
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.error().message(), testing::StartsWith(std::string(field) + ":"));
  };
  rejects({.agents = 0, .start = kStart}, "agents");
  rejects({.start = kStart, .end = kStart - 1s}, "end");
  rejects({.start = kStart, .events_per_second = 0}, "events_per_second");
  rejects({.start = kStart, .events_per_second = std::numeric_limits<double>::quiet_NaN()},
          "events_per_second");
  rejects({.start = kStart, .daily_swing = 1.5}, "daily_swing");
  rejects({.start = kStart, .failure_ratio = -1}, "failure_ratio");
  rejects({.agents = 4, .start = kStart, .incident = FleetIncident{.at = kStart, .agent = 4}},
          "incident.agent");
  EXPECT_TRUE(FleetOptions{}.Validate().ok());
}

}  // namespace
}  // namespace barograph::ingest
