#pragma once

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace kronsolve::cli {

/// The error of the parser as ours: it knows neither the command nor what was meant.
/// @throws InvalidArgument  always
[[noreturn]] void refuse_words(const CLI::ParseError& error, const CLI::App& app);

}  // namespace kronsolve::cli
