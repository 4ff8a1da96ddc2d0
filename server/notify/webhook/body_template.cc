#include "server/notify/webhook/body_template.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <kainjow/mustache.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "rules/spec/template_tags.h"
#include "server/notify/body/notice_text.h"

namespace barograph::server {
namespace {

using kainjow::mustache::basic_context;
using kainjow::mustache::data;
using kainjow::mustache::mustache;

constexpr std::string_view kAlerts = "alerts";
constexpr std::array<std::string_view, 13> kNames{
    "alerts",   "at",       "firing",   "group",  "groupLabels.", "id", "reason",
    "receiver", "resolved", "severity", "status", "title",        "url"};
constexpr std::array<std::string_view, 13> kAlertNames{
    "annotations.", "condition", "endsAt", "episode", "fingerprint", "labels.", "last",
    "severity",     "startsAt",  "status", "summary", "threshold",   "value"};

std::string Number(double value) {
  std::array<char, 400> text{};  // the longest double without an exponent
  const auto [end, code] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return code == std::errc{} ? std::string(text.data(), end) : "";
}

std::string Of(const storage::Labels& labels, std::string_view name) {
  const auto found = labels.find(name);
  return found == labels.end() ? "" : found->second;
}

std::string_view Status(bool firing) { return firing ? "firing" : "resolved"; }

/// Looks names up in the notice, or in the alert whose section is open.
class Lookup final : public basic_context<std::string> {
 public:
  Lookup(const rules::Notice& notice, const std::string& external_url)
      : notice_(notice), url_(external_url), alerts_(data::type::list) {
    for (const rules::NoticeMember& member : notice.members) alerts_.push_back(member.episode_id);
  }

  void push(const data* section) override {
    const auto& items = alerts_.list_value();
    const bool inside =
        !items.empty() && section >= items.data() && section < items.data() + items.size();
    const std::size_t outer = open_.empty() ? kNone : open_.back();
    open_.push_back(inside ? static_cast<std::size_t>(section - items.data()) : outer);
    found_.emplace_back();
  }
  void pop() override {
    open_.pop_back();
    found_.pop_back();
  }
  const data* get_partial(const std::string& /*name*/) const override { return nullptr; }
  const data* get(const std::string& name) const override {
    if (name == kAlerts) return &alerts_;
    auto& known = found_.back();
    if (const auto found = known.find(name); found != known.end()) return &found->second;
    const std::string text = TextOf(name);
    // An empty text closes a section, as a name that is absent.
    if (text.empty()) return nullptr;
    return &known.emplace(name, data(text)).first->second;
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  [[nodiscard]] std::string TextOf(std::string_view name) const {
    const std::size_t alert = open_.empty() ? kNone : open_.back();
    return alert == kNone ? OfNotice(name) : OfAlert(notice_.members[alert], name);
  }
  [[nodiscard]] std::string OfNotice(std::string_view name) const {
    const std::size_t firing = CountFiring(notice_);
    if (name == "id") return notice_.id;
    if (name == "receiver") return notice_.receiver;
    if (name == "group") return notice_.group_key;
    if (name == "reason") return notice_.reason;
    if (name == "status") return std::string(Status(firing > 0));
    if (name == "title") return NoticeTitle(notice_);
    if (name == "severity") return std::string(SeverityWord(MostUrgent(notice_)));
    if (name == "at") return FormatTime(notice_.at);
    if (name == "firing") return std::to_string(firing);
    if (name == "resolved") return std::to_string(notice_.members.size() - firing);
    if (name == "url") return url_;
    if (name.starts_with("groupLabels.")) return Of(notice_.group_labels, name.substr(12));
    return "";
  }
  [[nodiscard]] std::string OfAlert(const rules::NoticeMember& alert, std::string_view name) const {
    if (name == "status") return std::string(Status(Fires(alert)));
    if (name == "severity") return std::string(SeverityWord(alert.severity));
    if (name == "summary") return std::string(SummaryOf(alert));
    if (name == "startsAt") return FormatTime(alert.starts_at);
    if (name == "endsAt") return Fires(alert) ? "" : FormatTime(alert.ends_at);
    if (name == "value") return Number(alert.value);
    if (name == "threshold") return Number(alert.threshold);
    if (name == "condition") return alert.condition;
    if (name == "fingerprint") return alert.fingerprint;
    if (name == "episode") return alert.episode_id;
    if (name == "last") return &alert == &notice_.members.back() ? "true" : "";
    if (name.starts_with("labels.")) return Of(alert.labels, name.substr(7));
    if (name.starts_with("annotations.")) return Of(alert.annotations, name.substr(12));
    return "";
  }

  const rules::Notice& notice_;
  const std::string& url_;
  data alerts_;
  std::vector<std::size_t> open_;
  mutable std::vector<std::map<std::string, data, std::less<>>> found_{1};
};

std::string JsonText(const std::string& text) {
  const std::string quoted =
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

mustache::escape_handler EscapeFor(std::string_view content_type) {
  if (content_type.find("json") != std::string_view::npos) return &JsonText;
  if (content_type.find("html") != std::string_view::npos ||
      content_type.find("xml") != std::string_view::npos) {
    return &kainjow::mustache::html_escape<std::string>;
  }
  return [](const std::string& text) { return text; };
}

bool IsKnown(std::string_view name, bool in_alerts) {
  const std::vector<std::string_view> names = BodyTemplateNames(in_alerts);
  return std::any_of(names.begin(), names.end(), [&](std::string_view known) {
    return name == known ? !known.ends_with('.') : known.ends_with('.') && name.starts_with(known);
  });
}

/// Walks over the tags, with the sections that are open.
class Checker {
 public:
  std::vector<BodyTemplateMistake> Run(std::string_view text) {
    std::size_t position = 0;
    while (const auto tag = rules::NextTag(text, &position)) Take(*tag);
    for (const rules::TemplateTag& open : open_) {
      Say(open, "the section is not closed; write {{/" + std::string(open.name) + "}} at its end");
    }
    return std::move(mistakes_);
  }

 private:
  [[nodiscard]] bool InAlerts() const {
    return std::any_of(open_.begin(), open_.end(), [](const rules::TemplateTag& tag) {
      return tag.type == '#' && tag.name == kAlerts;
    });
  }
  void Say(const rules::TemplateTag& tag, const std::string& what, std::string unknown = "") {
    mistakes_.push_back(
        {"'" + std::string(tag.whole) + "': " + what, std::move(unknown), InAlerts()});
  }
  void Take(const rules::TemplateTag& tag) {
    if (!tag.closed) return Say(tag, "the tag is not closed; write {{name}}");
    if (tag.type == '!') return;
    if (tag.type == '>' || tag.type == '=') {
      return Say(tag, "there are neither partials nor other delimiters");
    }
    if (tag.type == '/') return Close(tag);
    if (!IsKnown(tag.name, InAlerts())) {
      Say(tag,
          InAlerts() ? "the name is unknown in `alerts`" : "the name is unknown outside `alerts`",
          std::string(tag.name));
    }
    if (tag.type == '#' || tag.type == '^') open_.push_back(tag);
  }
  void Close(const rules::TemplateTag& tag) {
    if (open_.empty()) return Say(tag, "it closes no section; write {{#name}} before it");
    if (open_.back().name != tag.name) {
      Say(tag, "the open section is {{" + std::string(1, open_.back().type) +
                   std::string(open_.back().name) + "}}; close that one first");
    }
    open_.pop_back();
  }

  std::vector<rules::TemplateTag> open_;
  std::vector<BodyTemplateMistake> mistakes_;
};

}  // namespace

std::vector<std::string_view> BodyTemplateNames(bool in_alerts) {
  if (in_alerts) return {kAlertNames.begin(), kAlertNames.end()};
  return {kNames.begin(), kNames.end()};
}

std::vector<BodyTemplateMistake> CheckBodyTemplate(std::string_view text) {
  return Checker().Run(text);
}

std::string TemplateBody(const rules::Notice& notice, const std::string& text,
                         std::string_view content_type, const std::string& external_url) {
  if (!CheckBodyTemplate(text).empty()) return text;
  try {
    mustache engine(text);
    if (!engine.is_valid()) return text;
    engine.set_custom_escape(EscapeFor(content_type));
    Lookup lookup(notice, external_url);
    std::ostringstream stream;
    return engine.render(lookup, stream).str();
  } catch (const std::exception&) {
    return text;
  }
}

}  // namespace barograph::server
