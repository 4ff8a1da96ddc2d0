#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "storage/base/result.h"

namespace barograph::server {

struct HttpRequest {
  std::string method;  ///< "GET" or "HEAD": others are refused before a route is asked
  std::string path;    ///< without the query
  std::map<std::string, std::string, std::less<>>
      query;  ///< decoded; a name without "=" has the value ""
  std::map<std::string, std::string, std::less<>> headers;  ///< names in lower case
  std::string body;
};
struct HttpAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 7172;          ///< 0 = any free one
  std::size_t connections_max = 256;  ///< beyond: refused with 503
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 1024 * 1024;
  std::chrono::seconds idle_timeout{30};  ///< a connection that sends nothing is closed
};

/// HTTP/1.1 on Boost.Beast, one I/O thread; routes run on a second thread, so that a slow one does
/// not hold up accepting, and probes on a third, so that it does not hold up them either.
/// Threads: Route before Start; routes are called on one thread, and probes on one.
class HttpServer {
 public:
  using Handler = std::function<HttpAnswer(const HttpRequest&)>;

  explicit HttpServer(const HttpServerOptions& options);
  ~HttpServer();

  /// Exact path, for GET and HEAD.
  void Route(std::string path, Handler handler);
  /// As Route, for a health probe: answers while another route waits for the disk.
  void RouteProbe(std::string path, Handler handler);
  /// Exact path, for POST.
  void RoutePost(std::string path, Handler handler);
  /// Errors: kUnavailable when the address cannot be bound, naming it.
  [[nodiscard]] Status Start();
  /// Closes all connections and joins the threads.
  void Stop();
  /// After Start.
  [[nodiscard]] std::uint16_t port() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::server
