#pragma once

#include <memory>

namespace CLI {
class App;
class FormatterBase;
}  // namespace CLI

namespace kronsolve::cli {

/// How --help looks: names in the left column, texts in lines of at most 80 columns.
std::shared_ptr<CLI::FormatterBase> help_formatter();

/// Puts under the help of the program and of each of its commands what one would type first.
void add_examples(CLI::App& app);

}  // namespace kronsolve::cli
