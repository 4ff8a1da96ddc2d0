#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace barograph::rules {

/// Remembers which rows of a table must go into the next checkpoint, and keeps the old version of a
/// row that changes while the checkpoint is still on its way (copy before write).
///
/// Threads: owned by one thread.
class ChangedRows {
 public:
  using RowSink = std::function<void(std::string_view key, std::string_view value)>;

  /// To be called before the row of `key` changes, comes or goes; `encode` gives its value now and
  /// is asked only when the checkpoint under way still needs it. An empty value stands for a row
  /// that does not exist.
  template <typename Encode>
  void BeforeChange(const std::string& key, const Encode& encode) {
    if (owed_.erase(key) > 0) saved_.emplace_back(key, encode(key));
    changed_.insert(key);
  }
  /// What changed until here belongs to the checkpoint that starts.
  void Begin() { owed_.merge(std::exchange(changed_, {})); }
  /// Emits rows while `*budget` lasts; true when nothing is owed any more. A deletion has an empty
  /// value.
  template <typename Encode>
  bool Continue(std::size_t* budget, const Encode& encode, const RowSink& sink) {
    for (; *budget > 0 && !saved_.empty(); --*budget) {
      sink(saved_.back().first, saved_.back().second);
      saved_.pop_back();
    }
    for (; *budget > 0 && !owed_.empty(); --*budget) {
      const auto row = owed_.extract(owed_.begin());
      sink(row.value(), encode(row.value()));
    }
    return saved_.empty() && owed_.empty();
  }

 private:
  std::set<std::string> changed_;
  std::set<std::string> owed_;
  std::vector<std::pair<std::string, std::string>> saved_;
};

}  // namespace barograph::rules
