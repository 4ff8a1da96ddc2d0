#include "rules/spec/annotation_template.h"

#include <algorithm>
#include <exception>
#include <kainjow/mustache.hpp>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "rules/measure/event_text.h"
#include "rules/spec/number_text.h"
#include "rules/spec/template_tags.h"

namespace barograph::rules {
namespace {

using kainjow::mustache::basic_context;
using kainjow::mustache::data;
using kainjow::mustache::mustache;

constexpr std::string_view kLabelPrefix = "labels.";
constexpr std::string_view kEventPrefix = "event.";
constexpr std::string_view kEllipsis = "\u2026";

std::string Cut(std::string text) {
  if (text.size() <= kAnnotationBytesMax) return text;
  std::size_t end = kAnnotationBytesMax - kEllipsis.size();
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  while (end > 0 && continues(end)) --end;
  text.resize(end);
  return text.append(kEllipsis);
}

/// Looks names up in the values, whatever section is open: there are no lists whose items could
/// hide them.
class Lookup final : public basic_context<std::string> {
 public:
  explicit Lookup(const TemplateValues& values) : values_(values) {}

  void push(const data* /*section*/) override {}
  void pop() override {}
  const data* get_partial(const std::string& /*name*/) const override { return nullptr; }
  const data* get(const std::string& name) const override {
    if (const auto found = found_.find(name); found != found_.end()) return &found->second;
    std::string text = TextOf(name);
    // An empty text closes a section, as a name that is absent.
    if (text.empty()) return nullptr;
    return &found_.emplace(name, data(text)).first->second;
  }

 private:
  [[nodiscard]] std::string Label(std::string_view name) const {
    const auto label = values_.labels.find(std::string(name));
    return label == values_.labels.end() ? "" : label->second;
  }
  [[nodiscard]] std::string OfEvent(std::string_view name) const {
    if (values_.event == nullptr) return "";
    const auto text = values_.event->find(name);
    return text == values_.event->end() ? "" : text->second;
  }
  [[nodiscard]] std::string TextOf(std::string_view name) const {
    if (name.starts_with(kEventPrefix)) return OfEvent(name.substr(kEventPrefix.size()));
    if (name.starts_with(kLabelPrefix)) return Label(name.substr(kLabelPrefix.size()));
    if (name == "rule" || name == "severity") return Label(name);
    if (name == "value") return NumberText(values_.value);
    if (name == "threshold") return NumberText(values_.threshold);
    if (name == "condition") return std::string(values_.condition);
    return "";
  }

  const TemplateValues& values_;
  mutable std::map<std::string, data, std::less<>> found_;
};

bool IsEventLabel(std::string_view name) {
  if (!name.starts_with(kEventPrefix)) return false;
  name.remove_prefix(kEventPrefix.size());
  return name.starts_with(kEventLabels) && name.size() > kEventLabels.size();
}

/// Walks over the tags and collects what is wrong with them.
class Checker {
 public:
  using Known = std::optional<std::span<const std::string>>;
  /// Without `known` any name will do.
  explicit Checker(Known known) : known_(known) {}

  std::vector<TemplateMistake> Run(std::string_view text) {
    std::size_t position = 0;
    while (const std::optional<TemplateTag> tag = NextTag(text, &position)) Take(*tag);
    for (const TemplateTag& open : open_) {
      Say(open, "the section is not closed; write {{/" + std::string(open.name) + "}} at its end");
    }
    return std::move(mistakes_);
  }

 private:
  void Say(const TemplateTag& tag, const std::string& what, std::string unknown = "") {
    mistakes_.push_back({"'" + std::string(tag.whole) + "': " + what, std::move(unknown)});
  }

  void Take(const TemplateTag& tag) {
    if (!tag.closed) return Say(tag, "the tag is not closed; write {{name}}");
    if (tag.type == '!') return;
    if (tag.type == '>' || tag.type == '=') {
      return Say(tag,
                 "an annotation has neither partials nor other delimiters; write {{name}}, "
                 "{{#name}} or {{^name}}");
    }
    if (tag.type == '/') return Close(tag);
    if (known_) CheckName(tag);
    if (tag.type == '#' || tag.type == '^') open_.push_back(tag);
  }

  void Close(const TemplateTag& tag) {
    if (open_.empty()) return Say(tag, "it closes no section; write {{#name}} before it");
    if (open_.back().name != tag.name) {
      Say(tag, "the open section is {{" + std::string(1, open_.back().type) +
                   std::string(open_.back().name) + "}}; close that one first");
    }
    open_.pop_back();
  }

  void CheckName(const TemplateTag& tag) {
    if (std::find(known_->begin(), known_->end(), tag.name) != known_->end()) return;
    if (tag.name.empty()) return Say(tag, "the tag is empty; write e.g. {{value}}");
    if (IsEventLabel(tag.name)) return;
    if (tag.name.starts_with(kLabelPrefix)) {
      return Say(tag, "the alerts of this rule have no such label; add it to `by` or `labels`",
                 std::string(tag.name));
    }
    Say(tag, "the name is unknown", std::string(tag.name));
  }

  Known known_;
  std::vector<TemplateTag> open_;
  std::vector<TemplateMistake> mistakes_;
};

}  // namespace

struct AnnotationTemplate::Compiled {
  explicit Compiled(const std::string& text) : engine(text) {
    engine.set_custom_escape([](const std::string& plain) { return plain; });
  }
  mustache engine;
};

AnnotationTemplate::AnnotationTemplate(std::string text) : text_(std::move(text)) {
  if (text_.find("{{") == std::string::npos || !Checker(std::nullopt).Run(text_).empty()) return;
  try {
    auto compiled = std::make_unique<Compiled>(text_);
    if (compiled->engine.is_valid()) compiled_ = std::move(compiled);
  } catch (const std::exception&) {
    // Stays as it stands.
  }
}

AnnotationTemplate::~AnnotationTemplate() = default;
AnnotationTemplate::AnnotationTemplate(AnnotationTemplate&&) noexcept = default;
AnnotationTemplate& AnnotationTemplate::operator=(AnnotationTemplate&&) noexcept = default;

std::string AnnotationTemplate::Render(const TemplateValues& values) const {
  if (compiled_ == nullptr) return Cut(text_);
  std::string rendered;
  try {
    Lookup lookup(values);
    std::ostringstream stream;
    rendered = compiled_->engine.render(lookup, stream).str();
  } catch (const std::exception&) {
    rendered = text_;
  }
  return Cut(std::move(rendered));
}

std::vector<std::string> TemplateEventNames(std::string_view text) {
  std::vector<std::string> names;
  std::size_t position = 0;
  while (const std::optional<TemplateTag> tag = NextTag(text, &position)) {
    if (tag->name.starts_with(kEventPrefix))
      names.emplace_back(tag->name.substr(kEventPrefix.size()));
  }
  return names;
}

std::vector<std::string> EventTemplateNames() {
  std::vector<std::string> names;
  for (const std::string_view name : EventTextNames())
    names.push_back(std::string(kEventPrefix).append(name));
  return names;
}

std::vector<TemplateMistake> CheckTemplate(std::string_view text,
                                           std::span<const std::string> known) {
  if (text.size() > kAnnotationBytesMax) {
    return {{std::to_string(text.size()) + " bytes; at most " + std::to_string(kAnnotationBytesMax),
             ""}};
  }
  return Checker(Checker::Known(known)).Run(text);
}

}  // namespace barograph::rules
