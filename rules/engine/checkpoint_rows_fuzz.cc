// Broken checkpoint rows, of all tables: the input patches the rows of a good checkpoint, which are
// then loaded. They are refused with a reason, or they make a state that can be written down again.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barograph/v1/event.pb.h"
#include "rules/engine/engine.h"
#include "storage/base/assert.h"
#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

using Rows = std::map<std::string, std::string>;
constexpr Time kStart = Time(days(20'000));

NoticeBody Format(const Notice& notice, const ReceiverSpec&) { return {notice.reason, "text"}; }

/// Event SLO, exact counter and time slices, each with instances and a series of its own.
RuleSet Rules() {
  RuleSet rules;
  rules.labels = {"team"};
  SloSpec tasks;
  tasks.common.name = "tasks";
  tasks.common.by = {"agent"};
  tasks.good.measure = "tasks.completed";
  tasks.total.measure = "tasks.finished";
  tasks.objective_ppb = 990'000'000;
  tasks.period = days(30);
  tasks.burn = DefaultBurnRows();
  SloSpec fast = tasks;
  fast.common.name = "fast";
  fast.common.by = {"team"};
  fast.good = {.measure = "request.duration", .at_most_nanos = 300'000'000};
  fast.total.measure = "requests";
  SloSpec flow = tasks;
  flow.common.name = "flow";
  flow.common.by.clear();
  flow.good = flow.total = {};
  flow.slice = TimeSlice{"tasks.finished", seconds(1), 0.5, true, minutes(1)};
  rules.slos = {tasks, fast, flow};
  rules.receivers.push_back({.name = "ops", .target = "http://127.0.0.1:1/"});
  rules.route.receiver = "ops";
  return rules;
}

/// An engine with a little of everything, and its checkpoint.
class GoodState {
 public:
  GoodState() : engine_(&Format) {
    AppendDecided(engine_.ApplyRules(Rules(), {"server", "fuzz"}));
    storage::PricesApplied prices;
    prices.version = "v1";
    prices.currency_code = "USD";
    prices.prices = {{.model = "m", .provider = "p", .input = 5, .output = 7}};
    AppendDecided(engine_.ApplyPrices("default", prices));
    AddEvents(kStart - days(400), 3);  // before all that memory holds: cold pages
    for (int step = 0; step < 9; ++step) {
      now_ = kStart + hours(step * step);
      AddEvents(now_, step % 3 + 1);
      bool more = true;
      while (more) AppendDecided(engine_.EvaluateChanged(now_, &more));
      more = true;
      while (more) AppendDecided(engine_.EvaluateSecond(now_, 1'000, &more));
    }
    AppendDecided(engine_.Resume(now_, now_ + minutes(7)));
    engine_.BeginCheckpoint();
    while (!engine_.ContinueCheckpoint(1'000, [this](std::string_view key, std::string_view value) {
      rows_.emplace_back(key, value);
    })) {
    }
  }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& rows() const {
    return rows_;
  }
  [[nodiscard]] Digest digest() const { return engine_.StateDigest(); }

 private:
  v1::Event* Add(Time time) {
    v1::Event& event = events_.emplace_back();
    event.mutable_time()->set_seconds(std::chrono::floor<seconds>(time.time_since_epoch()).count());
    event.set_agent(events_.size() % 3 == 0 ? "a" : "b");
    (*event.mutable_labels())["team"] = "blue";
    return &event;
  }
  void AddEvents(Time time, int count) {
    for (int i = 0; i < count; ++i) {
      v1::Task& task = *Add(time + seconds(i))->mutable_task();
      task.set_status(i % 2 == 0 ? v1::Task::COMPLETED : v1::Task::FAILED);
      task.mutable_duration()->set_seconds(i + 1);
      v1::Event& started = *Add(time + seconds(i));
      started.set_task_id("task-" + std::to_string(next_.value));
      started.mutable_task()->set_status(v1::Task::STARTED);
      started.mutable_task()->set_type("t");
      started.mutable_task()->mutable_deadline()->set_seconds(started.time().seconds() + 90'000);
      v1::Cost& cost = *Add(time)->mutable_cost();
      cost.set_model("m");
      cost.set_provider("p");
      cost.mutable_tokens()->set_input(1'000);
      v1::Request& request = *Add(time + minutes(i))->mutable_request();
      request.set_ok(true);
      request.mutable_duration()->set_nanos(100'000'000 * (i + 1));
      v1::Sample& gauge = *Add(time)->mutable_sample();
      gauge.set_name("queue");
      gauge.set_value(1.5 * i);
      gauge.set_type(v1::Sample::GAUGE);
      v1::Sample& counter = *Add(time)->mutable_sample();
      counter.set_name("bytes");
      counter.set_value(static_cast<double>(next_.value));
      counter.set_type(v1::Sample::CUMULATIVE);
      v1::Payment& payment = *Add(time)->mutable_payment();
      payment.set_type(v1::Payment::CHARGE);
      payment.set_customer("c" + std::to_string(i));
      payment.mutable_amount()->set_currency_code("EUR");
      payment.mutable_amount()->set_units(9);
      Add(time)->mutable_activity()->set_name("login");
    }
    std::string payload;
    for (const v1::Event& event : events_) ByteWriter(&payload).String(event.SerializeAsString());
    Append("default", payload, events_.size());
    events_.clear();
  }
  void AppendDecided(const std::vector<Engine::Decided>& decided) {
    for (const Engine::Decided& batch : decided) {
      std::string payload;
      for (const storage::ServerEvent& event : batch.events) {
        ByteWriter(&payload).String(EncodeServerEvent(event, now_));
      }
      Append(batch.tenant, payload, batch.events.size());
    }
  }
  void Append(std::string_view tenant, std::string_view payload, std::size_t events) {
    if (events == 0) return;
    const Status folded = engine_.Fold({next_, now_, tenant}, payload);
    BAROGRAPH_ASSERT(folded.ok(), "the good state's events are good");
    next_ = next_.Plus(events);
  }

  Engine engine_;
  Time now_ = kStart;
  Sequence next_{1};
  std::vector<v1::Event> events_;
  std::vector<std::pair<std::string, std::string>> rows_;
};

/// Patches: which row, where in its value (in its key with the top bit), what happens there to how
/// many bytes, and the bytes.
Rows Patched(const std::vector<std::pair<std::string, std::string>>& good, ByteReader* in) {
  std::vector<std::pair<std::string, std::string>> rows = good;
  enum : std::uint8_t { kReplace, kInsert, kErase, kDrop };
  constexpr std::uint16_t kInKey = 0x8000;
  while (!in->done()) {
    auto& row = rows[in->Fixed<std::uint16_t>() % rows.size()];
    const auto place = in->Fixed<std::uint16_t>();
    const auto step = in->Fixed<std::uint8_t>();
    const std::size_t count = step & 0x3F;
    std::string& text = (place & kInKey) != 0 ? row.first : row.second;
    const std::size_t at = (place & ~kInKey) % (text.size() + 1);
    switch (step >> 6) {
      case kReplace:
        text.replace(at, count, in->Raw(std::min(count, in->rest().size())));
        break;
      case kInsert:
        text.insert(at, in->Raw(std::min(count, in->rest().size())));
        break;
      case kErase:
        text.erase(at, count + 1);
        break;
      default:
        row.second.clear();
    }
  }
  // The last row of a key counts, and a row without a value was deleted.
  Rows table;
  for (auto& [key, value] : rows) {
    if (!value.empty()) table[std::move(key)] = std::move(value);
  }
  return table;
}

Status Load(const Rows& rows, Engine* engine) {
  for (const auto& [key, value] : rows) BAROGRAPH_TRY(engine->LoadRow(key, value));
  return engine->FinishLoad();
}

}  // namespace
}  // namespace barograph::rules

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace barograph;
  using namespace barograph::rules;
  static const GoodState good;
  ByteReader patches({reinterpret_cast<const char*>(bytes), size});
  Engine engine(&Format);
  const Status loaded = Load(Patched(good.rows(), &patches), &engine);
  if (!loaded.ok()) {
    const Error& error = loaded.error();
    BAROGRAPH_ASSERT(!error.message().empty(), "a refusal says why");
    return 0;
  }
  const Digest digest = engine.StateDigest();
  BAROGRAPH_ASSERT(size != 0 || digest == good.digest(), "what was written reads back as it was");
  return 0;
}
