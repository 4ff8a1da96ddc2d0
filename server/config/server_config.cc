#include "server/config/server_config.h"

#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "ingest/formats/nearest_name.h"
#include "storage/base/money.h"

namespace barograph::server {
namespace {

using Values = std::vector<std::string>;

Error Refuse(std::string_view value, std::string_view wrong) {
  return Error(ErrorCode::kInvalidArgument, "'" + std::string(value) + "' " + std::string(wrong));
}

Status ApplyText(const Values& values, std::string* into) {
  if (values[0].empty()) return Error(ErrorCode::kInvalidArgument, "is empty");
  *into = values[0];
  return {};
}

// "127.0.0.1:7171", "[::1]:7171", "localhost:0".
Status ApplyAddress(const Values& values, std::string* into) {
  const std::string& text = values[0];
  const std::size_t colon = text.rfind(':');
  std::uint32_t port = 0;
  const char* end = text.data() + text.size();
  const bool bare_v6 = colon != std::string::npos && text.find(':') != colon && text[0] != '[';
  if (colon == std::string::npos || colon == 0 || bare_v6) {
    return Refuse(text, "is not an address; write host:port, e.g. 127.0.0.1:7171 or [::1]:7171");
  }
  const auto [stop, code] = std::from_chars(text.data() + colon + 1, end, port);
  if (code != std::errc{} || stop != end || port > 65'535) {
    return Refuse(text, "has no port in [0, 65535]; write e.g. 127.0.0.1:7171");
  }
  *into = text;
  return {};
}

// Each broker as librdkafka takes it: "host", "host:9092", "[::1]:9092", "SASL_SSL://host:9093".
Status ApplyBrokers(const Values& values, std::string* into) {
  std::string_view rest = values[0];
  do {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view broker = rest.substr(0, comma);
    if (broker.empty() || broker.starts_with(':') || broker.ends_with(':') ||
        broker.find_first_of(" \t") != std::string_view::npos) {
      return Refuse(values[0], "is no list of brokers; write e.g. broker-1:9092,broker-2:9092");
    }
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  } while (!rest.empty());
  *into = values[0];
  return {};
}

Status ApplyZone(const Values& values, std::string* into) {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(values[0], &zone)) {
    return Refuse(values[0],
                  "is not a zone of the IANA database; write e.g. UTC or America/New_York");
  }
  *into = values[0];
  return {};
}

Status CheckRange(std::string_view text, std::uint64_t number, std::uint64_t min,
                  std::uint64_t max) {
  if (number >= min && number <= max) return {};
  return Refuse(text, "is outside of [" + std::to_string(min) + ", " + std::to_string(max) + "]");
}

template <std::uint64_t kMin, std::uint64_t kMax>
Status ApplyCount(const Values& values, std::uint64_t* into) {
  std::uint64_t number = 0;
  const std::string& text = values[0];
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc{} || stop != end) return Refuse(text, "is not a whole number");
  BAROGRAPH_TRY(CheckRange(text, number, kMin, kMax));
  *into = number;
  return {};
}

template <std::uint64_t kMin, std::uint64_t kMax>
Status ApplyBytes(const Values& values, std::uint64_t* into) {
  BAROGRAPH_ASSIGN(const std::uint64_t number, ParseBytes(values[0]));
  BAROGRAPH_TRY(CheckRange(values[0], number, kMin, kMax));
  *into = number;
  return {};
}

Status ApplyInterval(const Values& values, Duration* into) {
  const Result<Duration> span = ParseDuration(values[0]);
  if (!span.ok()) return Refuse(values[0], "is not a duration; write e.g. 3s");
  if (*span < std::chrono::milliseconds(100) || *span > std::chrono::hours(1)) {
    return Refuse(values[0], "is outside of [100ms, 1h]");
  }
  *into = *span;
  return {};
}

Status ApplyAmountPerPeriod(const Values& values, std::string* into) {
  const Result<AmountPerPeriod> amount = ParseAmountPerPeriod(values[0]);
  if (!amount.ok()) return amount.error();
  *into = values[0];
  return {};
}

Status ApplyShare(const Values& values, std::string* into) {
  std::string_view text = values[0];
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const Result<Int128> share = ParseDecimal(text, 7);
  constexpr Int128 kAll = 1'000'000'000;  // 100 % in integers of 1e-7 percent.
  if (!percent || !share.ok() || *share <= 0 || *share >= kAll)
    return Refuse(values[0], "is no share between 0% and 100%; write e.g. 2%");
  *into = values[0];
  return {};
}

Status ApplyWord(const Values& values, std::span<const std::string_view> words, std::string* into) {
  if (std::find(words.begin(), words.end(), values[0]) != words.end()) {
    *into = values[0];
    return {};
  }
  std::string all;
  for (const std::string_view word : words) all += (all.empty() ? "" : ", ") + std::string(word);
  return Refuse(values[0], "is none of " + all + ingest::DidYouMean(values[0], words));
}

Status ApplySwitch(const Values& values, bool* into) {
  constexpr std::array<std::string_view, 2> kWords{"true", "false"};
  std::string word;
  BAROGRAPH_TRY(ApplyWord(values, kWords, &word));
  *into = word == "true";
  return {};
}

constexpr std::array<std::string_view, 6> kLevels{"trace", "debug", "info", "warn", "error", "off"};
constexpr std::array<std::string_view, 2> kLogFormats{"text", "json"};

std::string ShowBytes(std::uint64_t bytes) {
  for (const auto& [shift, unit] :
       {std::pair(30U, "GiB"), std::pair(20U, "MiB"), std::pair(10U, "KiB")}) {
    if (bytes != 0 && bytes % (1ULL << shift) == 0) return std::to_string(bytes >> shift) + unit;
  }
  return std::to_string(bytes);
}

std::string Joined(const Values& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ",") + value;
  return text;
}

constexpr std::uint64_t kMebi = 1U << 20U;
constexpr std::uint64_t kGibi = 1U << 30U;

using Config = ServerConfig;
const std::array<SettingSpec, 25> kSettings{{
    {"data", "folder of the log and all state; made when absent", false, true,
     [](const Values& v, Config* c) { return ApplyText(v, &c->data); },
     [](const Config& c) { return c.data; }},
    {"listen", "address of the gRPC port", false, false,
     [](const Values& v, Config* c) { return ApplyAddress(v, &c->listen); },
     [](const Config& c) { return c.listen; }},
    {"http", "address of the HTTP port: metrics and health", false, false,
     [](const Values& v, Config* c) { return ApplyAddress(v, &c->http); },
     [](const Config& c) { return c.http; }},
    {"channelz",
     "gRPC's own view of its connections on the gRPC port, with peers' addresses; true or false",
     false, false, [](const Values& v, Config* c) { return ApplySwitch(v, &c->channelz); },
     [](const Config& c) -> std::string { return c.channelz ? "true" : "false"; }},
    {"timezone", "IANA zone for times without one and for calendar days", false, false,
     [](const Values& v, Config* c) { return ApplyZone(v, &c->timezone); },
     [](const Config& c) { return c.timezone; }},
    {"budget", "what may be spent in a period, for the default rules, e.g. `50 USD/day`", false,
     false, [](const Values& v, Config* c) { return ApplyAmountPerPeriod(v, &c->budget); },
     [](const Config& c) { return c.budget; }},
    {"goal", "what is to be earned in a period, for the default rules, e.g. `300 USD/day`", false,
     false, [](const Values& v, Config* c) { return ApplyAmountPerPeriod(v, &c->goal); },
     [](const Config& c) { return c.goal; }},
    {"conversion",
     "share of visits that is to end with a payment, for the default rules, e.g. `2%`", false,
     false, [](const Values& v, Config* c) { return ApplyShare(v, &c->conversion); },
     [](const Config& c) { return c.conversion; }},
    {"rules", "rule files; `default` stands for the shipped ones; SIGHUP reads them again", true,
     true, [](const Values& v, Config* c) -> Status { return c->rules = v, Status(); },
     [](const Config& c) { return Joined(c.rules); }},
    {"prices", "price table in LiteLLM's format; empty: the table that ships with Barograph", false,
     true, [](const Values& v, Config* c) { return ApplyText(v, &c->prices); },
     [](const Config& c) { return c.prices; }},
    {"limits.queue_batches", "batches that wait for the writer; [1, 1000000]", false, false,
     [](const Values& v, Config* c) {
       return ApplyCount<1, 1'000'000>(v, &c->limits.queue_batches);
     },
     [](const Config& c) { return std::to_string(c.limits.queue_batches); }},
    {"limits.queue_bytes", "bytes that wait for the writer; [1MiB, 16GiB]", false, false,
     [](const Values& v, Config* c) {
       return ApplyBytes<kMebi, 16 * kGibi>(v, &c->limits.queue_bytes);
     },
     [](const Config& c) { return ShowBytes(c.limits.queue_bytes); }},
    {"limits.group_events", "events of one synced write; [1, 1000000]", false, false,
     [](const Values& v, Config* c) {
       return ApplyCount<1, 1'000'000>(v, &c->limits.group_events);
     },
     [](const Config& c) { return std::to_string(c.limits.group_events); }},
    {"limits.group_bytes", "bytes of one synced write; [64KiB, 256MiB]", false, false,
     [](const Values& v, Config* c) {
       return ApplyBytes<65'536, 256 * kMebi>(v, &c->limits.group_bytes);
     },
     [](const Config& c) { return ShowBytes(c.limits.group_bytes); }},
    {"limits.streams", "open ingest streams of all connections; [1, 100000]", false, false,
     [](const Values& v, Config* c) { return ApplyCount<1, 100'000>(v, &c->limits.streams); },
     [](const Config& c) { return std::to_string(c.limits.streams); }},
    {"checkpoint.interval", "log time between checkpoints; [100ms, 1h]", false, false,
     [](const Values& v, Config* c) { return ApplyInterval(v, &c->checkpoint.interval); },
     [](const Config& c) { return FormatDuration(c.checkpoint.interval); }},
    {"checkpoint.events", "events between checkpoints, whichever comes first; [1000, 1000000000]",
     false, false,
     [](const Values& v, Config* c) {
       return ApplyCount<1000, 1'000'000'000>(v, &c->checkpoint.events);
     },
     [](const Config& c) { return std::to_string(c.checkpoint.events); }},
    {"kafka.brokers", "brokers of Kafka: host:port, several with commas; empty: no Kafka", false,
     false, [](const Values& v, Config* c) { return ApplyBrokers(v, &c->kafka.brokers); },
     [](const Config& c) { return c.kafka.brokers; }},
    {"kafka.group", "consumer group; one Barograph a group", false, false,
     [](const Values& v, Config* c) { return ApplyText(v, &c->kafka.group); },
     [](const Config& c) { return c.kafka.group; }},
    {"kafka.dead_letter_topic", "topic that gets a copy of every record set aside; empty: none",
     false, false,
     [](const Values& v, Config* c) { return ApplyText(v, &c->kafka.dead_letter_topic); },
     [](const Config& c) { return c.kafka.dead_letter_topic; }},
    {"log.level", "trace, debug, info, warn, error or off", false, false,
     [](const Values& v, Config* c) { return ApplyWord(v, kLevels, &c->log.level); },
     [](const Config& c) { return c.log.level; }},
    {"log.format", "text or json", false, false,
     [](const Values& v, Config* c) { return ApplyWord(v, kLogFormats, &c->log.format); },
     [](const Config& c) { return c.log.format; }},
    {"log.file", "file of the server's own log; empty: stderr", false, true,
     [](const Values& v, Config* c) { return ApplyText(v, &c->log.file); },
     [](const Config& c) { return c.log.file; }},
    {"log.file_bytes", "a log file is rotated at this size; [1MiB, 16GiB]", false, false,
     [](const Values& v, Config* c) {
       return ApplyBytes<kMebi, 16 * kGibi>(v, &c->log.file_bytes);
     },
     [](const Config& c) { return ShowBytes(c.log.file_bytes); }},
    {"log.files", "log files kept; [1, 1000]", false, false,
     [](const Values& v, Config* c) { return ApplyCount<1, 1000>(v, &c->log.files); },
     [](const Config& c) { return std::to_string(c.log.files); }},
}};

}  // namespace

Result<AmountPerPeriod> ParseAmountPerPeriod(std::string_view text) {
  constexpr std::array<std::string_view, 5> kPeriods{"day", "week", "month", "quarter", "year"};
  const std::size_t slash = text.rfind('/');
  if (slash != std::string_view::npos) {
    const std::string amount(text.substr(0, slash)), period(text.substr(slash + 1));
    const Result<Money> money = ParseMoney(amount);
    if (money.ok() && money->nanos > 0 && std::ranges::find(kPeriods, period) != kPeriods.end())
      return AmountPerPeriod{amount, period};
  }
  return Error(ErrorCode::kInvalidArgument,
               "\"" + std::string(text) +
                   "\" is no amount for a period; write e.g. 50 USD/day, with day, week, month, "
                   "quarter or year");
}

std::span<const SettingSpec> Settings() { return kSettings; }

const SettingSpec* FindSetting(std::string_view path) {
  const auto found = std::find_if(kSettings.begin(), kSettings.end(),
                                  [&](const SettingSpec& setting) { return setting.path == path; });
  return found == kSettings.end() ? nullptr : &*found;
}

std::string EnvironmentName(std::string_view path) {
  std::string name = "BAROGRAPH_";
  for (const char c : path) {
    if (c == '.') {
      name += "__";
    } else {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return name;
}

Result<std::uint64_t> ParseBytes(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  unsigned shift = 0;
  if (unit == "KiB") shift = 10;
  if (unit == "MiB") shift = 20;
  if (unit == "GiB") shift = 30;
  if (code != std::errc{} || (shift == 0 && !unit.empty()) || number > UINT64_MAX >> shift) {
    return Refuse(text, "is not a size; write e.g. 65536, 64KiB, 64MiB or 1GiB");
  }
  return number << shift;
}

}  // namespace barograph::server
