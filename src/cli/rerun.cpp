#include "cli/rerun.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>
#include <kronsolve/core/hdf5_file.hpp>
#include <kronsolve/core/version.hpp>

#include "cli/shell_words.hpp"

namespace kronsolve::cli {

namespace {

std::string command_line_of(const std::string& path) {
  if (path.ends_with(".h5")) return Hdf5File::open(path).text("command_line");
  const Json json = Json::parse(read_text_file(path), nullptr, false);
  if (json.is_object() && json.contains("command_line") && json["command_line"].is_string())
    return json["command_line"].get<std::string>();
  return {};
}

}  // namespace

void add_origin(Json& json, const std::string& command_line) {
  json["version"] = version();
  json["command_line"] = command_line;
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  (void)std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  json["date"] = text.data();
}

std::vector<std::string> words_of_run(const Comm& comm, const Arguments& arguments) {
  const std::string& path = arguments.argument;
  if (path.empty())
    throw InvalidArgument(
        "rerun: which run? give a file of --save, or one with what --json printed");
  std::string line;
  comm.agree([&] {
    if (comm.is_root()) line = command_line_of(path);
  });
  line = comm.broadcast(std::move(line));
  auto words = words_of_line(line);
  if (words.size() < 2 || words.front() != "kronsolve" || words[1] == "rerun")
    throw InvalidArgument(
        detail::concat("rerun: '", path,
                       "' does not say how it was made; it must be a file of --save, or what "
                       "--json printed"));
  if (arguments.json && std::find(words.begin(), words.end(), "--json") == words.end())
    words.emplace_back("--json");
  return words;
}

}  // namespace kronsolve::cli
