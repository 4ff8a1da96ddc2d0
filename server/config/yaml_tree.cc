#include "server/config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

namespace barograph::server {
namespace {

// Builds the tree from yaml-cpp's events. After the first refusal it ignores all further events:
// their number is bounded by the size of the text, while a tree built from aliases would not be.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const std::string> file, Diagnostics* diagnostics)
      : file_(std::move(file)), diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Leaf(NodeAt(mark, YamlNode::Kind::kNull), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckTag(mark, tag);
    YamlNode node = NodeAt(mark, YamlNode::Kind::kScalar);
    node.text = value;
    node.quoted = tag == "!";
    Leaf(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (refused_) return;
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) {
      return Refuse(mark, "an alias inside of its own anchor never ends");
    }
    if (++aliases_ > kYamlAliasesMax) {
      return Refuse(mark, "more than " + std::to_string(kYamlAliasesMax) + " aliases in one file");
    }
    if (Count(mark, found->second.nodes) && Depth(mark, found->second.depth)) {
      Attach(YamlNode(found->second.node));
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(mark, tag, anchor, YamlNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(mark, tag, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

  [[nodiscard]] bool refused() const { return refused_; }
  [[nodiscard]] YamlNode Take() { return std::move(root_); }

 private:
  struct Frame {
    YamlNode node;
    YAML::anchor_t anchor;
    std::optional<YamlNode::Key> key = std::nullopt;  // read, its value not yet
    std::map<std::string, int> lines = {};            // where each key was given first
  };
  struct Anchored {
    YamlNode node;
    std::size_t nodes, depth;
  };

  [[nodiscard]] Position At(const YAML::Mark& mark) const {
    return {file_, mark.line + 1, mark.column + 1};
  }
  [[nodiscard]] YamlNode NodeAt(const YAML::Mark& mark, YamlNode::Kind kind) const {
    YamlNode node;
    node.kind = kind;
    node.position = At(mark);
    return node;
  }
  void Refuse(const YAML::Mark& mark, std::string message) {
    if (!refused_) diagnostics_->Add(At(mark), std::move(message));
    refused_ = true;
  }
  void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    Refuse(mark, "the tag " + tag + " is not supported; write the value without a tag");
  }
  [[nodiscard]] bool Count(const YAML::Mark& mark, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ <= kYamlNodesMax) return true;
    Refuse(mark, "more than " + std::to_string(kYamlNodesMax) + " values in one file");
    return false;
  }
  [[nodiscard]] bool Depth(const YAML::Mark& mark, std::size_t below) {
    if (stack_.size() + below <= kYamlDepthMax) return true;
    Refuse(mark, "nested deeper than " + std::to_string(kYamlDepthMax) + " levels");
    return false;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    CheckTag(mark, tag);
    if (refused_ || !Count(mark, 1) || !Depth(mark, 1)) return;
    stack_.push_back({NodeAt(mark, kind), anchor});
  }
  void Close() {
    if (refused_) return;
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    Keep(frame.node, frame.anchor);
    Attach(std::move(frame.node));
  }
  void Leaf(YamlNode node, YAML::anchor_t anchor) {
    YAML::Mark mark;
    mark.line = node.position.line - 1;
    mark.column = node.position.column - 1;
    if (refused_ || !Count(mark, 1)) return;
    Keep(node, anchor);
    Attach(std::move(node));
  }
  void Keep(const YamlNode& node, YAML::anchor_t anchor) {
    if (anchor == YAML::NullAnchor) return;
    const auto [nodes, depth] = Measure(node);
    anchored_[anchor] = {node, nodes, depth};
  }
  // Recursion is bounded by kYamlDepthMax.
  static std::pair<std::size_t, std::size_t> Measure(const YamlNode& node) {
    std::size_t nodes = 1, depth = 0;
    for (const YamlNode& item : node.items) {
      const auto [item_nodes, item_depth] = Measure(item);
      nodes += item_nodes;
      depth = std::max(depth, item_depth);
    }
    const bool leaf = node.kind == YamlNode::Kind::kNull || node.kind == YamlNode::Kind::kScalar;
    return {nodes, leaf ? 0 : depth + 1};
  }
  void Attach(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = stack_.back();
    if (parent.node.kind == YamlNode::Kind::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.key) {
      parent.node.keys.push_back(std::move(*parent.key));
      parent.key.reset();
      parent.node.items.push_back(std::move(node));
    } else {
      TakeKey(parent, std::move(node));
    }
  }
  void TakeKey(Frame& parent, YamlNode node) {
    YAML::Mark mark;
    mark.line = node.position.line - 1;
    mark.column = node.position.column - 1;
    if (node.kind != YamlNode::Kind::kScalar) {
      return Refuse(mark, "a key must be text, not " + std::string(node.KindName()));
    }
    const auto [first, is_new] = parent.lines.emplace(node.text, node.position.line);
    // Not a refusal: the rest of the file is still worth reading. The first value stays.
    if (!is_new) {
      diagnostics_->Add(node.position, "key '" + node.text + "' is given twice; first in line " +
                                           std::to_string(first->second));
    }
    parent.key = YamlNode::Key{std::move(node.text), node.position};
  }

  std::shared_ptr<const std::string> file_;
  Diagnostics* diagnostics_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Anchored> anchored_;
  YamlNode root_;
  std::size_t nodes_ = 0, aliases_ = 0;
  bool refused_ = false;
};

// What to do about the mistakes that people make; yaml-cpp only names its own grammar.
struct SyntaxHint {
  std::string_view found;  // yaml-cpp's wording
  std::string_view remedy;
};
constexpr std::string_view kIndent =
    "keys of one map and items of one list begin in the same column, indented with blanks";
std::string SyntaxMessage(const YAML::ParserException& exception) {
  static const SyntaxHint kHints[] = {
      {YAML::ErrorMsg::END_OF_MAP_FLOW,
       "close the `{` above with `}`, and put commas between keys"},
      {YAML::ErrorMsg::END_OF_SEQ_FLOW,
       "close the `[` above with `]`, and put commas between items"},
      {YAML::ErrorMsg::MAP_VALUE,
       "keys of one map begin in the same column; a text that holds `: ` needs quotes"},
      {YAML::ErrorMsg::MAP_KEY, kIndent},
      {YAML::ErrorMsg::BLOCK_ENTRY, kIndent},
      {YAML::ErrorMsg::END_OF_MAP, kIndent},
      {YAML::ErrorMsg::END_OF_SEQ, kIndent},
      {YAML::ErrorMsg::UNKNOWN_TOKEN, "a text that begins with %, @ or ` needs quotes"},
      {YAML::ErrorMsg::EOF_IN_SCALAR, "close the quote above"},
  };
  std::string message = "not valid YAML: " + exception.msg;
  for (const SyntaxHint& hint : kHints) {
    if (exception.msg == hint.found) message.append("; ").append(hint.remedy);
  }
  return message;
}

}  // namespace

std::string_view YamlNode::KindName() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "text";
    case Kind::kSequence:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "";
}

std::optional<YamlNode> ParseYaml(std::string_view text, std::string_view file,
                                  Diagnostics* diagnostics) {
  auto name = std::make_shared<const std::string>(file);
  if (text.size() > kYamlBytesMax) {
    diagnostics->Add({name, 0, 0}, std::to_string(text.size()) +
                                       " bytes; a configuration file has at most " +
                                       std::to_string(kYamlBytesMax));
    return std::nullopt;
  }
  TreeBuilder builder(name, diagnostics);
  TreeBuilder ignored(name, diagnostics);
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      YamlNode nothing;
      nothing.position = {name, 1, 1};
      return nothing;
    }
    if (!builder.refused() && parser.HandleNextDocument(ignored)) {
      diagnostics->Add({name, 0, 0}, "holds more than one YAML document; one file is one document");
      return std::nullopt;
    }
  } catch (const YAML::ParserException& exception) {
    diagnostics->Add({name, exception.mark.line + 1, exception.mark.column + 1},
                     SyntaxMessage(exception));
    return std::nullopt;
  } catch (const YAML::Exception& exception) {
    diagnostics->Add({name, 0, 0}, std::string("not valid YAML: ") + exception.what());
    return std::nullopt;
  }
  if (builder.refused()) return std::nullopt;
  return builder.Take();
}

}  // namespace barograph::server
