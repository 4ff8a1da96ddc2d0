#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "barograph/v1/event.pb.h"
#include "storage/base/clock.h"
#include "storage/event/server_event.h"
#include "tests/reference/dice.h"

namespace barograph::reference {

/// A small fleet's events: every kind, failing now and then, out of order, late by seconds or by
/// days, ahead of time, and sent twice under the same id.
class RandomEvents {
 public:
  RandomEvents(Dice* dice, std::uint64_t seed)
      : dice_(dice), prefix_("s" + std::to_string(seed) + "-") {}

  /// One or a few events that arrive at `now`; some of them arrived before.
  std::vector<v1::Event> Arrive(Time now);
  /// Events of the days before `now`.
  std::vector<v1::Event> History(Time now, int count);
  /// From now on a different share of what happens is bad.
  void ChangeLuck();

  static storage::PricesApplied Prices(Dice* dice, Time effective_from);

 private:
  v1::Event Make(Time now);
  void FillTask(Time now, v1::Event* event);
  void FillCost(v1::Event* event);
  void FillPayment(v1::Event* event);
  void FillRequest(v1::Event* event);
  void FillSample(v1::Event* event);
  void FillRest(v1::Event* event);
  void SetTime(Time time, v1::Event* event);

  Dice* dice_;
  std::string prefix_;
  std::uint64_t made_ = 0;
  int bad_percent_ = 2;
  std::vector<std::string> open_tasks_;
  std::vector<v1::Event> sent_;
};

}  // namespace barograph::reference
