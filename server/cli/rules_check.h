#pragma once

namespace CLI {
class App;
}

namespace barograph::server {

/// Adds `check` to `barograph rules`: the same as `config check`, under the name where users of
/// rules look for it.
void AddRulesCheck(CLI::App& rules, int* status);

}  // namespace barograph::server
