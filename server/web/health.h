#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/web/http_server.h"

namespace barograph::server {

/// One named reason why the server may not be ready.
struct HealthCheck {
  std::string name;  ///< "log", "writer", "disk"
  /// Empty when good; else what is wrong.
  std::function<std::string()> problem;
};

/// The Kubernetes probes, with the API server's conventions: 200 "ok" or 503, and `?verbose` lists
/// each check as "[+]name ok" or
/// "[-]name failed: why"; `?exclude=name` leaves one out.
/// Threads: checks are called on the HTTP server's route thread.
class Health {
 public:
  /// A check that must be good for /readyz (and /startupz until it first was).
  void Add(HealthCheck check);
  /// A check whose failure means that only a restart helps: /livez.
  void AddLiveness(HealthCheck check);
  /// Adds /livez, /readyz, /startupz and /healthz (= /readyz).
  void AddRoutes(HttpServer& server);
  /// The answer to a probe over `checks`.
  [[nodiscard]] static HttpAnswer Probe(const std::string& name,
                                        const std::vector<HealthCheck>& checks,
                                        const HttpRequest& request);

 private:
  std::vector<HealthCheck> ready_;
  std::vector<HealthCheck> live_;
  bool started_ = false;
};

}  // namespace barograph::server
