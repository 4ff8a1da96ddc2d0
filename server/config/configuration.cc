#include "server/config/configuration.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include "ingest/formats/nearest_name.h"
#include "server/config/default_rules.h"
#include "server/config/life_section.h"
#include "server/config/map_reader.h"
#include "server/config/rule_file.h"
#include "server/config/yaml_tree.h"

namespace barograph::server {
namespace {

constexpr std::string_view kPrefix = "BAROGRAPH_";

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> values;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) values.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return values;
}

Figures FiguresOf(const ServerConfig& server) {
  Figures figures;
  const auto add = [&](const std::string& name, const std::string& text) {
    if (text.empty()) return;
    const Result<AmountPerPeriod> amount = ParseAmountPerPeriod(text);
    if (!amount.ok()) return;  // which was told when the setting was read
    figures.values[name + ".amount"] = amount->amount;
    figures.values[name + ".period"] = amount->period;
  };
  add("budget", server.budget);
  add("goal", server.goal);
  if (const auto period = figures.values.find("goal.period"); period != figures.values.end())
    figures.values["goal.prorate"] = period->second == "day" ? "profile" : "linear";
  if (!server.conversion.empty()) figures.values["conversion"] = server.conversion;
  return figures;
}

class Loader {
 public:
  explicit Loader(const ConfigSources& sources) : sources_(sources) {
    for (const SettingSpec& setting : Settings()) {
      configuration_.settings.push_back({std::string(setting.path), "", "default"});
    }
  }

  Result<Configuration> Run() {
    if (!sources_.file.empty()) ReadMainFile();
    ReadEnvironmentSettings();
    ReadFlags();
    draft_.rules.timezone = configuration_.server.timezone;
    draft_.figures = FiguresOf(configuration_.server);
    for (const std::string& file : configuration_.server.rules) ReadRules(file);
    FinishMuteTimes(&draft_);
    if (uses_default_rules_) TellTheConsole();
    CheckRules(draft_, &diagnostics_);
    configuration_.kafka =
        kafka_.Finish(configuration_.server, &diagnostics_, &configuration_.warnings);
    if (!diagnostics_.empty()) return diagnostics_.ToError();
    for (std::size_t i = 0; i < configuration_.settings.size(); ++i) {
      configuration_.settings[i].value = Settings()[i].show(configuration_.server);
    }
    configuration_.rules = std::move(draft_.rules);
    configuration_.inert = std::move(draft_.inert);
    return std::move(configuration_);
  }

 private:
  std::optional<std::string> ReadText(const std::string& path, const Position& named_at) {
    Result<std::string> text = ReadConfigFile(path);
    if (!text.ok()) {
      diagnostics_.Add(named_at, text.error().message());
      return std::nullopt;
    }
    configuration_.files.push_back(path);
    return std::move(text).value();
  }

  void ReadMainFile() {
    const std::optional<std::string> text = ReadText(sources_.file, {});
    if (!text) return;
    const std::optional<YamlNode> tree = ParseYaml(*text, sources_.file, &diagnostics_);
    if (!tree || tree->kind == YamlNode::Kind::kNull) return;
    MapReader top(*tree, "the configuration", &diagnostics_);
    if (const YamlNode* version = top.Find("apiVersion"); version && version->text != kApiVersion) {
      diagnostics_.Add(version->position, "apiVersion: '" + version->text +
                                              "' is not supported; write " +
                                              std::string(kApiVersion));
    }
    std::map<std::string_view, std::vector<const SettingSpec*>> sections;
    for (const SettingSpec& setting : Settings()) {
      const std::size_t dot = setting.path.find('.');
      if (dot == std::string_view::npos) {
        TakeNode(setting, top.Find(setting.path));
      } else {
        sections[setting.path.substr(0, dot)].push_back(&setting);
      }
    }
    for (const auto& [section, settings] : sections) ReadSection(section, settings, top);
    ReadSharedSections(top, &draft_);
    top.RefuseLater({"tls", "rates"}, "leave it out");
    top.RefuseLater({"slos", "absences", "expects", "notices"},
                    "rules stand in files of their own: `rules: [rules.yaml]`");
    top.Finish();
  }

  void ReadSection(std::string_view section, const std::vector<const SettingSpec*>& settings,
                   MapReader& top) {
    const YamlNode* node = top.Find(section);
    if (node == nullptr) return;
    MapReader map(*node, "`" + std::string(section) + "`", &diagnostics_);
    if (section == "kafka") kafka_.Read(map, Folder(), &configuration_.files);
    for (const SettingSpec* setting : settings) {
      TakeNode(*setting, map.Find(setting->path.substr(section.size() + 1)));
    }
    map.Finish();
  }

  [[nodiscard]] std::string Folder() const {
    return std::filesystem::path(sources_.file).parent_path().string();
  }

  void TakeNode(const SettingSpec& setting, const YamlNode* node) {
    if (node == nullptr) return;
    std::vector<std::string> values;
    if (setting.list) {
      const auto list = ReadTextList(*node, setting.path, &diagnostics_);
      if (!list) return;
      values = *list;
    } else {
      const auto text = server::ReadText(*node, setting.path, &diagnostics_);
      if (!text) return;
      values = {*text};
    }
    if (setting.file) {
      for (std::string& value : values) {
        if (!value.empty() && !IsDefaultRules(setting, value))
          value = (std::filesystem::path(Folder()) / value).string();
      }
    }
    Take(setting, values, node->position, node->position.ToString());
  }

  void Take(const SettingSpec& setting, const std::vector<std::string>& values,
            const Position& position, std::string source) {
    const Status status = setting.apply(values, &configuration_.server);
    if (!status.ok()) {
      const std::string name =
          position.line > 0 ? std::string(setting.path) : source + ": " + std::string(setting.path);
      diagnostics_.Add(position, name + ": " + status.error().message());
      return;
    }
    const auto index = static_cast<std::size_t>(&setting - Settings().data());
    configuration_.settings[index].source = std::move(source);
    if (setting.path == "rules") rules_position_ = position;
  }

  void ReadEnvironmentSettings() {
    for (const auto& [name, value] : sources_.environment) {
      if (!name.starts_with(kPrefix)) continue;
      const SettingSpec* found = nullptr;
      for (const SettingSpec& setting : Settings()) {
        if (EnvironmentName(setting.path) == name) found = &setting;
      }
      if (found != nullptr) {
        Take(*found, found->list ? SplitList(value) : std::vector<std::string>{value}, {}, name);
      } else if (name.find("__") != std::string::npos) {
        TellUnknownVariable(name);
      }
    }
  }

  void TellUnknownVariable(const std::string& name) {
    std::vector<std::string> names;
    for (const SettingSpec& setting : Settings()) names.push_back(EnvironmentName(setting.path));
    const std::vector<std::string_view> views(names.begin(), names.end());
    diagnostics_.Add({}, name + ": the environment names a setting that does not exist" +
                             ingest::DidYouMean(name, views));
  }

  void ReadFlags() {
    for (const auto& [path, value] : sources_.flags) {
      const SettingSpec* setting = FindSetting(path);
      if (setting != nullptr) {
        Take(*setting, setting->list ? SplitList(value) : std::vector<std::string>{value}, {},
             "flag");
        continue;
      }
      std::vector<std::string_view> paths;
      for (const SettingSpec& known : Settings()) paths.push_back(known.path);
      diagnostics_.Add(
          {}, "flag: there is no setting '" + path + "'" + ingest::DidYouMean(path, paths));
    }
  }

  static bool IsDefaultRules(const SettingSpec& setting, const std::string& value) {
    return setting.path == "rules" && value == kDefaultRules;
  }

  /// A fresh install has no receivers, and its alerts are not to go unheard.
  void TellTheConsole() {
    rules::RuleSet& rules = draft_.rules;
    if (!rules.receivers.empty() || !rules.route.receiver.empty()) return;
    rules::ReceiverSpec console;
    console.name = "console";
    console.type = rules::ReceiverSpec::Type::kConsole;
    console.target = "stdout";
    rules.receivers.push_back(console);
    rules.route.receiver = console.name;
  }

  void ReadRules(const std::string& file) {
    if (file == kDefaultRules) {
      uses_default_rules_ = true;
      ReadRuleFile({"default rules", std::string(DefaultRules())}, &draft_, &diagnostics_);
      return;
    }
    const std::optional<std::string> text = ReadText(file, rules_position_);
    if (text) ReadRuleFile({file, *text}, &draft_, &diagnostics_);
  }

  const ConfigSources& sources_;
  Configuration configuration_;
  RuleDraft draft_;
  KafkaDraft kafka_;
  Diagnostics diagnostics_;
  Position rules_position_;
  bool uses_default_rules_ = false;
};

}  // namespace

Result<Configuration> LoadConfiguration(const ConfigSources& sources) {
  return Loader(sources).Run();
}

std::map<std::string, std::string> ReadEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

Result<std::string> ReadConfigFile(const std::string& path) {
  std::error_code code;
  const std::filesystem::file_status status = std::filesystem::status(path, code);
  if (!std::filesystem::exists(status)) {
    return Error(ErrorCode::kNotFound, "there is no file " + path);
  }
  if (std::filesystem::is_directory(status)) {
    return Error(ErrorCode::kInvalidArgument, path + " is a folder; name a file");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(kYamlBytesMax + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file && !file.eof()) return Error(ErrorCode::kNotFound, "cannot read " + path);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kYamlBytesMax) {
    return Error(ErrorCode::kInvalidArgument,
                 path + " has more than " + std::to_string(kYamlBytesMax) + " bytes");
  }
  return text;
}

}  // namespace barograph::server
