#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rules/window/window_store.h"

namespace barograph::rules {

/// An event of a test by value, with the yields that would come of it.
struct TestEvent {
  Time time{};
  std::string agent, type;
  struct Value {
    MeasureName measure;
    MeasureType type = MeasureType::kSum;
    Int128 value = 1;
    std::uint32_t count = 1;
  };
  std::vector<Value> values;
};

/// Folds it as a task event.
inline void FoldInto(WindowStore* store, const TestEvent& event) {
  storage::EventView view;
  view.agent = event.agent;
  view.kind = storage::EventKind::kTask;
  view.task = storage::TaskView{};
  view.task.status = storage::TaskStatus::kCompleted;
  view.task.type = event.type;
  std::vector<Yield> yields;
  for (const TestEvent::Value& value : event.values) {
    yields.push_back({store->Intern(value.measure), value.type, value.count, value.value});
  }
  store->Fold(view, event.time, yields);
}

inline std::string CanonicalOf(const WindowStore& store) {
  std::string bytes;
  store.Canonical([&bytes](std::string_view part) { bytes += part; });
  return bytes;
}

/// The table that checkpoints are written to.
class CheckpointTable {
 public:
  /// Writes one slice; true when the checkpoint is complete and in the table.
  bool Continue(WindowStore* store, std::size_t rows_max) {
    const bool done =
        store->ContinueCheckpoint(rows_max, [this](std::string_view key, std::string_view value) {
          waiting_.emplace_back(key, value);
        });
    if (done) Apply();
    return done;
  }
  void Write(WindowStore* store) {
    store->BeginCheckpoint();
    while (!Continue(store, 100)) {
    }
  }
  /// Loads the last complete checkpoint.
  Status Load(WindowStore* store) const {
    for (const auto& [key, value] : rows_) BAROGRAPH_TRY(store->LoadRow(key, value));
    return store->FinishLoad();
  }
  void Attach(WindowStore* store) const {
    store->SetColdReader([this](std::string_view key) -> std::optional<std::string> {
      const auto found = rows_.find(key);
      if (found == rows_.end()) return std::nullopt;
      return found->second;
    });
  }
  /// The process died before the checkpoint was complete.
  void Forget() { waiting_.clear(); }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& rows() const {
    return rows_;
  }

 private:
  void Apply() {
    for (auto& [key, value] : waiting_) {
      if (value.empty()) {
        rows_.erase(key);
      } else {
        rows_.insert_or_assign(key, value);
      }
    }
    waiting_.clear();
  }
  std::map<std::string, std::string, std::less<>> rows_;
  std::vector<std::pair<std::string, std::string>> waiting_;
};

}  // namespace barograph::rules
