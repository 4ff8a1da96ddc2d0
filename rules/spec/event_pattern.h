#pragma once

#include <string>
#include <vector>

#include "rules/window/window_store.h"

namespace barograph::rules {

/// Events that yield a measure and pass the filters: `{changes: {type: DEPLOY, state: DONE}}`.
struct EventPattern {
  std::string measure;                    ///< base name; an open family's with its name
  std::vector<Projection::Filter> where;  ///< sorted by dimension; a conjunction
  friend bool operator==(const EventPattern&, const EventPattern&) = default;
};

}  // namespace barograph::rules
