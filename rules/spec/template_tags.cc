#include "rules/spec/template_tags.h"

namespace barograph::rules {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

std::optional<TemplateTag> NextTag(std::string_view text, std::size_t* position) {
  constexpr std::size_t kShown = 40;
  const std::size_t begin = text.find("{{", *position);
  if (begin == std::string_view::npos) return std::nullopt;
  const bool triple = text.substr(begin).starts_with("{{{");
  const std::string_view close = triple ? "}}}" : "}}";
  const std::size_t inner = begin + close.size();
  const std::size_t end = text.find(close, inner);
  TemplateTag tag;
  if (end == std::string_view::npos) {
    *position = text.size();
    tag.whole = text.substr(begin, kShown);
    return tag;
  }
  *position = end + close.size();
  tag.whole = text.substr(begin, *position - begin);
  tag.name = Trim(text.substr(inner, end - inner));
  tag.closed = true;
  constexpr std::string_view kTypes = "#^/>&!=";
  if (!triple && !tag.name.empty() && kTypes.find(tag.name[0]) != std::string_view::npos) {
    tag.type = tag.name[0];
    tag.name = Trim(tag.name.substr(1));
  }
  return tag;
}

}  // namespace barograph::rules
