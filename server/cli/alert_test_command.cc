#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "barograph/v1/alert.pb.h"
#include "server/cli/alert_commands.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"

namespace barograph::server {
namespace {

using Clock = std::chrono::steady_clock;
using Notice = v1::ListNoticesResponse::Notice;
using State = v1::AlertTransition;

constexpr auto kAskAgain = std::chrono::milliseconds(50);
constexpr const char* kService = "barograph.v1.AlertService/";

struct TestFlags {
  std::string server, receiver, within = "30s", ack_within;
  OutputFormat format = OutputFormat::kTable;
};

/// One thing that must come, and when it did.
struct Step {
  std::string name;
  std::optional<Duration> took;  ///< nothing: it did not come
  Duration limit{};
  std::string detail;
  bool expected = true;  ///< false: not to come, say an end of which the receiver is not told
  [[nodiscard]] bool late() const { return took && *took > limit; }
};

Duration Between(const google::protobuf::Timestamp& from, const google::protobuf::Timestamp& to) {
  return std::chrono::seconds(to.seconds() - from.seconds()) +
         std::chrono::nanoseconds(to.nanos() - from.nanos());
}

class ReceiverTest {
 public:
  ReceiverTest(Client& client, std::string receiver)
      : client_(client), receiver_(std::move(receiver)) {}

  [[nodiscard]] Status Fire() {
    v1::FireTestRequest request;
    request.set_receiver(receiver_);
    BAROGRAPH_TRY(client_.Call(std::string(kService) + "FireTest", request, &fired_));
    return {};
  }

  [[nodiscard]] Status End() {
    v1::EndTestRequest request;
    request.set_receiver(receiver_);
    v1::EndTestResponse response;
    return client_.Call(std::string(kService) + "EndTest", request, &response);
  }

  /// Until the notice of that state was delivered or ended otherwise, or the limit is past.
  [[nodiscard]] Result<Step> AwaitNotice(std::string name, State::State state, Duration limit) {
    Step step{.name = std::move(name), .limit = limit};
    const auto deadline = Clock::now() + limit;
    while (true) {
      BAROGRAPH_TRY(Look());
      const Notice* const notice = Find(state);
      if (notice == nullptr) {
        // What is told at all was decided with the step itself.
        step.expected = false;
        step.detail = WhyNotTold(state);
        return step;
      }
      step.detail = notice->detail();
      if (notice->outcome() == v1::Delivery::DELIVERED)
        step.took = Between(notice->decided_at(), notice->ended_at());
      if (notice->outcome() != v1::Delivery::OUTCOME_UNSPECIFIED) {
        if (!step.took)
          step.detail = Word(v1::Delivery::Outcome_Name(notice->outcome())) + ": " + step.detail;
        return step;
      }
      if (Clock::now() >= deadline) {
        if (step.detail.empty()) step.detail = "no answer yet";
        return step;
      }
      std::this_thread::sleep_for(kAskAgain);
    }
  }

  /// Until somebody acknowledged the alert, or the limit is past.
  [[nodiscard]] Result<Step> AwaitAcknowledgement(Duration limit) {
    Step step{.name = "acknowledged", .limit = limit};
    const auto deadline = Clock::now() + limit;
    while (true) {
      BAROGRAPH_TRY(Look());
      const auto& alert = seen_.alert();
      if (alert.has_acknowledged()) {
        step.took = Between(alert.fired_at(), alert.acknowledged().at());
        step.detail = "by " + alert.acknowledged().author();
        return step;
      }
      if (Clock::now() >= deadline) {
        step.detail = "nobody did";
        return step;
      }
      std::this_thread::sleep_for(kAskAgain);
    }
  }

  [[nodiscard]] const std::string& fingerprint() const { return fired_.fingerprint(); }

 private:
  [[nodiscard]] Status Look() {
    v1::ShowAlertRequest request;
    request.set_alert(fired_.episode_id());
    seen_.Clear();
    return client_.Call(std::string(kService) + "ShowAlert", request, &seen_);
  }
  [[nodiscard]] const Notice* Find(State::State state) const {
    for (const Notice& notice : seen_.notices()) {
      if (notice.receiver() == receiver_ && notice.state() == state) return &notice;
    }
    return nullptr;
  }
  [[nodiscard]] std::string WhyNotTold(State::State state) const {
    if (seen_.silences_size() > 0) return "held back by silence " + seen_.silences(0).id();
    if (seen_.inhibitions_size() > 0) return "held back by alert " + seen_.inhibitions(0).by();
    return state == State::RESOLVED ? "the receiver is not told of ends" : "no notice was decided";
  }

  Client& client_;
  std::string receiver_;
  v1::FireTestResponse fired_;
  v1::ShowAlertResponse seen_;
};

Result<std::vector<Step>> Try(ReceiverTest& test, Duration within,
                              std::optional<Duration> ack_within) {
  std::vector<Step> steps;
  BAROGRAPH_ASSIGN(Step told, test.AwaitNotice("delivered", State::FIRING, within));
  steps.push_back(std::move(told));
  if (steps.back().took && ack_within) {
    std::fprintf(stderr, "delivered; waiting for: barograph alerts ack %s\n",
                 test.fingerprint().c_str());
    BAROGRAPH_ASSIGN(Step acknowledged, test.AwaitAcknowledgement(*ack_within));
    steps.push_back(std::move(acknowledged));
  }
  return steps;
}

/// Whatever comes of it, the alert does not stay.
Result<std::vector<Step>> Run(Client& client, const TestFlags& flags, Duration within,
                              std::optional<Duration> ack_within) {
  ReceiverTest test(client, flags.receiver);
  BAROGRAPH_TRY(test.Fire());
  Result<std::vector<Step>> steps = Try(test, within, ack_within);
  const Status ended = test.End();
  if (!steps.ok()) return steps;
  if (!ended.ok()) return ended.error();
  if (!steps->front().took) return steps;
  BAROGRAPH_ASSIGN(Step resolved, test.AwaitNotice("resolved", State::RESOLVED, within));
  steps->push_back(std::move(resolved));
  return steps;
}

std::string ResultOf(const Step& step) {
  if (!step.took) return step.expected ? "missing" : "not told";
  return step.late() ? "late" : "in time";
}

double Milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

void Print(const TestFlags& flags, const std::vector<Step>& steps) {
  if (flags.format == OutputFormat::kJson) {
    nlohmann::ordered_json out = {{"receiver", flags.receiver}, {"steps", nlohmann::json::array()}};
    for (const Step& step : steps) {
      nlohmann::ordered_json row = {{"step", step.name}, {"result", ResultOf(step)}};
      row["took_ms"] = step.took ? nlohmann::ordered_json(Milliseconds(*step.took)) : nullptr;
      row["limit_ms"] = Milliseconds(step.limit);
      row["detail"] = step.detail;
      out["steps"].push_back(std::move(row));
    }
    std::puts(out.dump(2).c_str());
    return;
  }
  Table table({"STEP", "RESULT", "TOOK", "LIMIT", "DETAIL"});
  for (const Step& step : steps) {
    table.Row({step.name, ResultOf(step),
               step.took ? NumberText(Milliseconds(*step.took)) + " ms" : "",
               FormatDuration(step.limit), Shorten(step.detail, 100)});
  }
  std::fputs(table.ToString().c_str(), stdout);
}

int RunTest(const TestFlags& flags) {
  const Result<Duration> within = ParseDuration(flags.within);
  if (!within.ok()) return PrintError(within.error().WithContext("--within"));
  std::optional<Duration> ack_within;
  if (!flags.ack_within.empty()) {
    const Result<Duration> given = ParseDuration(flags.ack_within);
    if (!given.ok()) return PrintError(given.error().WithContext("--ack-within"));
    ack_within = *given;
  }
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  const auto steps = Run(**client, flags, *within, ack_within);
  if (!steps.ok()) return PrintError(steps.error());
  Print(flags, *steps);
  if (!steps->front().took) return kExitFailed;
  for (const Step& step : *steps) {
    if (step.late() || (step.expected && !step.took)) return kExitNo;
  }
  return kExitDone;
}

}  // namespace

void AddTestCommand(CLI::App& alerts, int* status) {
  auto flags = std::make_shared<TestFlags>();
  CLI::App& test = *alerts.add_subcommand(
      "test", "Send a synthetic alert to a receiver and measure how long it takes");
  test.footer(R"(Examples:
  barograph alerts test ops
  barograph alerts test pager --within 5s --ack-within 10m

The alert goes the whole way: it fires, is logged, told, acknowledged (`alerts ack`, when
--ack-within asks for it), and ends. Exit status: 0 when all came in time, 1 when the notice was
not delivered, 3 when something came too late or not at all.)");
  test.add_option("receiver", flags->receiver, "Name of a receiver")->required();
  test.add_option("--within", flags->within,
                  "Each notice is delivered so soon after it was decided")
      ->capture_default_str();
  test.add_option("--ack-within", flags->ack_within,
                  "Somebody acknowledges so soon after it fired; at most 1h");
  AddServerOption(test, &flags->server);
  AddOutputOption(test, &flags->format);
  test.callback([flags, status] { *status = RunTest(*flags); });
}

}  // namespace barograph::server
