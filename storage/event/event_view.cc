#include "storage/event/event_view.h"

#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "storage/event/event_fields.h"
#include "storage/event/event_rules.h"
#include "storage/event/utf8.h"
#include "storage/event/wire_reader.h"

namespace barograph::storage {
namespace {

constexpr int kDeepestMessage = 3;  // Event, its kind, an amount of it
static_assert(kDeepestMessage <= kWireDepthMax,
              "known messages keep the limit by their shape; unknown ones are passed over unread "
              "and groups refused");

// What is wrong, and where: grows a path while the walk returns.
struct Refusal {
  std::string path;
  std::string reason;
};

// One walk over one event. Every Read and Walk gives false when the event is refused; `refusal_`
// then says why.
template <EventSource kSource>
class EventWalk {
 public:
  explicit EventWalk(EventView* out) : out_(*out) {}

  Status Run(std::string_view wire);

 private:
  static constexpr bool kChecked = kSource == EventSource::kOutside;

  bool WalkMessage(std::string_view bytes, FieldRules rules, char* view);
  bool ReadField(const FieldRule& rule, WireReader* reader, char* view);
  bool ReadVarintField(const FieldRule& rule, WireReader* reader, char* view);
  bool ReadNested(const FieldRule& rule, std::string_view bytes, char* view);
  bool ReadMoney(const FieldRule& rule, std::string_view bytes, char* view);
  bool ReadSeconds(std::string_view bytes, SecondsWire* out);
  bool ReadMoment(const FieldRule& rule, std::string_view bytes, char* view);
  bool ReadSpan(const FieldRule& rule, std::string_view bytes, char* view);
  bool ReadListItem(const FieldRule& rule, std::string_view bytes);
  bool ReadLabel(std::string_view bytes);
  bool ReadKind(const FieldRule& rule, std::string_view bytes);
  bool ReadServerKind(const FieldRule& rule, std::string_view bytes);
  bool PassOver(std::uint32_t tag, FieldRules rules, WireReader* reader);
  bool CheckText(const FieldRule& rule, std::string_view text);
  bool SortLabels();

  // Cold on purpose: the good event runs past none of this.
  [[gnu::cold, gnu::noinline]] bool Refuse(std::string_view field, std::string reason);
  [[gnu::cold, gnu::noinline]] bool Inside(std::string_view field);
  [[gnu::cold, gnu::noinline]] bool RefuseRange(const FieldRule& rule, const std::string& value,
                                                const std::string& range);
  [[gnu::cold, gnu::noinline]] bool RefuseText(const FieldRule& rule, std::string_view text);
  [[gnu::cold, gnu::noinline]] bool RefuseMoney(const FieldRule& rule, const MoneyWire& money);
  [[gnu::cold, gnu::noinline]] bool RefuseKind(std::uint32_t tag, std::string_view name);
  [[gnu::cold, gnu::noinline]] Error RefusalAsError() const;

  EventView& out_;
  int unknown_fields_ = 0;
  std::array<std::uint16_t, kTextLists> list_items_{};
  std::unique_ptr<Refusal> refusal_;
};

template <typename T>
void Store(char* view, std::size_t place, T value) {
  *reinterpret_cast<T*>(view + place) = value;
}

void StorePresence(const FieldRule& rule, char* view) {
  if (rule.presence != 0) Store(view, rule.presence, true);
}

// Reads the layout that every encoder writes; false for any other, which may still be good.
bool ReadUsualSeconds(std::string_view bytes, SecondsWire* out) {
  constexpr std::uint32_t kSecondsTag = WireTag(1, WireType::kVarint);
  constexpr std::uint32_t kNanosTag = WireTag(2, WireType::kVarint);
  WireReader reader(bytes);
  std::uint32_t tag = 0;
  std::uint64_t seconds = 0;
  std::uint64_t nanos = 0;
  if (!reader.ReadTag(&tag) || tag != kSecondsTag || !reader.ReadVarint(&seconds)) return false;
  if (!reader.done() && (!reader.ReadTag(&tag) || tag != kNanosTag || !reader.ReadVarint(&nanos)))
    return false;
  *out = {static_cast<std::int64_t>(seconds), static_cast<std::int64_t>(nanos)};
  return reader.done();
}

// Wraps like the machine does where bytes of a log were damaged behind a valid checksum; outside,
// the range was checked.
std::int64_t InNanos(std::int64_t units, std::int64_t nanos) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(units) * 1'000'000'000U +
                                   static_cast<std::uint64_t>(nanos));
}

void ResetHead(std::string_view wire, EventView* out) {
  out->wire = wire;
  out->id = {};
  out->agent = {};
  out->task_id = {};
  out->environment = {};
  out->trace_id = {};
  out->time = {};
  out->has_time = false;
  out->kind = EventKind::kNone;
  out->label_count = 0;
  out->count = 1;
}

struct KindPlace {
  FieldRules rules;
  char* view;
};

// Sets every field of a view to its default, which is 0 in all its bytes. In steps that compilers
// turn into vector stores: value-initialisation becomes `rep stos`, whose start alone takes a fifth
// of the walk.
template <typename View>
char* Clear(View* view) {
  static_assert(std::is_trivially_copyable_v<View> && sizeof(View) % 8 == 0);
  char* bytes = reinterpret_cast<char*>(view);
  for (std::size_t i = 0; i < sizeof(View); i += 8) std::memset(bytes + i, 0, 8);
  return bytes;
}

template <typename View>
KindPlace StartKind(const auto& table, View* view) {
  return {table, Clear(view)};
}

KindPlace StartKind(EventKind kind, EventView* out) {
  switch (kind) {
    case EventKind::kTask:
      return StartKind(fields::kTaskTable, &out->task);
    case EventKind::kCost:
      return StartKind(fields::kCostTable, &out->cost);
    case EventKind::kPayment:
      return StartKind(fields::kPaymentTable, &out->payment);
    case EventKind::kError:
      return StartKind(fields::kErrorTable, &out->error);
    case EventKind::kRequest:
      return StartKind(fields::kRequestTable, &out->request);
    case EventKind::kSample:
      return StartKind(fields::kSampleTable, &out->sample);
    case EventKind::kActivity:
      return StartKind(fields::kActivityTable, &out->activity);
    case EventKind::kChange:
      return StartKind(fields::kChangeTable, &out->change);
    default:
      return StartKind(fields::kFeedbackTable, &out->feedback);
  }
}

template <EventSource kSource>
Status EventWalk<kSource>::Run(std::string_view wire) {
  ResetHead(wire, &out_);
  if (kChecked && wire.size() > kEventBytesMax) {
    Refuse("size",
           std::to_string(wire.size()) + " bytes; at most " + std::to_string(kEventBytesMax));
    return RefusalAsError();
  }
  if (!WalkMessage(wire, fields::kEventTable, reinterpret_cast<char*>(&out_)))
    return RefusalAsError();
  if (out_.kind == EventKind::kNone) {
    Refuse("kind",
           "missing; task, cost, payment, error, request, sample, activity, change or feedback");
    return RefusalAsError();
  }
  if (out_.count == 0) out_.count = 1;
  if (!SortLabels()) return RefusalAsError();
  if constexpr (kChecked) return CheckKind(out_);
  return {};
}

template <EventSource kSource>
bool EventWalk<kSource>::WalkMessage(std::string_view bytes, FieldRules rules, char* view) {
  WireReader reader(bytes);
  std::uint64_t seen = 0;
  while (!reader.done()) {
    std::uint32_t tag = 0;
    if (!reader.ReadTag(&tag)) [[unlikely]]
      return Refuse("", "broken tag");
    const std::uint32_t number = tag >> 3;
    if (number >= rules.size() || rules[number].tag != tag) [[unlikely]] {
      if (!PassOver(tag, rules, &reader)) return false;
      continue;
    }
    const FieldRule& rule = rules[number];
    if ((seen & rule.once) != 0) [[unlikely]]
      return Refuse(rule.name, "set twice; at most once");
    seen |= rule.once;
    if (!ReadField(rule, &reader, view)) [[unlikely]]
      return false;
  }
  return true;
}

template <EventSource kSource>
inline bool EventWalk<kSource>::ReadField(const FieldRule& rule, WireReader* reader, char* view) {
  if (rule.shape <= FieldShape::kLastVarint) return ReadVarintField(rule, reader, view);
  if (rule.shape == FieldShape::kNumber) {
    std::uint64_t bits = 0;
    if (!reader->ReadFixed64(&bits)) return Refuse(rule.name, "cut off");
    Store(view, rule.place, std::bit_cast<double>(bits));
    StorePresence(rule, view);
    return true;
  }
  std::string_view bytes;
  if (!reader->ReadBytes(&bytes)) return Refuse(rule.name, "cut off or of a broken length");
  if (rule.shape != FieldShape::kText) return ReadNested(rule, bytes, view);
  Store(view, rule.place, bytes);
  return CheckText(rule, bytes);
}

template <EventSource kSource>
inline bool EventWalk<kSource>::ReadVarintField(const FieldRule& rule, WireReader* reader,
                                                char* view) {
  std::uint64_t value = 0;
  if (!reader->ReadVarint(&value)) return Refuse(rule.name, "broken integer");
  if (value > rule.max) [[unlikely]] {
    if (kChecked) {
      return RefuseRange(rule, std::to_string(value), "0 to " + std::to_string(rule.max));
    }
    // What a later version stored: an enum value without a name here is unspecified.
    if (rule.shape == FieldShape::kChoice) value = 0;
    if (rule.shape == FieldShape::kFlag) value = 1;
  }
  switch (rule.shape) {
    case FieldShape::kChoice:
    case FieldShape::kFlag:
      Store(view, rule.place, static_cast<std::uint8_t>(value));
      break;
    case FieldShape::kSmallInteger:
      Store(view, rule.place, static_cast<std::uint32_t>(value));
      break;
    default:
      Store(view, rule.place, value);
  }
  return true;
}

template <EventSource kSource>
bool EventWalk<kSource>::ReadNested(const FieldRule& rule, std::string_view bytes, char* view) {
  switch (rule.shape) {
    case FieldShape::kKind:
      return ReadKind(rule, bytes);
    case FieldShape::kMoment:
      StorePresence(rule, view);
      return ReadMoment(rule, bytes, view);
    case FieldShape::kSpan:
      StorePresence(rule, view);
      return ReadSpan(rule, bytes, view);
    case FieldShape::kMoney:
      return ReadMoney(rule, bytes, view);
    case FieldShape::kTokens:
      StorePresence(rule, view);
      return WalkMessage(bytes, fields::kTokensTable, view + rule.place) || Inside(rule.name);
    case FieldShape::kLabel:
      return ReadLabel(bytes) || Inside(rule.name);
    case FieldShape::kTextList:
      return ReadListItem(rule, bytes);
    default:
      return ReadServerKind(rule, bytes);
  }
}

template <EventSource kSource>
bool EventWalk<kSource>::ReadMoney(const FieldRule& rule, std::string_view bytes, char* view) {
  MoneyWire wire;
  if (!WalkMessage(bytes, fields::kMoneyTable, reinterpret_cast<char*>(&wire)))
    return Inside(rule.name);
  MoneyView& money = *reinterpret_cast<MoneyView*>(view + rule.place);
  money.present = true;
  const bool known_currency = Currency::Read(wire.currency_code, &money.currency);
  money.nanos = InNanos(wire.units, wire.nanos);
  if constexpr (kChecked) {
    constexpr std::int64_t kUnitsMax = kMoneyNanosMax / kNanosPerUnit;
    const bool in_range = wire.units >= 0 && wire.units <= kUnitsMax && wire.nanos >= 0 &&
                          wire.nanos < kNanosPerUnit && money.nanos <= kMoneyNanosMax;
    if (!known_currency || !in_range) [[unlikely]]
      return RefuseMoney(rule, wire);
  }
  return true;
}

template <EventSource kSource>
inline bool EventWalk<kSource>::ReadSeconds(std::string_view bytes, SecondsWire* out) {
  if (ReadUsualSeconds(bytes, out)) [[likely]]
    return true;
  *out = {};
  return WalkMessage(bytes, fields::kSecondsTable, reinterpret_cast<char*>(out));
}

template <EventSource kSource>
bool EventWalk<kSource>::ReadMoment(const FieldRule& rule, std::string_view bytes, char* view) {
  SecondsWire wire;
  if (!ReadSeconds(bytes, &wire)) return Inside(rule.name);
  if constexpr (kChecked) {
    if (wire.seconds < kEventTimeMinSeconds || wire.seconds > kEventTimeMaxSeconds) [[unlikely]] {
      return RefuseRange(rule, std::to_string(wire.seconds) + " s since 1970", "1990 to 2200");
    }
    if (wire.nanos < 0 || wire.nanos >= kNanosPerUnit) [[unlikely]] {
      return RefuseRange(rule, std::to_string(wire.nanos) + " ns",
                         "0 to 999999999 ns beside the seconds");
    }
  }
  Store(view, rule.place, Time(Duration(InNanos(wire.seconds, wire.nanos))));
  return true;
}

template <EventSource kSource>
bool EventWalk<kSource>::ReadSpan(const FieldRule& rule, std::string_view bytes, char* view) {
  SecondsWire wire;
  if (!ReadSeconds(bytes, &wire)) return Inside(rule.name);
  if constexpr (kChecked) {
    if (wire.seconds < 0 || wire.seconds > kEventDurationSecondsMax) [[unlikely]] {
      return RefuseRange(rule, std::to_string(wire.seconds) + " s",
                         "0 to 3155760000 s, a hundred years");
    }
    if (wire.nanos < 0 || wire.nanos >= kNanosPerUnit) [[unlikely]] {
      return RefuseRange(rule, std::to_string(wire.nanos) + " ns",
                         "0 to 999999999 ns beside the seconds");
    }
  }
  Store(view, rule.place, Duration(InNanos(wire.seconds, wire.nanos)));
  return true;
}

template <EventSource kSource>
bool EventWalk<kSource>::ReadListItem(const FieldRule& rule, std::string_view bytes) {
  if constexpr (!kChecked) return true;
  if (++list_items_[rule.place] > kListItemsMax) {
    return Refuse(rule.name, "too many items; at most " + std::to_string(kListItemsMax));
  }
  return CheckText(rule, bytes);
}

template <EventSource kSource>
bool EventWalk<kSource>::ReadLabel(std::string_view bytes) {
  if (out_.label_count == kLabelsMax) {
    return Refuse("", "too many; at most " + std::to_string(kLabelsMax));
  }
  LabelView& label = out_.labels[out_.label_count];
  label = {};
  if (!WalkMessage(bytes, fields::kLabelTable, reinterpret_cast<char*>(&label))) return false;
  if (kChecked && label.name.empty()) return Refuse("", "a label has no name; 1 to 256 bytes");
  ++out_.label_count;
  return true;
}

template <EventSource kSource>
bool EventWalk<kSource>::ReadKind(const FieldRule& rule, std::string_view bytes) {
  if (out_.kind != EventKind::kNone) return RefuseKind(rule.tag, rule.name);
  out_.kind = static_cast<EventKind>(rule.tag >> 3);
  const KindPlace place = StartKind(out_.kind, &out_);
  return WalkMessage(bytes, place.rules, place.view) || Inside(rule.name);
}

template <EventSource kSource>
bool EventWalk<kSource>::ReadServerKind(const FieldRule& rule, std::string_view bytes) {
  const auto kind = static_cast<EventKind>(rule.tag >> 3);
  if (kChecked || out_.kind != EventKind::kNone) return RefuseKind(rule.tag, EventKindName(kind));
  out_.kind = kind;
  out_.body = bytes;
  return true;
}

template <EventSource kSource>
bool EventWalk<kSource>::CheckText(const FieldRule& rule, std::string_view text) {
  if constexpr (!kChecked) return true;
  if (text.size() <= rule.max && (IsAscii(text) || IsUtf8(text))) [[likely]]
    return true;
  return RefuseText(rule, text);
}

template <EventSource kSource>
bool EventWalk<kSource>::PassOver(std::uint32_t tag, FieldRules rules, WireReader* reader) {
  const std::uint32_t number = tag >> 3;
  const auto type = static_cast<WireType>(tag & 7);
  const std::string field = "field " + std::to_string(number);
  if (number == 0) return Refuse("", "field 0, which no message has");
  if (number < rules.size() && rules[number].tag != kNoTag) {
    return Refuse(rules[number].name, field + " has wire type " + std::to_string(tag & 7) +
                                          "; it is of type " +
                                          std::to_string(rules[number].tag & 7));
  }
  if (type == WireType::kGroupStart || type == WireType::kGroupEnd) {
    return Refuse("", field + " is a group; groups are refused");
  }
  if (++unknown_fields_ > kUnknownFieldsMax) {
    return Refuse(
        "", "too many unknown fields; at most " + std::to_string(kUnknownFieldsMax) + " an event");
  }
  return reader->Skip(type) || Refuse("", field + " is cut off or of a wire type that is none");
}

// By insertion: labels are few, and senders write maps in order.
template <EventSource kSource>
bool EventWalk<kSource>::SortLabels() {
  for (std::size_t i = 1; i < out_.label_count; ++i) {
    const LabelView label = out_.labels[i];
    std::size_t place = i;
    for (; place > 0 && label.name < out_.labels[place - 1].name; --place) {
      out_.labels[place] = out_.labels[place - 1];
    }
    out_.labels[place] = label;
    if (kChecked && place > 0 && out_.labels[place - 1].name == label.name) {
      return Refuse("labels", "'" + std::string(label.name) + "' is set twice; at most once");
    }
  }
  return true;
}

template <EventSource kSource>
bool EventWalk<kSource>::Refuse(std::string_view field, std::string reason) {
  refusal_ = std::make_unique<Refusal>(Refusal{std::string(field), std::move(reason)});
  return false;
}

template <EventSource kSource>
bool EventWalk<kSource>::Inside(std::string_view field) {
  std::string& path = refusal_->path;
  path = path.empty() ? std::string(field) : std::string(field) + "." + path;
  return false;
}

template <EventSource kSource>
bool EventWalk<kSource>::RefuseRange(const FieldRule& rule, const std::string& value,
                                     const std::string& range) {
  return Refuse(rule.name, value + " is out of range; " + range);
}

template <EventSource kSource>
bool EventWalk<kSource>::RefuseText(const FieldRule& rule, std::string_view text) {
  if (text.size() <= rule.max) return Refuse(rule.name, "not valid UTF-8; texts are UTF-8");
  return Refuse(rule.name,
                std::to_string(text.size()) + " bytes; at most " + std::to_string(rule.max));
}

template <EventSource kSource>
bool EventWalk<kSource>::RefuseMoney(const FieldRule& rule, const MoneyWire& money) {
  const Result<Currency> currency = Currency::Parse(money.currency_code);
  if (!currency.ok()) {
    Refuse("currency_code", currency.error().message());
    return Inside(rule.name);
  }
  if (money.nanos <= -kNanosPerUnit || money.nanos >= kNanosPerUnit) {
    Refuse("nanos", std::to_string(money.nanos) + " is out of range; -999999999 to 999999999");
    return Inside(rule.name);
  }
  const std::string amount = FormatDecimal(Int128{money.units} * kNanosPerUnit + money.nanos, 9) +
                             " " + std::string(money.currency_code);
  if ((money.units < 0 && money.nanos > 0) || (money.units > 0 && money.nanos < 0)) {
    return Refuse(rule.name, std::to_string(money.units) + " units and " +
                                 std::to_string(money.nanos) +
                                 " nanos differ in sign; both have the amount's");
  }
  if (money.units < 0 || money.nanos < 0)
    return Refuse(rule.name, amount + " is negative; amounts are >= 0");
  return Refuse(rule.name, amount + " is out of range; at most 9200000000 units");
}

template <EventSource kSource>
bool EventWalk<kSource>::RefuseKind(std::uint32_t tag, std::string_view name) {
  const std::uint32_t number = tag >> 3;
  const std::string field = name.empty() ? "field " + std::to_string(number) : std::string(name);
  if (kChecked && IsServerMade(static_cast<EventKind>(number))) {
    return Refuse(field, "made by the server alone; refused from outside");
  }
  return Refuse(field,
                "a kind beside " + std::string(EventKindName(out_.kind)) + "; an event has one");
}

template <EventSource kSource>
Error EventWalk<kSource>::RefusalAsError() const {
  const std::string path = refusal_->path.empty() ? "wire" : refusal_->path;
  return {ErrorCode::kInvalidArgument, path + ": " + refusal_->reason};
}

}  // namespace

Status ReadEvent(std::string_view wire, EventSource source, EventView* out) {
  if (source == EventSource::kLog) return EventWalk<EventSource::kLog>(out).Run(wire);
  return EventWalk<EventSource::kOutside>(out).Run(wire);
}

bool PayloadReader::Next(std::string_view* event) {
  if (rest_.empty() || !ok_) return false;
  WireReader reader(rest_);
  if (!reader.ReadBytes(event)) {
    ok_ = false;
    return false;
  }
  rest_.remove_prefix(static_cast<std::size_t>(event->data() + event->size() - rest_.data()));
  return true;
}

}  // namespace barograph::storage
