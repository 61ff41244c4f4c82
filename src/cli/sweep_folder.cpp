#include "cli/sweep_folder.hpp"

#include <filesystem>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>

namespace kronsolve::cli {

namespace {

constexpr const char* layout = "kronsolve sweep 1";

std::string description_path(const std::string& folder) { return folder + "/sweep.json"; }

Sweep parse_description(const std::string& folder, const std::string& text) {
  try {
    const Json json = Json::parse(text);
    if (const auto found = json.at("layout").get<std::string>(); found != layout)
      throw InvalidArgument(detail::concat("'", folder, "' has the layout '", found,
                                           "', this version reads '", layout, "'"));
    return Sweep(json.at("text").get<std::string>(), json.at("name").get<std::string>(),
                 Sweep::Origin{json.at("version").get<std::string>(),
                               json.at("files").get<std::map<std::string, std::string>>()});
  } catch (const Json::exception&) {
    throw InvalidArgument(detail::concat("'", description_path(folder),
                                         "' is damaged; kronsolve sweep FILE.toml --output ",
                                         folder, " writes it anew"));
  }
}

/// For who gave the file of a sweep in place of its folder.
std::string meant_folder(const std::string& path) {
  const auto folder = default_folder(path);
  const bool is_there = std::filesystem::exists(description_path(folder));
  return is_there ? detail::concat("; did you mean ", folder, "?") : std::string();
}

std::string describe(const Sweep& sweep) {
  Json json;
  json["layout"] = layout;
  json["version"] = sweep.origin().version;
  json["name"] = sweep.name();
  json["files"] = sweep.origin().files;
  json["text"] = sweep.text();
  return json.dump(2) + "\n";
}

/// Another process may just be making the folder.
bool holds_something_else(const std::string& path) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("sweep.json") && name != "points.jsonl" && name != "damaged.txt")
      return true;
  }
  return false;
}

/// Whether one may be a later text of the other: the same command on the same operator.
bool are_akin(const Sweep& a, const Sweep& b) {
  const Json first = a.settings(0), second = b.settings(0);
  const auto varies = [](const Sweep& sweep, const char* name) {
    const auto& varied = sweep.varied();
    return std::find(varied.begin(), varied.end(), name) != varied.end();
  };
  for (const char* name : {"model", "terms", "matrix"})
    if (!varies(a, name) && !varies(b, name) &&
        first.value(name, Json()) != second.value(name, Json()))
      return false;
  return a.command() == b.command();
}

}  // namespace

std::string default_folder(const std::string& file) {
  return (file.ends_with(".toml") ? file.substr(0, file.size() - 5) : file) + ".out";
}

Sweep load_sweep(const std::string& path) {
  const auto file = description_path(path);
  if (!std::filesystem::exists(file))
    throw IoError(path, detail::concat("'", path, "' is not the folder of a sweep: there is no '",
                                       file, "'", meant_folder(path)));
  return parse_description(path, read_text_file(file));
}

void prepare_folder(const std::string& path, const Sweep& sweep) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    throw IoError(path, detail::concat("cannot create the folder '", path, "': ", error.message()));
  const auto file = description_path(path);
  const auto text = describe(sweep);
  if (!std::filesystem::exists(file)) {
    if (holds_something_else(path))
      throw InvalidArgument(detail::concat(
          "'", path, "' holds something else than a sweep; give --output another folder"));
  } else {
    const auto older = read_text_file(file);
    if (older == text) return;
    try {
      if (!are_akin(parse_description(path, older), sweep))
        throw InvalidArgument(
            detail::concat("'", path,
                           "' holds the results of another sweep (another command, model or file); "
                           "give --output another folder"));
    } catch (const InvalidArgument&) {
      if (Json::accept(older)) throw;  // else damaged: the points say themselves what they are
    }
  }
  OutputFile output(file);
  output.append(text);
  output.close();
}

SweepFolder::SweepFolder(const std::string& path)
    : path_(path),
      sweep_(load_sweep(path)),
      points_(path + "/points.jsonl", PointsFile::Access::read) {
  points_.refresh();
}

SweepFolder::SweepFolder(const std::string& path, Sweep sweep)
    : path_(path),
      sweep_(std::move(sweep)),
      points_(path + "/points.jsonl", PointsFile::Access::write) {
  points_.refresh();
}

const PointPlace* SweepFolder::record(std::size_t point) const {
  const auto found = points_.records().find(sweep_.id(point));
  return found == points_.records().end() ? nullptr : &found->second;
}

Json SweepFolder::read(const PointPlace& place) const {
  Json record = Json::parse(points_.text(place));
  sweep_.derive(record);
  return record;
}

const SweepFolder::Tally& SweepFolder::tally() {
  points_.refresh();
  if (numbers_.empty()) {
    counted_.resize(sweep_.size());
    for (std::size_t point = 0; point < sweep_.size(); ++point)
      numbers_.emplace(sweep_.id(point), point);
    measured_ = sweep_.measure_shapes(Sweep::Hopeless::ignored);
    seen_shapes_.resize(measured_.size());
  }
  const auto counter = [&](PointStatus status) -> std::size_t& {
    return status == PointStatus::failed          ? tally_.failed
           : status == PointStatus::not_converged ? tally_.not_converged
                                                  : tally_.done;
  };
  for (; seen_ < points_.all().size(); ++seen_) {
    const auto& place = points_.all()[seen_];
    const auto found = numbers_.find(place.id);
    if (found == numbers_.end()) continue;  // of an earlier text or version
    auto& counted = counted_[found->second];
    if (counted && *counted != PointStatus::failed) continue;
    if (counted) --counter(*counted);
    counted = place.status;
    ++counter(place.status);
    tally_.core_seconds += place.seconds * place.cores;
    if (place.status != PointStatus::failed) {
      const auto shape = sweep_.shapes()[found->second];
      for (auto* seen : {&seen_shapes_[shape], &seen_all_}) {
        seen->seconds += place.seconds;
        seen->core_seconds += place.seconds * place.cores;
        seen->cost += measured_[shape].cost;
        ++seen->points;
      }
    }
    if (place.seconds >= tally_.longest_seconds) {
      tally_.longest_seconds = place.seconds;
      tally_.longest = found->second;
    }
  }
  return tally_;
}

SweepFolder::Effort SweepFolder::expected(std::size_t point) const {
  if (seen_all_.points == 0) return {};
  const auto shape = sweep_.shapes()[point];
  const auto& seen = seen_shapes_[shape];
  if (seen.points > 0) return {seen.seconds / seen.points, seen.core_seconds / seen.points};
  // Shapes of which none has been computed take what others did, by their cost.
  const double cost = measured_[shape].cost;
  const double part = cost > 0 && seen_all_.cost > 0 ? cost / seen_all_.cost : 1 / seen_all_.points;
  return {seen_all_.seconds * part, seen_all_.core_seconds * part};
}

double SweepFolder::remaining_core_seconds() const {
  double remaining = 0;
  for (std::size_t point = 0; point < sweep_.size(); ++point)
    if (record(point) == nullptr) remaining += expected(point).core_seconds;
  return remaining;
}

}  // namespace kronsolve::cli
