#include "completion.h"

#include <functional>

namespace visor::command {
namespace {

using Visit = std::function<void(const std::string& path, const CommandTree& command)>;

void walk(const CommandTree& command, const std::string& path, const Visit& visit) {
  visit(path, command);
  for (const auto& below : command.commands) {
    walk(below, path.empty() ? below.name : path + " " + below.name, visit);
  }
}

std::string joined(const std::vector<std::string>& words, std::string_view separator = " ") {
  std::string text;
  for (const auto& word : words) {
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

std::vector<std::string> following_words(const CommandTree& command) {
  std::vector<std::string> words;
  for (const auto& below : command.commands) words.push_back(below.name);
  for (const auto& option : command.options) {
    words.insert(words.end(), option.names.begin(), option.names.end());
  }
  return words;
}

/// Within single quotes of any of the three shells.
std::string quoted(std::string_view text) {
  std::string safe = "'";
  for (const char letter : text) {
    if (letter == '\'') {
      safe += "'\\''";
    } else {
      safe += letter;
    }
  }
  return safe + "'";
}

/// The cases of a loop over the words that come to the path of a command.
std::string path_cases(const CommandTree& tree) {
  std::string text;
  walk(tree, "", [&](const std::string& path, const CommandTree&) {
    if (path.empty()) return;
    const auto blank = path.rfind(' ');
    const std::string parent = blank == std::string::npos ? "" : path.substr(0, blank);
    const std::string name = blank == std::string::npos ? path : path.substr(blank + 1);
    text += "      " + quoted(parent + " " + name) + ") path=" + quoted(path) + " ;;\n";
  });
  return text;
}

/// The cases of what an option's value may be; `complete` gives what a shell does for one.
using Complete = std::string (*)(const CommandTree::Option& option);
std::string value_cases(const CommandTree& tree, std::string_view separator, Complete complete) {
  std::string text;
  walk(tree, "", [&](const std::string& path, const CommandTree& command) {
    for (const auto& option : command.options) {
      if (!option.takes_value) continue;
      std::vector<std::string> patterns;
      for (const auto& name : option.names) patterns.push_back(quoted(path + ":" + name));
      text += "    " + joined(patterns, separator) + ") " + complete(option) + "; return ;;\n";
    }
  });
  return text;
}

std::string complete_in_bash(const CommandTree::Option& option) {
  if (option.takes_file) return "mapfile -t COMPREPLY < <(compgen -f -- \"$current\")";
  if (option.values.empty()) return "COMPREPLY=()";
  return "mapfile -t COMPREPLY < <(compgen -W " + quoted(joined(option.values)) +
         " -- \"$current\")";
}

std::string complete_in_zsh(const CommandTree::Option& option) {
  if (option.takes_file) return "_files";
  return option.values.empty() ? ":" : "compadd -- " + joined(option.values);
}

std::string bash_script(const CommandTree& tree) {
  std::string text =
      "# bash completion for visor. To use it: source <(visor completion bash)\n"
      "_visor() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path='' word "
      "at\n"
      "  for ((at = 1; at < COMP_CWORD; at++)); do\n"
      "    word=${COMP_WORDS[at]}\n"
      "    case \"$path $word\" in\n";
  text += path_cases(tree);
  text += "    esac\n  done\n  case \"$path:$previous\" in\n";
  text += value_cases(tree, " | ", complete_in_bash);
  text += "  esac\n  local words=''\n  case $path in\n";
  walk(tree, "", [&](const std::string& path, const CommandTree& command) {
    text += "    " + quoted(path) + ") words=" + quoted(joined(following_words(command))) + " ;;\n";
  });
  text +=
      "  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
      "}\n"
      "complete -F _visor visor\n";
  return text;
}

std::string zsh_script(const CommandTree& tree) {
  std::string text =
      "#compdef visor\n"
      "# zsh completion for visor. To use it: visor completion zsh > a folder of $fpath, as "
      "_visor\n"
      "_visor() {\n"
      "  local -h path=''\n"
      "  local word\n"
      "  for word in ${words[2,CURRENT-1]}; do\n"
      "    case \"$path $word\" in\n";
  // $path is special in zsh, so the local one must be told apart.
  text += path_cases(tree);
  text += "    esac\n  done\n  local -a choices\n  case \"$path:${words[CURRENT-1]}\" in\n";
  text += value_cases(tree, "|", complete_in_zsh);
  text += "  esac\n  case $path in\n";
  walk(tree, "", [&](const std::string& path, const CommandTree& command) {
    text += "    " + quoted(path) + ") choices=(";
    for (const auto& below : command.commands) {
      text += " " + quoted(below.name + ":" + below.description);
    }
    for (const auto& option : command.options) {
      for (const auto& name : option.names) text += " " + quoted(name + ":" + option.description);
    }
    text += " ) ;;\n";
  });
  text += "  esac\n  _describe visor choices\n}\ncompdef _visor visor\n";
  std::string renamed;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = std::string_view(text).substr(at);
    if (rest.starts_with("$path")) {
      renamed += "$chosen";
      at += 5;
    } else if (rest.starts_with("path='")) {
      renamed += "chosen='";
      at += 6;
    } else {
      renamed += text[at++];
    }
  }
  return renamed;
}

std::string fish_script(const CommandTree& tree) {
  std::string text =
      "# fish completion for visor. To use it: visor completion fish | source\n"
      "complete -c visor -f\n";
  walk(tree, "", [&](const std::string& path, const CommandTree& command) {
    std::string condition = "__fish_use_subcommand";
    if (!path.empty()) {
      condition.clear();
      std::string_view rest = path;
      while (!rest.empty()) {
        const auto blank = rest.find(' ');
        if (!condition.empty()) condition += "; and ";
        condition += "__fish_seen_subcommand_from " + std::string(rest.substr(0, blank));
        rest = blank == std::string_view::npos ? std::string_view() : rest.substr(blank + 1);
      }
    }
    for (const auto& below : command.commands) {
      text += "complete -c visor -n " + quoted(condition) + " -a " + quoted(below.name) + " -d " +
              quoted(below.description) + "\n";
    }
    for (const auto& option : command.options) {
      text += "complete -c visor -n " + quoted(condition);
      for (const auto& name : option.names) {
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (option.takes_file) {
        text += " -r -F";
      } else if (!option.values.empty()) {
        text += " -x -a " + quoted(joined(option.values));
      } else if (option.takes_value) {
        text += " -x";
      }
      text += " -d " + quoted(option.description) + "\n";
    }
  });
  return text;
}

}  // namespace

Result<std::string> completion_script(std::string_view shell, const CommandTree& tree) {
  if (shell == "bash") return bash_script(tree);
  if (shell == "zsh") return zsh_script(tree);
  if (shell == "fish") return fish_script(tree);
  return fail(Code::invalid,
              "completion is there for bash, zsh and fish, not for '" + std::string(shell) + "'");
}

}  // namespace visor::command
