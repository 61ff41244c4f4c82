#include "cli/completion.hpp"

#include <algorithm>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/measure/observable_info.hpp>
#include <kronsolve/operators/models.hpp>

#include "cli/commands.hpp"
#include "cli/options.hpp"

namespace kronsolve::cli {

namespace {

using Word = Completion::Word;
using Places = Completion::Places;

std::vector<Word> model_words() {
  std::vector<Word> words;
  for (const auto& model : models()) words.push_back({model.name, model.formula});
  return words;
}

/// Names that stand alone, and an example of each.
std::vector<Word> observable_words() {
  std::vector<Word> words;
  for (const auto& info : observables()) {
    const bool alone = info.form == info.name || info.form.starts_with(info.name + " ") ||
                       info.form.starts_with(info.name + ",");
    if (alone) words.push_back({info.name, info.formula});
    if (info.example != info.name && info.example.find(' ') == info.example.npos)
      words.push_back({info.example, info.formula});
  }
  return words;
}

/// Names behind -p: those of the model that was given before.
std::vector<Word> parameter_words(const std::vector<std::string>& typed) {
  const auto named = std::find(typed.begin(), typed.end(), "--model");
  if (named == typed.end() || named + 1 == typed.end()) return {};
  std::vector<Word> words;
  for (const auto& model : models())
    if (model.name == named[1])
      for (const auto& parameter : model.parameters)
        words.push_back({parameter.name + "=", parameter.doc});
  return words;
}

/// "FILE.toml", "DIR": what a value or an argument is, from what stands for it in the help.
void add_places(Completion& completion, const std::string& value) {
  if (value.starts_with("FILE")) {
    completion.places = Places::files;
    completion.ending = value.substr(4);
  }
  if (value == "DIR" || value == "OTHER") completion.places = Places::folders;
}

Completion values_of(const Option& option, const std::vector<std::string>& typed) {
  Completion completion;
  for (const auto& choice : option.choices) completion.words.push_back({choice, {}});
  const auto name = option.name();
  if (name == "--model") completion.words = model_words();
  if (name == "--observe") completion.words = observable_words();
  if (name == "-p") completion.words = parameter_words(typed);
  if (name == "--lattice")
    for (const auto& lattice : Lattice::names()) completion.words.push_back({lattice, {}});
  add_places(completion, option.value);
  return completion;
}

Completion arguments_of(const Command& command) {
  Completion completion;
  if (command.name == "models") completion.words = model_words();
  if (command.name == "observables") completion.words = observable_words();
  if (command.name == "completion")
    for (const auto& [shell, script] : completion_scripts())
      completion.words.push_back({shell, {}});
  add_places(completion, command.argument);
  return completion;
}

Completion options_of(const std::string& command) {
  Completion completion;
  for (const auto& option : options()) {
    if (!option.belongs_to(command)) continue;
    std::string names = option.names.substr(0, option.names.find('{'));
    const auto comma = names.find(',');
    completion.words.push_back({names.substr(0, comma), option.help});
    if (comma != names.npos) completion.words.push_back({names.substr(comma + 1), option.help});
  }
  completion.words.push_back({"--help", "all options"});
  return completion;
}

Completion first_words() {
  Completion completion;
  for (const auto& command : commands()) completion.words.push_back({command.name, command.text});
  completion.words.push_back({"--help", "all commands"});
  completion.words.push_back({"--version", "the version of the program"});
  return completion;
}

/// "--cyclic=x": the values of an option that stand in its own word.
Completion values_behind_equals(const std::string& command, const std::string& word,
                                const std::vector<std::string>& typed) {
  const auto name = word.substr(0, word.find('='));
  const auto* option = find_option(command, name);
  if (option == nullptr) return {};
  Completion completion = values_of(*option, typed);
  completion.places = Places::none;
  for (auto& value : completion.words) value.text = name + "=" + value.text;
  return completion;
}

Completion everything(const std::vector<std::string>& typed) {
  if (typed.size() < 2) return first_words();
  const auto& name = typed.front();
  const auto& all = commands();
  const auto command =
      std::find_if(all.begin(), all.end(), [&](const Command& one) { return one.name == name; });
  if (command == all.end()) return {};
  const auto& word = typed.back();
  if (word.starts_with("--") && word.find('=') != word.npos)
    return values_behind_equals(name, word, typed);
  const auto* before = find_option(name, typed[typed.size() - 2]);
  if (before != nullptr && !before->value.empty()) return values_of(*before, typed);
  const bool told = typed.size() > 2 && !typed[1].starts_with("-");  // the argument
  if (word.starts_with("-") || command->argument.empty() || told) return options_of(name);
  return arguments_of(*command);
}

}  // namespace

Completion complete(const std::vector<std::string>& typed) {
  Completion completion = everything(typed);
  const std::string beginning = typed.empty() ? std::string() : typed.back();
  std::erase_if(completion.words,
                [&](const Word& word) { return !word.text.starts_with(beginning); });
  return completion;
}

std::string completion_lines(const Completion& completion) {
  std::string lines;
  for (const auto& word : completion.words)
    lines += word.text + (word.meaning.empty() ? "" : "\t" + word.meaning) + "\n";
  if (completion.places == Places::files) lines += ":files " + completion.ending + "\n";
  if (completion.places == Places::folders) lines += ":folders\n";
  return lines;
}

std::string completion_script(const std::string& shell) {
  if (shell.empty()) throw InvalidArgument("completion of which shell? give bash, zsh or fish");
  std::vector<std::string> known;
  for (const auto& [name, script] : completion_scripts()) {
    if (name == shell) return script;
    known.push_back(name);
  }
  throw InvalidArgument(unknown_name("shell", shell, known));
}

}  // namespace kronsolve::cli
