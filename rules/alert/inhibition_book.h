#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rules/spec/label_matcher.h"
#include "rules/spec/route_spec.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Which firing alerts hold others back. All of it is derived: the firing alerts and the rules say
/// it, and it is made again from them after a start or a reload.
///
/// Threads: owned by one thread.
class InhibitionBook {
 public:
  /// One row for one tuple of values of its `equal` labels.
  using Place = std::pair<std::size_t, std::string>;

  /// Where alerts hold others back that a batch has decided and not yet folded.
  struct Staged {
    std::set<Place> any;   ///< alerts that fit `source`
    std::set<Place> only;  ///< of those, the ones that do not fit `target`
  };

  /// Forgets everything; the caller tracks what fires again.
  void Configure(const std::vector<InhibitionSpec>& inhibitions);
  /// The alert fires, or does so no longer. Returns the keys of firing alerts that are from now on
  /// held back, or no longer.
  [[nodiscard]] std::vector<std::string> Track(const std::string& key,
                                               const storage::Labels& labels, bool firing);

  /// Whether a firing alert with these labels is held back.
  [[nodiscard]] bool Holds(const storage::Labels& labels) const;
  /// The same, as if the alerts that were staged fired too.
  [[nodiscard]] bool Holds(const storage::Labels& labels, const Staged& staged) const;
  /// Adds an alert with these labels to those that fire.
  void Stage(const storage::Labels& labels, Staged* staged) const;
  /// Rows that hold an alert with these labels back now, each with the key of one alert that does
  /// it.
  [[nodiscard]] std::vector<std::pair<std::size_t, std::string>> HeldBy(
      const storage::Labels& labels) const;

 private:
  struct Row {
    MatcherSet source, target;
    std::vector<std::string> equal;
  };
  struct Standing {
    std::set<std::string> sources;       ///< firing alerts that fit `source`
    std::set<std::string> only_sources;  ///< of those, the ones that do not fit `target`
    std::set<std::string> targets;       ///< firing alerts that fit `target`
  };
  [[nodiscard]] static std::string EqualKey(const Row& row, const storage::Labels& labels);
  [[nodiscard]] static bool Inhibits(const Standing& standing, bool fits_both);

  std::vector<Row> rows_;
  std::map<Place, Standing> standing_;
};

}  // namespace barograph::rules
