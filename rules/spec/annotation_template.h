#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/event/server_event.h"

namespace barograph::rules {

/// Bytes of an annotation as it is written, and as it is rendered; beyond, the rendered text is cut
/// and ends in an ellipsis.
inline constexpr std::size_t kAnnotationBytesMax = 2'048;

/// What a template may name, at the moment of a transition.
struct TemplateValues {
  /// Of the alert: `labels.agent`; one that it lacks is empty. `rule` and `severity` are short for
  /// the labels of that name.
  const storage::Labels& labels;
  double value = 0, threshold = 0;  ///< `value`, `threshold`
  std::string_view condition;       ///< `condition`: "1h/5m"
  /// Of the last event that counted, by the names of EventText: `event.customer`. Null: none.
  const storage::Labels* event = nullptr;
};
/// The names besides `labels.…`.
inline constexpr std::string_view kTemplateNames[] = {"value", "threshold", "rule", "severity",
                                                      "condition"};

/// One annotation of a rule: text with mustache tags (mustache(5)): {{name}}, sections {{#name}}
/// and {{^name}} up to {{/name}}, which stand when the name has a text or has none, and
/// {{! comments}}.
/// Nothing is escaped: an annotation is plain text, and each receiver's format escapes for itself.
///
/// Rendering is pure: equal values give equal bytes. Whole numbers are written in full, others with
/// four significant digits, as in an alert's summary.
///
/// Threads: one at a time.
class AnnotationTemplate {
 public:
  /// A text whose tags are broken is rendered as it stands; CheckTemplate has told why.
  explicit AnnotationTemplate(std::string text);
  ~AnnotationTemplate();
  AnnotationTemplate(AnnotationTemplate&&) noexcept;
  AnnotationTemplate& operator=(AnnotationTemplate&&) noexcept;

  [[nodiscard]] std::string Render(const TemplateValues& values) const;

 private:
  struct Compiled;
  std::string text_;
  std::unique_ptr<Compiled> compiled_;  ///< null: text without tags
};

/// What the template names of an event, without the prefix `event.`, in order of use.
[[nodiscard]] std::vector<std::string> TemplateEventNames(std::string_view text);
/// Every `event.` name that CheckTemplate may be given; those of labels are understood besides.
[[nodiscard]] std::vector<std::string> EventTemplateNames();

/// A mistake in a template.
struct TemplateMistake {
  std::string message;  ///< which tag, what is wrong, and what would be right
  std::string unknown;  ///< the name that nothing bears; empty for other mistakes
};
/// `known` are all names that the rule's alerts have: kTemplateNames, "labels.agent", and
/// EventTemplateNames().
[[nodiscard]] std::vector<TemplateMistake> CheckTemplate(std::string_view text,
                                                         std::span<const std::string> known);

}  // namespace barograph::rules
