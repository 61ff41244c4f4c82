#pragma once

#include <memory>
#include <string>

namespace CLI {
class FormatterBase;
}  // namespace CLI

namespace kronsolve::cli {

/// How --help looks: names in the left column, texts in lines of at most 80 columns.
std::shared_ptr<CLI::FormatterBase> help_formatter();

/// What stands under the help of the program: what one would type first.
std::string examples_of_all();

}  // namespace kronsolve::cli
