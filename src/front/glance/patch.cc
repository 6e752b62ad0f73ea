#include "front/glance/patch.h"

#include <array>
#include <optional>
#include <utility>

namespace visor::front::glance {
namespace {

using document::Value;

constexpr std::size_t kMostOperations = 1000;

constexpr std::array kOperations = {
    std::pair{std::string_view("add"), Operation::Kind::add},
    std::pair{std::string_view("replace"), Operation::Kind::replace},
    std::pair{std::string_view("remove"), Operation::Kind::remove}};

std::optional<Operation::Kind> parse_kind(std::string_view text) {
  for (const auto& [word, kind] : kOperations) {
    if (word == text) return kind;
  }
  return std::nullopt;
}

/// One step of a JSON pointer (RFC 6901), unescaped.
std::optional<std::string> unescaped(std::string_view step) {
  std::string text;
  for (std::size_t i = 0; i < step.size(); ++i) {
    if (step[i] != '~') {
      text += step[i];
      continue;
    }
    if (i + 1 == step.size() || (step[i + 1] != '0' && step[i + 1] != '1')) return std::nullopt;
    text += step[++i] == '0' ? '~' : '/';
  }
  return text;
}

Result<std::vector<std::string>> read_path(std::string_view pointer) {
  const auto wrong = [pointer](const char* why) {
    return fail(Code::invalid, "the path '" + std::string(pointer.substr(0, 100)) + "' " + why);
  };
  if (!pointer.starts_with('/')) return wrong("must begin with a slash");
  std::vector<std::string> path;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::string_view step = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(step.size());
    auto text = unescaped(step);
    if (!text) return wrong("has a ~ that is neither ~0 nor ~1");
    if (text->empty()) return wrong("has an empty step");
    path.push_back(std::move(*text));
  }
  return path;
}

Result<Operation> read_operation(const Value& entry, bool old_form) {
  if (!entry.is_object()) return fail(Code::invalid, "an operation is an object");
  const std::string* path = nullptr;
  std::optional<Operation::Kind> kind;
  if (old_form) {
    for (const document::Member& member : *entry.as_object()) {
      const auto named = parse_kind(member.name);
      if (!named) continue;
      if (kind) return fail(Code::invalid, "an operation is one of add, replace and remove");
      kind = named;
      path = member.value.as_text();
    }
  } else {
    const std::string* const word = entry.text("op");
    if (word != nullptr) kind = parse_kind(*word);
    path = entry.text("path");
  }
  if (!kind) return fail(Code::invalid, "an operation is one of add, replace and remove");
  if (path == nullptr) return fail(Code::invalid, "an operation needs a path, which is a text");
  Operation operation;
  operation.kind = *kind;
  auto steps = read_path(*path);
  if (!steps) return pass(steps);
  operation.path = std::move(*steps);
  if (*kind == Operation::Kind::remove) return operation;
  const Value* const value = entry.find("value");
  if (value == nullptr) return fail(Code::invalid, "the operation on " + *path + " needs a value");
  operation.value = *value;
  return operation;
}

}  // namespace

Result<std::vector<Operation>> read_patch(const document::Value& document, bool old_form) {
  if (!document.is_array()) {
    return fail(Code::invalid, "Request body must be a JSON array of operation objects.");
  }
  if (document.size() > kMostOperations) {
    return fail(Code::too_large,
                "a patch has at most " + std::to_string(kMostOperations) + " operations");
  }
  std::vector<Operation> operations;
  for (const Value& entry : *document.as_array()) {
    auto operation = read_operation(entry, old_form);
    if (!operation) return pass(operation);
    operations.push_back(std::move(*operation));
  }
  return operations;
}

}  // namespace visor::front::glance
