#pragma once

namespace CLI {
class App;
}

namespace barograph::server {

/// `barograph serve`: see command.h.
void AddServeCommand(CLI::App& root, int* status);

}  // namespace barograph::server
