#include "server/web/http_server.h"

#include <absl/synchronization/notification.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <thread>

namespace barograph::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// Sends raw bytes and reads until the server closes.
std::string Exchange(std::uint16_t port, const std::string& request) {
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket socket(io);
  socket.connect({boost::asio::ip::make_address("127.0.0.1"), port});
  boost::system::error_code error;
  boost::asio::write(socket, boost::asio::buffer(request), error);
  std::string answer;
  boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
  return answer;
}

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() : server_({.port = 0, .idle_timeout = std::chrono::seconds(1)}) {
    server_.Route("/echo", [](const HttpRequest& request) {
      std::string body;
      for (const auto& [name, value] : request.query) body += name + "=" + value + ";";
      return HttpAnswer{.body = body};
    });
    server_.RoutePost("/post", [](const HttpRequest& request) {
      return HttpAnswer{.body = request.headers.at("x-test") + ":" + request.body};
    });
    EXPECT_TRUE(server_.Start().ok());
  }
  std::string Get(const std::string& target, const std::string& method = "GET") {
    return Exchange(server_.port(),
                    method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  HttpServer server_;
};

TEST_F(HttpServerTest, GivesRoutesTheirDecodedQuery) {
  EXPECT_THAT(Get("/echo?a=1%202&b=x+y&verbose"), HasSubstr("a=1 2;b=x y;verbose=;"));
}

TEST_F(HttpServerTest, NamesItsPathsWhenOneIsMissing) {
  const std::string answer = Get("/nowhere");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(answer, HasSubstr("/echo"));
}

TEST_F(HttpServerTest, HeadHasNoBodyAndOtherMethodsAreRefused) {
  EXPECT_THAT(Get("/echo?a=1", "HEAD"), testing::EndsWith("\r\n\r\n"));
  EXPECT_THAT(Get("/echo", "DELETE"), StartsWith("HTTP/1.1 405"));
}

TEST_F(HttpServerTest, PostsHaveHeadersAndABody) {
  EXPECT_THAT(
      Exchange(server_.port(),
               "POST /post HTTP/1.1\r\nHost: x\r\nX-Test: a\r\nContent-Length: 4\r\nConnection: "
               "close\r\n\r\nbody"),
      HasSubstr("a:body"));
  EXPECT_THAT(Get("/post"), StartsWith("HTTP/1.1 405"));
}

TEST_F(HttpServerTest, HugeAndBrokenRequestsDoNotHurt) {
  EXPECT_THAT(Get("/echo?" + std::string(100'000, 'a')), testing::Not(HasSubstr("200")));
  Exchange(server_.port(), "\x16\x03\x01 not http\r\n\r\n");
  Exchange(server_.port(), "GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_THAT(Get("/echo?ok=1"), HasSubstr("ok=1;"));
}

TEST(HttpServerProbeTest, ProbesAnswerWhileARouteWaits) {
  HttpServer server({.port = 0});
  absl::Notification entered, released;
  server.Route("/slow", [&](const HttpRequest&) {
    entered.Notify();
    released.WaitForNotification();
    return HttpAnswer{.body = "slow"};
  });
  server.RouteProbe("/livez", [](const HttpRequest&) { return HttpAnswer{.body = "alive"}; });
  ASSERT_TRUE(server.Start().ok());
  const auto get = [&server](const std::string& path) {
    return Exchange(server.port(),
                    "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  };
  std::thread scraper([&] { EXPECT_THAT(get("/slow"), HasSubstr("slow")); });
  entered.WaitForNotification();
  EXPECT_THAT(get("/livez"), HasSubstr("alive"));
  released.Notify();
  scraper.join();
}

TEST_F(HttpServerTest, AnIdleConnectionIsClosed) {
  EXPECT_EQ(Exchange(server_.port(), "GET /ec"), "");
}

TEST_F(HttpServerTest, APortInUseIsNamed) {
  HttpServer second({.port = server_.port()});
  const Status status = second.Start();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message(), HasSubstr(std::to_string(server_.port())));
}

}  // namespace
}  // namespace barograph::server
