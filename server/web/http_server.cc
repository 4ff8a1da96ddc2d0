#include "server/web/http_server.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "storage/base/thread.h"

namespace barograph::server {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;

/// Percent-decoding of a query part; a broken escape stays as it is.
std::string Decode(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size() && digit(text[at + 1]) >= 0 &&
        digit(text[at + 2]) >= 0) {
      out.push_back(static_cast<char>(digit(text[at + 1]) * 16 + digit(text[at + 2])));
      at += 2;
    } else {
      out.push_back(text[at] == '+' ? ' ' : text[at]);
    }
  }
  return out;
}

HttpRequest Parse(const http::request<http::string_body>& message) {
  HttpRequest request;
  request.method = std::string(message.method_string());
  std::string_view target(message.target().data(), message.target().size());
  const std::size_t question = target.find('?');
  request.path = Decode(target.substr(0, question));
  request.body = message.body();
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    request.headers[std::move(name)] = std::string(field.value());
  }
  if (question == std::string_view::npos) return request;
  std::string_view query = target.substr(question + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    request.query[Decode(pair.substr(0, equals))] = Decode(value);
  }
  return request;
}

}  // namespace

struct HttpServer::State {
  explicit State(const HttpServerOptions& options_of) : options(options_of), acceptor(io) {}

  class Connection;

  const HttpServerOptions options;
  std::map<std::string, Handler, std::less<>> routes, post_routes;
  std::set<std::string, std::less<>> probes;  // of the routes
  std::size_t connections = 0;                // the I/O thread only
  // Handlers that never ran go with it, and their connections still count themselves off above.
  asio::io_context io{1};
  Tcp::acceptor acceptor;
  asio::thread_pool work{1}, probing{1};
  std::thread thread;

  void Accept();
  HttpAnswer Answer(const HttpRequest& request) const;
};

HttpAnswer HttpServer::State::Answer(const HttpRequest& request) const {
  const bool post = request.method == "POST";
  if (!post && request.method != "GET" && request.method != "HEAD") {
    return {.status = 405, .body = request.method + " is not understood here\n"};
  }
  const auto& chosen = post ? post_routes : routes;
  const auto route = chosen.find(request.path);
  if (route != chosen.end()) return route->second(request);
  if ((post ? routes : post_routes).contains(request.path)) {
    return {.status = 405, .body = request.path + " takes no " + request.method + "\n"};
  }
  std::string body = "there is no " + request.path + "; there are:\n";
  for (const auto& [path, handler] : routes) body += "  " + path + "\n";
  return {.status = 404, .body = std::move(body)};
}

class HttpServer::State::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(State& state, Tcp::socket socket) : state_(state), stream_(std::move(socket)) {
    ++state_.connections;
  }
  ~Connection() { --state_.connections; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(state_.options.header_bytes_max));
    parser_->body_limit(state_.options.body_bytes_max);
    stream_.expires_after(state_.options.idle_timeout);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) return self->Handle();
                       if (error == http::error::header_limit || error == http::error::body_limit) {
                         self->Write({.status = 413, .body = "the request is too large\n"}, false);
                       }
                     });
  }

  void Write(HttpAnswer answer, bool keep_alive) {
    message_ = {};
    message_.version(11);
    message_.result(static_cast<unsigned>(answer.status));
    message_.set(http::field::content_type, answer.content_type);
    message_.set(http::field::cache_control, "no-store");
    message_.set("X-Content-Type-Options", "nosniff");
    message_.body() = std::move(answer.body);
    message_.keep_alive(keep_alive);
    message_.prepare_payload();
    if (head_) message_.body().clear();
    stream_.expires_after(state_.options.idle_timeout);
    http::async_write(
        stream_, message_,
        [self = shared_from_this(), keep_alive](beast::error_code error, std::size_t) {
          if (!error && keep_alive) return self->Read();
          beast::error_code ignored;
          self->stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
        });
  }

 private:
  void Handle() {
    const auto& message = parser_->get();
    head_ = message.method() == http::verb::head;
    HttpRequest parsed = Parse(message);
    asio::thread_pool& pool = state_.probes.contains(parsed.path) ? state_.probing : state_.work;
    // The worker hands its share over and keeps none: a connection ends on the I/O thread.
    asio::post(pool, [self = shared_from_this(), request = std::move(parsed),
                      keep_alive = message.keep_alive()]() mutable {
      State& state = self->state_;
      HttpAnswer answer = state.Answer(request);
      asio::post(state.io,
                 [self = std::move(self), keep_alive, answer = std::move(answer)]() mutable {
                   self->Write(std::move(answer), keep_alive);
                 });
    });
  }

  State& state_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> message_;
  bool head_ = false;
};

void HttpServer::State::Accept() {
  acceptor.async_accept([this](beast::error_code error, Tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      const bool room = connections < options.connections_max;
      auto connection = std::make_shared<Connection>(*this, std::move(socket));
      if (room) {
        connection->Read();
      } else {
        connection->Write({.status = 503, .body = "too many connections\n"}, false);
      }
    }
    Accept();
  });
}

HttpServer::HttpServer(const HttpServerOptions& options)
    : state_(std::make_unique<State>(options)) {}
HttpServer::~HttpServer() { Stop(); }

void HttpServer::Route(std::string path, Handler handler) {
  state_->routes[std::move(path)] = std::move(handler);
}

void HttpServer::RouteProbe(std::string path, Handler handler) {
  state_->probes.insert(path);
  Route(std::move(path), std::move(handler));
}

void HttpServer::RoutePost(std::string path, Handler handler) {
  state_->post_routes[std::move(path)] = std::move(handler);
}

Status HttpServer::Start() {
  beast::error_code error;
  const auto address = asio::ip::make_address(state_->options.address, error);
  const Tcp::endpoint endpoint(address, state_->options.port);
  if (!error) state_->acceptor.open(endpoint.protocol(), error);
  if (!error) state_->acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) state_->acceptor.bind(endpoint, error);
  if (!error) state_->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return Error(ErrorCode::kUnavailable, "cannot listen for HTTP on " + state_->options.address +
                                              ":" + std::to_string(state_->options.port) + ": " +
                                              error.message());
  }
  state_->Accept();
  state_->thread = StartThread("http", [state = state_.get()] { state->io.run(); });
  return {};
}

void HttpServer::Stop() {
  if (!state_->thread.joinable()) return;
  state_->work.join();
  state_->probing.join();
  state_->io.stop();
  state_->thread.join();
  beast::error_code ignored;
  state_->acceptor.close(ignored);
}

std::uint16_t HttpServer::port() const { return state_->acceptor.local_endpoint().port(); }

}  // namespace barograph::server
