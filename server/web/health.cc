#include "server/web/health.h"

#include <utility>

namespace barograph::server {

void Health::Add(HealthCheck check) { ready_.push_back(std::move(check)); }
void Health::AddLiveness(HealthCheck check) { live_.push_back(std::move(check)); }

HttpAnswer Health::Probe(const std::string& name, const std::vector<HealthCheck>& checks,
                         const HttpRequest& request) {
  const auto excluded = request.query.find("exclude");
  std::string lines;
  bool good = true;
  for (const HealthCheck& check : checks) {
    if (excluded != request.query.end() && excluded->second == check.name) {
      lines += "[+]" + check.name + " excluded\n";
      continue;
    }
    const std::string problem = check.problem();
    good = good && problem.empty();
    lines += problem.empty() ? "[+]" + check.name + " ok\n"
                             : "[-]" + check.name + " failed: " + problem + "\n";
  }
  HttpAnswer answer;
  answer.status = good ? 200 : 503;
  const std::string verdict = name + (good ? " check passed\n" : " check failed\n");
  answer.body = request.query.contains("verbose") || !good ? lines + verdict : "ok\n";
  return answer;
}

void Health::AddRoutes(HttpServer& server) {
  server.RouteProbe("/livez",
                    [this](const HttpRequest& request) { return Probe("livez", live_, request); });
  const auto ready = [this](const std::string& name) {
    return [this, name](const HttpRequest& request) { return Probe(name, ready_, request); };
  };
  server.RouteProbe("/readyz", ready("readyz"));
  server.RouteProbe("/healthz", ready("healthz"));
  server.RouteProbe("/startupz", [this](const HttpRequest& request) {
    if (started_) return HttpAnswer{.body = "ok\n"};
    HttpAnswer answer = Probe("startupz", ready_, request);
    started_ = answer.status == 200;
    return answer;
  });
}

}  // namespace barograph::server
