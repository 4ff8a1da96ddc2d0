#include "server/config/figures.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include "ingest/formats/nearest_name.h"

namespace barograph::server {
namespace {

constexpr std::array<std::string_view, 6> kFigures = {
    "budget.amount", "budget.period", "conversion", "goal.amount", "goal.period", "goal.prorate"};

/// Fills the figures of one rule, and says which settings it waits for.
class RuleFill {
 public:
  RuleFill(const Figures& figures, Diagnostics* diagnostics)
      : figures_(figures), diagnostics_(*diagnostics) {}

  void Fill(YamlNode* node) {
    if (node->kind == YamlNode::Kind::kScalar) FillText(node);
    for (YamlNode& item : node->items) Fill(&item);
  }
  [[nodiscard]] const std::set<std::string>& missing() const { return missing_; }

 private:
  void FillText(YamlNode* node) {
    constexpr std::string_view kOpen = "${";
    std::string& text = node->text;
    for (std::size_t at = text.find(kOpen); at != std::string::npos; at = text.find(kOpen, at)) {
      if (text.compare(at + kOpen.size(), 1, "{") == 0) {  // A dollar before a template's tag.
        at += kOpen.size() + 1;
        continue;
      }
      const std::size_t end = text.find('}', at);
      const std::string name =
          text.substr(at + kOpen.size(), end == std::string::npos ? end : end - at - kOpen.size());
      if (end == std::string::npos || !std::ranges::binary_search(kFigures, name)) {
        diagnostics_.Add(node->position,
                         "'${" + name + "}' is no figure" +
                             ingest::DidYouMean(name, {kFigures.begin(), kFigures.end()}));
        return;
      }
      const auto value = figures_.values.find(name);
      if (value == figures_.values.end()) {
        missing_.insert(name.substr(0, name.find('.')));
        return;
      }
      text.replace(at, end + 1 - at, value->second);
      at += value->second.size();
    }
  }

  const Figures& figures_;
  Diagnostics& diagnostics_;
  std::set<std::string> missing_;
};

std::string NameOf(const YamlNode& rule) {
  for (std::size_t i = 0; i < rule.keys.size(); ++i) {
    if (rule.keys[i].text == "name") return rule.items[i].text;
  }
  return rule.position.ToString();
}

}  // namespace

void FillFigures(const Figures& figures, YamlNode* file, std::vector<InertRule>* inert,
                 Diagnostics* diagnostics) {
  if (file->kind != YamlNode::Kind::kMap) return;
  for (YamlNode& section : file->items) {
    if (section.kind != YamlNode::Kind::kSequence) continue;
    std::erase_if(section.items, [&](YamlNode& rule) {
      RuleFill fill(figures, diagnostics);
      fill.Fill(&rule);
      for (const std::string& setting : fill.missing()) inert->push_back({NameOf(rule), setting});
      return !fill.missing().empty();
    });
  }
}

std::string ExampleOfSetting(const std::string& setting) {
  if (setting == "budget") return "budget: 50 USD/day";
  if (setting == "goal") return "goal: 300 USD/day";
  return setting + ": 2%";
}

}  // namespace barograph::server
