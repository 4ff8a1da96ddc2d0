#include "tests/reference/random_events.h"

#include <chrono>
#include <utility>

namespace barograph::reference {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const std::vector<std::string> kAgents = {"ada", "bob", "cyd"};
const std::vector<std::string> kServices = {"api", "tiles", "web"};
const std::vector<std::string> kTypes = {"development", "research"};
const std::vector<std::string> kModels = {"large", "small", "acme/large", "unheard-of"};
const std::vector<std::string> kCurrencies = {"USD", "EUR"};
const std::vector<std::string> kCustomers = {"c1", "c2", "c3", "c4", "c5", "c6"};

void SetMoney(Dice* dice, v1::Money* money) {
  money->set_currency_code(dice->Of(kCurrencies));
  money->set_units(dice->Below(100));
  money->set_nanos(static_cast<std::int32_t>(dice->Below(1'000'000'000)));
}

void SetDuration(Duration value, google::protobuf::Duration* out) {
  out->set_seconds(value.count() / kNanosPerUnit);
  out->set_nanos(static_cast<std::int32_t>(value.count() % kNanosPerUnit));
}

void SetTimestamp(Time time, google::protobuf::Timestamp* out) {
  const auto whole = std::chrono::floor<seconds>(time);
  out->set_seconds(whole.time_since_epoch().count());
  out->set_nanos(static_cast<std::int32_t>((time - whole).count()));
}

}  // namespace

void RandomEvents::ChangeLuck() {
  bad_percent_ = dice_->Of(std::vector<int>{0, 0, 2, 10, 50, 100});
}

void RandomEvents::SetTime(Time time, v1::Event* event) {
  SetTimestamp(time, event->mutable_time());
}

std::vector<v1::Event> RandomEvents::Arrive(Time now) {
  std::vector<v1::Event> events;
  for (std::int64_t left = 1 + dice_->Below(3); left > 0; --left) {
    if (!sent_.empty() && dice_->Percent(6)) {
      events.push_back(dice_->Of(sent_));  // Sent again, because its sender saw no answer.
      continue;
    }
    v1::Event event = Make(now);
    const std::int64_t lateness = dice_->Below(100);
    if (lateness < 70) {
      SetTime(now - dice_->Span(seconds(3)), &event);
    } else if (lateness < 85) {
      SetTime(now - dice_->Span(minutes(20)), &event);
    } else if (lateness < 90) {
      SetTime(now - hours(48) - dice_->Span(hours(24 * 7)), &event);
    } else if (lateness < 95) {
      SetTime(now + dice_->Span(seconds(90)), &event);
    }  // Else: log time.
    sent_.push_back(event);
    events.push_back(std::move(event));
  }
  return events;
}

std::vector<v1::Event> RandomEvents::History(Time now, int count) {
  std::vector<v1::Event> events;
  for (int i = 0; i < count; ++i) {
    v1::Event event = Make(now);
    SetTime(now - dice_->Span(i % 3 == 0 ? hours(24 * 9) : hours(3)), &event);
    events.push_back(std::move(event));
  }
  return events;
}

v1::Event RandomEvents::Make(Time now) {
  v1::Event event;
  event.set_id(prefix_ + std::to_string(++made_));
  if (dice_->Percent(95)) event.set_agent(dice_->Of(kAgents));
  if (dice_->Percent(30)) (*event.mutable_labels())["team"] = dice_->Percent(50) ? "red" : "blue";
  if (dice_->Percent(5)) event.set_environment("test");
  if (dice_->Percent(10)) event.set_count(static_cast<std::uint64_t>(1 + dice_->Below(20)));
  const std::int64_t kind = dice_->Below(100);
  if (kind < 40) {
    FillTask(now, &event);
  } else if (kind < 72) {
    FillRequest(&event);
  } else if (kind < 82) {
    FillCost(&event);
  } else if (kind < 87) {
    FillPayment(&event);
  } else if (kind < 92) {
    FillSample(&event);
  } else {
    FillRest(&event);
  }
  return event;
}

void RandomEvents::FillTask(Time now, v1::Event* event) {
  v1::Task* task = event->mutable_task();
  task->set_type(dice_->Of(kTypes));
  if (dice_->Percent(25)) {
    event->set_task_id(prefix_ + "t" + std::to_string(made_));
    open_tasks_.push_back(event->task_id());
    task->set_status(v1::Task::STARTED);
    if (dice_->Percent(60)) SetTimestamp(now + dice_->Span(seconds(120)), task->mutable_deadline());
    return;
  }
  if (dice_->Percent(15)) {
    if (!open_tasks_.empty()) event->set_task_id(dice_->Of(open_tasks_));
    task->set_status(dice_->Percent(50) ? v1::Task::PROGRESS : v1::Task::CANCELLED);
    return;
  }
  if (!open_tasks_.empty() && dice_->Percent(50)) event->set_task_id(dice_->Of(open_tasks_));
  task->set_status(dice_->Percent(bad_percent_) ? v1::Task::FAILED : v1::Task::COMPLETED);
  if (dice_->Percent(50)) SetDuration(dice_->Span(minutes(10)), task->mutable_duration());
  if (dice_->Percent(20)) task->set_quality(static_cast<double>(dice_->Below(1001)) / 1000);
  if (dice_->Percent(20)) SetMoney(dice_, task->mutable_value());
}

void RandomEvents::FillRequest(v1::Event* event) {
  v1::Request* request = event->mutable_request();
  request->set_service(dice_->Of(kServices));
  request->set_route("/r" + std::to_string(dice_->Below(2)));
  const bool bad = dice_->Percent(bad_percent_);
  request->set_ok(!bad);
  const auto slowest = bad ? std::chrono::milliseconds(2000) : std::chrono::milliseconds(320);
  if (dice_->Percent(90)) SetDuration(dice_->Span(slowest), request->mutable_duration());
}

void RandomEvents::FillCost(v1::Event* event) {
  v1::Cost* cost = event->mutable_cost();
  cost->set_category(dice_->Percent(70) ? v1::Cost::MODEL : v1::Cost::LABOR);
  const std::int64_t sort = dice_->Below(10);
  if (sort < 4) return SetMoney(dice_, cost->mutable_amount());
  if (sort < 5) {
    cost->set_quantity("1.5");
    return cost->set_unit("hour");
  }
  if (dice_->Percent(50)) cost->set_provider("acme");
  cost->set_model(dice_->Of(kModels));
  v1::Cost::Tokens* tokens = cost->mutable_tokens();
  tokens->set_input(static_cast<std::uint64_t>(dice_->Below(5000)));
  tokens->set_output(static_cast<std::uint64_t>(dice_->Below(2000)));
  if (dice_->Percent(40)) tokens->set_cache_read(tokens->input() / 3);
  if (dice_->Percent(20)) tokens->set_cache_write(tokens->input() / 5);
  if (dice_->Percent(40)) tokens->set_reasoning(tokens->output() / 2);
}

void RandomEvents::FillPayment(v1::Event* event) {
  v1::Payment* payment = event->mutable_payment();
  payment->set_type(static_cast<v1::Payment::Type>(1 + dice_->Below(6)));
  SetMoney(dice_, payment->mutable_amount());
  payment->set_customer(dice_->Of(kCustomers));
}

void RandomEvents::FillSample(v1::Event* event) {
  v1::Sample* sample = event->mutable_sample();
  sample->set_type(static_cast<v1::Sample::Type>(1 + dice_->Below(3)));
  sample->set_name(sample->type() == v1::Sample::CUMULATIVE ? "handled" : "queue");
  sample->set_value(static_cast<double>(dice_->Below(2'000'000) - 500'000) / 997);
  if (sample->type() == v1::Sample::CUMULATIVE)
    sample->set_value(static_cast<double>(made_ % 97) * 1.25);
}

void RandomEvents::FillRest(v1::Event* event) {
  const std::int64_t kind = dice_->Below(4);
  if (kind == 0) {
    event->mutable_error()->set_severity(v1::ERROR);
    event->mutable_error()->set_service(dice_->Of(kServices));
  } else if (kind == 1) {
    event->mutable_activity()->set_name(dice_->Percent(50) ? "signup" : "search");
    event->mutable_activity()->set_subject(dice_->Of(kCustomers));
  } else if (kind == 2) {
    event->mutable_change()->set_type(v1::Change::DEPLOY);
    event->mutable_change()->set_service(dice_->Of(kServices));
  } else {
    event->mutable_feedback()->set_type(v1::Feedback::REVIEW);
    event->mutable_feedback()->set_score(static_cast<double>(dice_->Below(51)) / 10);
    event->mutable_feedback()->set_scale(5);
    event->mutable_feedback()->set_customer(dice_->Of(kCustomers));
  }
}

storage::PricesApplied RandomEvents::Prices(Dice* dice, Time effective_from) {
  storage::PricesApplied prices;
  prices.effective_from = effective_from;
  prices.version = "random";
  prices.currency_code = "USD";
  const auto rate = [dice] { return dice->Below(20'000'000'000'000) / 7; };
  prices.prices.push_back({"large", "acme", rate(), rate(), {}, {}, rate()});
  prices.prices.push_back({"large", "other", rate(), rate(), rate(), {}, {}});
  if (dice->Percent(70)) prices.prices.push_back({"small", "", rate(), rate(), {}, {}, {}});
  return prices;
}

}  // namespace barograph::reference
