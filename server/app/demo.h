#pragma once

namespace CLI {
class App;
}

namespace barograph::server {

/// `barograph demo`: a server on a fresh folder, thirty days of a simulated fleet's history loaded
/// over its public gRPC interface, the fleet live, and an incident that ends as a verified webhook
/// on the screen.
void AddDemoCommand(CLI::App& root, int* status);

}  // namespace barograph::server
