#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/alert/notice.h"

namespace barograph::server {

/// A webhook's body as its user wants it: mustache over the notice. Values of {{name}} are escaped
/// for the body's content type: JSON strings for JSON, entities for HTML and XML, nothing for any
/// other; those of {{{name}}} are never escaped. Numbers are written in full.
///
/// Names: `id`, `receiver`, `group`, `reason`, `status`, `title`, `severity`, `at`, `url`, `firing`
/// and `resolved` (counts), `groupLabels.…`. In the section `alerts`, once for each alert:
/// `status`, `severity`, `summary`, `labels.…`, `annotations.…`, `startsAt`, `endsAt`, `value`,
/// `threshold`, `condition`, `fingerprint`, `episode`, and `last`, which has a text only for the
/// last one: {{#alerts}}...{{^last}},{{/last}}{{/alerts}}.
///
/// Pure: equal notices give equal bytes. A template with mistakes gives its text as it stands.
[[nodiscard]] std::string TemplateBody(const rules::Notice& notice, const std::string& text,
                                       std::string_view content_type,
                                       const std::string& external_url);

struct BodyTemplateMistake {
  std::string message;  ///< which tag, and what is wrong
  std::string unknown;  ///< the name that nothing bears; empty for other mistakes
  bool in_alerts = false;
};
[[nodiscard]] std::vector<BodyTemplateMistake> CheckBodyTemplate(std::string_view text);
/// The names that may stand in the section `alerts`, or outside of it.
[[nodiscard]] std::vector<std::string_view> BodyTemplateNames(bool in_alerts);

}  // namespace barograph::server
