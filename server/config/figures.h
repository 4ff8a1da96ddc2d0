#pragma once

#include <map>
#include <string>
#include <vector>

#include "server/config/diagnostic.h"
#include "server/config/yaml_tree.h"

namespace barograph::server {

/// What rules ask of their user, by the names under which rule files refer to it: budget.amount,
/// budget.period, goal.amount, goal.period, goal.prorate (profile for days, else linear) and
/// conversion. They come from the settings `budget: 50 USD/day`, `goal: 300 USD/day` and
/// `conversion: 2%`.
struct Figures {
  std::map<std::string, std::string> values;  ///< only those that are set
};

/// A rule that waits for a figure.
struct InertRule {
  std::string name;
  std::string setting;  ///< "budget"
};

/// Puts figures in the place of `${...}` in all scalars of a rule file. A rule (an item of a list
/// of the file) that names one which is not set is taken out and listed in `inert`.
/// Errors: an unknown name is told with its place and the nearest one.
void FillFigures(const Figures& figures, YamlNode* file, std::vector<InertRule>* inert,
                 Diagnostics* diagnostics);

/// What to write to set it: "budget: 50 USD/day".
[[nodiscard]] std::string ExampleOfSetting(const std::string& setting);

}  // namespace barograph::server
