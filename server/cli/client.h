#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace CLI {
class App;
}
namespace google::protobuf {
class MessageLite;
}

namespace barograph::server {

/// Adds `--server host:port`, also from BAROGRAPH_SERVER; default 127.0.0.1:7171.
void AddServerOption(CLI::App& command, std::string* server);

/// One connection to a server, without gRPC's headers.
///
/// Threads:  Call and Stream from any thread.
/// Errors:   kUnavailable when the server cannot be reached, naming its address and what to try;
///           otherwise the server's own
///           code and message.
class Client {
 public:
  /// Waits until the connection stands, at most `timeout`.
  [[nodiscard]] static Result<std::unique_ptr<Client>> Connect(
      const std::string& server, Duration timeout = std::chrono::seconds(3));
  ~Client();

  /// One unary call; `method` is "barograph.v1.QueryService/GetStatus".
  [[nodiscard]] Status Call(std::string_view method, const google::protobuf::MessageLite& request,
                            google::protobuf::MessageLite* response,
                            Duration timeout = std::chrono::seconds(60));
  /// One call whose answers come one after another, until the server ends it or `on_message`
  /// returns false.
  [[nodiscard]] Status Stream(std::string_view method, const google::protobuf::MessageLite& request,
                              const std::function<bool(std::string_view wire)>& on_message);

 private:
  friend class Publisher;
  Client();
  struct State;
  std::unique_ptr<State> state_;
};

/// An event that was sent and not stored as new.
struct PublishVerdict {
  std::uint64_t sequence =
      0;  ///< the producer's; without a producer the position on the stream, from 1
  bool duplicate = false;  ///< already in the log; else rejected
  std::string reason;
};

struct PublisherOptions {
  /// Makes sending twice harmless. Empty: events are checked by their ids.
  std::string producer;
  std::uint64_t epoch = 0;
  /// Go on behind what the server has of this producer, rather than send everything from its first
  /// event on.
  bool append = false;
  /// Send does not copy: what it is given must live until Finish.
  bool borrow = false;
  /// Batches sent and not yet acknowledged; Send waits beyond. [1, 1e6].
  std::size_t in_flight_max = 64;
  /// Gets every event that was not stored as new, while Send, Poll and Finish run.
  std::function<void(const PublishVerdict&)> on_verdict = {};
};

/// A stream of batches to IngestService.Publish, for import, demo and bench.
///
/// A producer sends everything from its first event on: what the server already has is skipped by
/// `Send`, so an import that is
/// run twice, or again after a crash, changes nothing.
///
/// Threads:  one. Acknowledgements are read while Send, Poll or Finish run.
/// Lifetime: must not outlive its Client.
/// Errors:   the server's; after one every call returns it again.
class Publisher {
 public:
  /// Opens the stream and learns where the producer stands.
  [[nodiscard]] static Result<std::unique_ptr<Publisher>> Open(Client& client,
                                                               PublisherOptions options);
  ~Publisher();

  /// Sends `count` events, each as field 4 of PublishRequest (tag, length, encoding). At most 4 MiB
  /// and 10,000 events. Nothing is
  /// sent when all of them are already acknowledged.
  [[nodiscard]] Status Send(std::string_view events, std::uint32_t count);
  /// Reads acknowledgements that have come, waiting at most `wait` for the first.
  [[nodiscard]] Status Poll(Duration wait);
  /// Waits until everything is acknowledged and ends the stream.
  [[nodiscard]] Status Finish();

  /// Sequence of the last event given to Send, and of the last one acknowledged (durable).
  [[nodiscard]] std::uint64_t sent() const;
  [[nodiscard]] std::uint64_t acked() const;
  /// Where the producer stood when the stream was opened.
  [[nodiscard]] std::uint64_t acked_at_open() const;
  /// Of the last acknowledgement: the log's sequence (0: none yet) and the link there, 32 bytes.
  [[nodiscard]] std::uint64_t receipt_sequence() const;
  [[nodiscard]] const std::string& receipt_link() const;

 private:
  Publisher();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::server
