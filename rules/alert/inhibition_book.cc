#include "rules/alert/inhibition_book.h"

#include "rules/spec/rule.h"

namespace barograph::rules {

void InhibitionBook::Configure(const std::vector<InhibitionSpec>& inhibitions) {
  rows_.clear();
  standing_.clear();
  for (const InhibitionSpec& spec : inhibitions)
    rows_.push_back({MatcherSet(spec.source), MatcherSet(spec.target), spec.equal});
}

std::string InhibitionBook::EqualKey(const Row& row, const storage::Labels& labels) {
  std::string key;
  for (const std::string& name : row.equal) {
    // A label that is missing counts as empty, as in Alertmanager.
    if (const auto found = labels.find(name); found != labels.end()) key += found->second;
    key.push_back('\xFF');
  }
  return key;
}

/// An alert that fits both sides is held back only by alerts that do not.
bool InhibitionBook::Inhibits(const Standing& standing, bool fits_both) {
  return fits_both ? !standing.only_sources.empty() : !standing.sources.empty();
}

std::vector<std::string> InhibitionBook::Track(const std::string& key,
                                               const storage::Labels& labels, bool firing) {
  std::vector<std::string> affected;
  if (IsShadow(labels)) return affected;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    const bool source = row.source.Fits(labels);
    const bool target = row.target.Fits(labels);
    if (!source && !target) continue;
    const Place place(i, EqualKey(row, labels));
    Standing& standing = standing_[place];
    const bool before = Inhibits(standing, false), before_both = Inhibits(standing, true);
    const auto keep = [&](std::set<std::string>* keys, bool fits) {
      if (firing && fits) keys->insert(key);
      if (!firing) keys->erase(key);
    };
    keep(&standing.sources, source);
    keep(&standing.only_sources, source && !target);
    keep(&standing.targets, target);
    if (before != Inhibits(standing, false) || before_both != Inhibits(standing, true)) {
      affected.insert(affected.end(), standing.targets.begin(), standing.targets.end());
    }
    if (standing.sources.empty() && standing.targets.empty()) standing_.erase(place);
  }
  return affected;
}

bool InhibitionBook::Holds(const storage::Labels& labels) const { return Holds(labels, {}); }

bool InhibitionBook::Holds(const storage::Labels& labels, const Staged& staged) const {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    if (!row.target.Fits(labels)) continue;
    const Place place(i, EqualKey(row, labels));
    const bool both = row.source.Fits(labels);
    if ((both ? staged.only : staged.any).contains(place)) return true;
    const auto found = standing_.find(place);
    if (found != standing_.end() && Inhibits(found->second, both)) return true;
  }
  return false;
}

void InhibitionBook::Stage(const storage::Labels& labels, Staged* staged) const {
  if (IsShadow(labels)) return;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    if (!row.source.Fits(labels)) continue;
    Place place(i, EqualKey(row, labels));
    if (!row.target.Fits(labels)) staged->only.insert(place);
    staged->any.insert(std::move(place));
  }
}

std::vector<std::pair<std::size_t, std::string>> InhibitionBook::HeldBy(
    const storage::Labels& labels) const {
  std::vector<std::pair<std::size_t, std::string>> held;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    if (!row.target.Fits(labels)) continue;
    const auto found = standing_.find(Place(i, EqualKey(row, labels)));
    if (found == standing_.end()) continue;
    const bool both = row.source.Fits(labels);
    if (!Inhibits(found->second, both)) continue;
    const auto& sources = both ? found->second.only_sources : found->second.sources;
    held.emplace_back(i, *sources.begin());
  }
  return held;
}

}  // namespace barograph::rules
