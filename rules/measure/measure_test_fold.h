#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barograph/v1/event.pb.h"
#include "rules/measure/measure_fold.h"
#include "storage/base/money.h"
#include "storage/event/event_view.h"

namespace barograph::rules {

/// A MeasureFold over events written as protobuf text, with its yields as text:
///   "tasks.completed=1"            a sum
///   "cost[USD]=1500000000"         a sum with its qualifier
///   "task.duration~2000000000x3"   a value of a distribution, three times
///   "sample:queue[gauge]@7x1"      a level
///   "agents#"                      a value of a distinct count
class TextFold {
 public:
  TextFold() : fold([this](const MeasureName& name) { return Intern(name); }) {}

  std::vector<std::string> Fold(std::string_view text, Time time = kTime) {
    return Texts(fold.Fold(Read(text), time));
  }
  std::vector<std::string> Fold(const storage::ServerEvent& event) {
    return Texts(fold.Fold(event));
  }

  /// The view stays valid as long as this object.
  const storage::EventView& Read(std::string_view text) {
    v1::Event event;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string(text), &event)) << text;
    wires_.push_back(event.SerializeAsString());
    const Status status = storage::ReadEvent(wires_.back(), storage::EventSource::kLog, &view_);
    EXPECT_TRUE(status.ok()) << text;
    return view_;
  }

  [[nodiscard]] std::string Canonical() const {
    std::string all;
    fold.Canonical([&](std::string_view piece) { all.append(piece); });
    return all;
  }

  static constexpr Time kTime = Time(std::chrono::seconds(1'700'000'000));
  MeasureFold fold;

 private:
  MeasureId Intern(const MeasureName& name) {
    const auto [at, added] = ids_.try_emplace(name, static_cast<std::uint16_t>(names_.size()));
    if (added) names_.push_back(name);
    return {at->second};
  }

  std::vector<std::string> Texts(std::span<const Yield> yields) const {
    std::vector<std::string> texts;
    for (const Yield& yield : yields) {
      const MeasureName& name = names_[yield.measure.value];
      std::string text = name.base;
      if (!name.qualifier.empty()) text += "[" + name.qualifier + "]";
      const std::string value = FormatDecimal(yield.value, 0);
      const std::string times = "x" + std::to_string(yield.count);
      switch (yield.type) {
        case MeasureType::kSum:
          text += "=" + value;
          break;
        case MeasureType::kDistribution:
          text += "~" + value + times;
          break;
        case MeasureType::kGauge:
          text += "@" + value + times;
          break;
        case MeasureType::kDistinct:
          text += "#";
          break;
      }
      texts.push_back(text);
    }
    return texts;
  }

  std::map<MeasureName, std::uint16_t> ids_;
  std::vector<MeasureName> names_;
  std::deque<std::string> wires_;
  storage::EventView view_;
};

}  // namespace barograph::rules
