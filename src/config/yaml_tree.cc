#include "config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "config/scalar.h"

namespace weir::config {
namespace {

// Thrown through the parser, which has no other way to stop early. Never leaves this file.
struct Refusal {
  int line;
  std::string what;
};

struct Measure {
  size_t nodes = 1;
  size_t depth = 1;
};
Measure MeasureOf(const YamlNode& node) {
  Measure whole;
  const auto add = [&](const YamlNode& part) {
    const Measure measure = MeasureOf(part);
    whole.nodes += measure.nodes;
    whole.depth = std::max(whole.depth, measure.depth + 1);
  };
  for (const YamlNode& item : node.items) {
    add(item);
  }
  for (const YamlEntry& entry : node.entries) {
    add(entry.value);
  }
  return whole;
}

class TreeBuilder : public YAML::EventHandler {
 public:
  YamlNode Take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add({.kind = YamlNode::Kind::kNull, .line = Line(mark)}, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool quoted = tag != "?" && !tag.empty();  // The library's tag of a plain scalar is "?".
    Add({.kind = YamlNode::Kind::kScalar, .line = Line(mark), .text = value, .quoted = quoted}, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) {
      throw Refusal{Line(mark), "an alias inside the value that it names"};
    }
    Count(Line(mark), MeasureOf(it->second));
    Attach(it->second);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Begin(YamlNode::Kind::kList, mark, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Begin(YamlNode::Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor;
    bool has_key = false;
    YamlEntry entry;  // Its key was read, its value not yet.
  };

  static int Line(const YAML::Mark& mark) { return mark.line + 1; }

  // Aliases multiply, so that their size and depth count where they are used.
  void Count(int line, Measure added) {
    nodes_ += added.nodes;
    if (nodes_ > kMaxYamlNodes) {
      throw Refusal{line, "more than " + std::to_string(kMaxYamlNodes) + " values"};
    }
    if (open_.size() + added.depth > kMaxYamlDepth) {
      throw Refusal{line, "nested deeper than " + std::to_string(kMaxYamlDepth)};
    }
  }
  void Add(YamlNode node, YAML::anchor_t anchor) {
    Count(node.line, {});
    if (anchor != YAML::NullAnchor) {
      Count(node.line, MeasureOf(node));
      anchors_[anchor] = node;
    }
    Attach(std::move(node));
  }
  void Begin(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    Count(Line(mark), {.nodes = 0});
    open_.push_back({.node = {.kind = kind, .line = Line(mark)}, .anchor = anchor, .entry = {}});
  }
  void Close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    Add(std::move(done.node), done.anchor);
  }
  void Attach(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      SetKey(parent, node);
    } else {
      parent.entry.value = std::move(node);
      parent.node.entries.push_back(std::move(parent.entry));
      parent.has_key = false;
    }
  }
  static void SetKey(Open& map, const YamlNode& key) {
    if (key.kind != YamlNode::Kind::kScalar) {
      throw Refusal{key.line, "a key has to be text"};
    }
    const auto same = std::ranges::find(map.node.entries, key.text, &YamlEntry::key);
    if (same != map.node.entries.end()) {
      throw Refusal{key.line,
                    "key '" + key.text + "' occurs twice; first in line " + std::to_string(same->line)};
    }
    map.entry = {.key = key.text, .line = key.line};
    map.has_key = true;
  }

  YamlNode root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  size_t nodes_ = 0;
};

std::unexpected<base::Error> FailAt(std::string_view name, int line, const std::string& what) {
  return base::Fail(base::ErrorCode::kInvalidArgument,
                    std::string(name) + ":" + std::to_string(line) + ": " + what);
}

}  // namespace

bool YamlNode::IsZero() const {
  switch (kind) {
    case Kind::kNull:
      return true;
    case Kind::kScalar: {
      const auto number = ParseDecimal(text);
      const auto duration = ParseDuration(text);
      return text.empty() || ParseBool(text) == false || (number && *number == 0) ||
             (!number && duration && duration->micros() == 0);
    }
    case Kind::kList:
      return std::ranges::all_of(items, &YamlNode::IsZero);
    case Kind::kMap:
      return std::ranges::all_of(entries, [](const YamlEntry& entry) { return entry.value.IsZero(); });
  }
  return false;
}

std::string YamlNode::ToJson() const {
  std::string json;
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kScalar:
      if (!quoted && (text == "true" || text == "false" || IsJsonNumber(text))) {
        return text;
      }
      AppendJsonString(text, json);
      return json;
    case Kind::kList:
      for (const YamlNode& item : items) {
        json += (json.empty() ? "" : ",") + item.ToJson();
      }
      return "[" + json + "]";
    case Kind::kMap:
      for (const YamlEntry& entry : entries) {
        json += json.empty() ? "" : ",";
        AppendJsonString(entry.key, json);
        json += ":" + entry.value.ToJson();
      }
      return "{" + json + "}";
  }
  return json;
}

base::Result<YamlNode> ParseYaml(std::string_view text, std::string_view name) {
  TreeBuilder builder;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    TreeBuilder second;
    if (parser.HandleNextDocument(second)) {
      return FailAt(name, 1, "more than one YAML document");
    }
  } catch (const Refusal& refusal) {
    return FailAt(name, refusal.line, refusal.what);
  } catch (const YAML::Exception& error) {
    return FailAt(name, error.mark.line + 1, error.msg);
  }
  return builder.Take();
}

}  // namespace weir::config
