#include "cli/sweep_arrays.hpp"

#include <algorithm>
#include <complex>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include <kronsolve/core/hdf5_file.hpp>
#include <kronsolve/core/version.hpp>

#include "cli/sweep_rows.hpp"

namespace kronsolve::cli {

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// Numbers of a value and how deep they lie: 0 a number, 1 a list, 2 a list of lists; -1: something
/// else. Lists grow `shape` to their lengths.
int shape_of(const Json& value, std::vector<std::size_t>& shape, std::size_t level = 0) {
  if (value.is_number() || value.is_boolean()) return 0;
  if (!value.is_array() || value.empty()) return -1;
  if (shape.size() <= level) shape.push_back(0);
  shape[level] = std::max(shape[level], value.size());
  int depth = -1;  // of those that have numbers
  for (const auto& part : value) {
    if (part.is_null() || (part.is_array() && part.empty())) continue;
    const int inner = shape_of(part, shape, level + 1);
    if (inner < 0 || (depth >= 0 && inner != depth)) return -1;
    depth = inner;
  }
  return std::max(0, depth) + 1;
}

/// Puts the entries of a value at their places in a row-major array of that shape.
void fill(const Json& value, const std::vector<std::size_t>& shape, std::size_t level, double* to) {
  if (level == shape.size()) {
    *to = value.is_number()    ? value.get<double>()
          : value.is_boolean() ? double(value.get<bool>())
                               : missing;
    return;
  }
  std::size_t stride = 1;
  for (std::size_t i = level + 1; i < shape.size(); ++i) stride *= shape[i];
  for (std::size_t i = 0; value.is_array() && i < value.size(); ++i)
    fill(value[i], shape, level + 1, to + i * stride);
}

/// Axes that an observable has by itself: none, a list, a matrix.
int own_axes(const std::string& text, const Json& row) {
  const auto parts = std::count(text.begin(), text.end(), ':');
  const auto head = text.substr(0, text.find(':'));
  if (head == "sz" || head == "n" || head == "double-occupancy") return parts == 0 ? 1 : 0;
  if (head == "local") return parts == 1 ? 1 : 0;
  if (head == "corr") return parts == 1 ? 2 : 0;
  if (head == "distance" || head == "schmidt" || text.ends_with(":cuts")) return 1;
  if (head == "sq") {
    const auto size = row.value("size", Json());
    return size.is_array() && size.size() == 2 ? 2 : 1;
  }
  return 0;
}

/// A column as an array: its axes behind those of the points.
struct Array {
  std::string name;
  std::vector<std::size_t> shape;  ///< of one point; pairs of complex numbers left out
  std::vector<std::string> axes;
  bool complex = false;
};

class Writer {
 public:
  explicit Writer(const SweepFolder& folder) : folder_(folder), sweep_(folder.sweep()) {
    for (std::size_t point = 0; point < sweep_.size(); ++point) {
      const auto* place = folder.record(point);
      rows_.push_back(place != nullptr ? folder.read(*place) : sweep_.settings(point));
    }
    for (const auto& [option, text] : sweep_.options(0))
      if (option == "--observe") observed_.insert(text);
    find_grid();
    for (const auto& name : names_of(rows_)) add(name);
  }

  void write(const std::string& path) {
    auto file = Hdf5File::create(path);
    file.write_text("layout", "kronsolve arrays 1");
    file.write_text("program", detail::concat("kronsolve ", version()));
    file.write_text("sweep", sweep_.text());
    std::vector<std::string> front;
    if (grid_.empty()) {
      file.write_dimension("point", numbered(rows_.size()));
      front = {"point"};
    }
    for (const auto& [name, values] : grid_) {
      file.write_dimension(name, values);
      front.push_back(name);
    }
    for (const auto& [name, length] : lengths_)
      file.write_dimension(name, coordinates(name, length));
    for (const auto& array : arrays_)  // the setting `time` of an evolution is no axis of its own
      if (!lengths_.contains(array.name)) write(file, array, front);
    file.close();
  }

 private:
  static std::vector<double> numbered(std::size_t count) {
    std::vector<double> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 0.0);
    return numbers;
  }

  /// Every combination of numbers that vary: an axis for each of them; else one over the points.
  void find_grid() {
    std::size_t product = 1;
    for (const auto& name : sweep_.varied()) {
      std::set<double> values;
      for (const auto& row : rows_) {
        const auto value = row.value(name, Json());
        if (!value.is_number()) return grid_.clear();
        values.insert(value.get<double>());
      }
      product *= values.size();
      grid_.emplace_back(name, std::vector<double>(values.begin(), values.end()));
    }
    if (product != rows_.size()) grid_.clear();
  }
  std::size_t place(std::size_t point) const {
    std::size_t at = grid_.empty() ? point : 0;
    for (const auto& [name, values] : grid_) {
      const auto found =
          std::lower_bound(values.begin(), values.end(), rows_[point].at(name).get<double>());
      at = at * values.size() + static_cast<std::size_t>(found - values.begin());
    }
    return at;
  }

  void add(const std::string& name) {
    static const std::set<std::string> of_the_record = {"point", "finished", "checksum"};
    const bool axis =
        std::any_of(grid_.begin(), grid_.end(), [&](const auto& g) { return g.first == name; });
    if (axis || of_the_record.contains(name)) return;
    Array array{.name = name, .shape = {}, .axes = {}};
    int depth = -1;
    const Json* any = nullptr;
    for (const auto& row : rows_) {
      const auto found = row.find(name);
      if (found == row.end() || found->is_null()) continue;
      const int here = shape_of(*found, array.shape);
      if (here < 0 || (depth >= 0 && here != depth)) return;  // texts, or lists of several kinds
      depth = here;
      any = &row;
    }
    if (any == nullptr) return;
    if (is_observed(name)) {
      const int own = own_axes(observed(name), *any), before = depth - own;
      static const std::set<std::string> of_lists = {"evolve", "thermal", "floquet"};
      const bool outer = of_lists.contains(sweep_.command()) ||
                         (any->contains("eigenvalues") && any->at("eigenvalues").size() > 1);
      array.complex = before == (outer ? 2 : 1) && array.shape.back() == 2;
    }
    if (array.complex) array.shape.pop_back();
    for (std::size_t i = 0; i < array.shape.size(); ++i) array.axes.push_back(axis_of(array, i));
    for (std::size_t i = 0; i < array.shape.size(); ++i) {
      auto& length = lengths_[array.axes[i]];
      length = std::max(length, array.shape[i]);
    }
    arrays_.push_back(std::move(array));
  }

  /// The observable of which a column has the values, or their errors.
  static std::string observed(const std::string& name) {
    constexpr std::string_view error = "_error";
    return name.ends_with(error) ? name.substr(0, name.size() - error.size()) : name;
  }
  bool is_observed(const std::string& name) const { return observed_.contains(observed(name)); }

  /// What axis i of correlations in frequency counts; empty: nothing known.
  static std::string axis_of_correlations(const Array& array, std::size_t i) {
    // Of conductivities there is one spectrum, without an axis of correlations.
    static const std::map<std::string, std::vector<std::string>> axes = {
        {"frequencies", {"frequency"}},
        {"spectrum", {"correlation", "frequency"}},
        {"spectrum_error", {"correlation", "frequency"}},
        {"momentum", {"correlation", "direction"}},
        {"line_energies", {"correlation", "line"}},
        {"line_weights", {"correlation", "line"}},
        {"total", {"correlation"}},
        {"first_moment", {"correlation"}},
        {"reversed", {"correlation"}}};
    const auto found = axes.find(array.name);
    if (found == axes.end()) return "";
    const auto& names = found->second;
    const std::size_t left_out = names.size() > array.shape.size() ? 1 : 0;
    return i + left_out < names.size() ? names[i + left_out] : "";
  }

  /// What the first axis of lists of the solve itself counts; empty: nothing known.
  std::string first_axis(const std::string& name) const {
    static const std::set<std::string> at_temperatures = {
        "temperatures", "energy", "heat_capacity", "entropy", "free_energy", "susceptibility"};
    if (sweep_.command() == "thermal" && at_temperatures.contains(observed(name)))
      return temperature_axis();
    static const std::set<std::string> in_time = {"times", "energies", "norms", "errors",
                                                  "log_norm"};
    const bool of_triplets = sweep_.command() == "svds";
    if (name == "singular_values" || (name == "residuals" && of_triplets)) return "triplet";
    if (name == "quasi_energies" || name == "eigenvalues" || name == "residuals" ||
        name == "bounds")
      return level_axis();
    return in_time.contains(name) ? time_axis() : "";
  }
  std::string level_axis() const { return sweep_.command() == "floquet" ? "mode" : "level"; }
  std::string temperature_axis() const {
    return is_named(sweep_.varied(), "temperature") ? "step" : "temperature";
  }
  std::string time_axis() const { return is_named(sweep_.varied(), "time") ? "step" : "time"; }

  std::string axis_of(const Array& array, std::size_t i) const {
    std::string own = detail::concat(array.name, " entry", i == 0 ? "" : detail::concat(" ", i));
    std::replace(own.begin(), own.end(), '/', '|');
    if (sweep_.command() == "spectral") {
      const auto known = axis_of_correlations(array, i);
      return known.empty() ? own : known;
    }
    if (!is_observed(array.name)) {
      const auto first = i == 0 ? first_axis(array.name) : "";
      return first.empty() ? own : first;
    }
    const auto& row = *std::find_if(rows_.begin(), rows_.end(),
                                    [&](const Json& one) { return one.contains(array.name); });
    const auto inner = static_cast<std::size_t>(own_axes(observed(array.name), row));
    const std::size_t outer = array.shape.size() - std::min(inner, array.shape.size());
    if (i < outer && sweep_.command() == "thermal") return temperature_axis();
    if (i < outer) return sweep_.command() == "evolve" ? time_axis() : level_axis();
    static const std::set<std::string> of_sites = {"sz", "n", "local", "corr", "double-occupancy"};
    const auto text = observed(array.name);
    if (i == outer && text.ends_with(":cuts")) return "cut";
    if (!of_sites.contains(text.substr(0, text.find(':')))) return own;
    return i == outer ? "site" : "other_site";
  }

  /// Times, temperatures or frequencies where all points have the same; else numbers from 0.
  std::vector<double> coordinates(const std::string& axis, std::size_t length) const {
    const std::map<std::string, std::string> lists = {
        {time_axis(), "times"}, {temperature_axis(), "temperatures"}, {"frequency", "frequencies"}};
    const auto list = lists.find(axis);
    if (list == lists.end()) return numbered(length);
    const Json* first = nullptr;
    for (const auto& row : rows_) {
      const auto values = row.find(list->second);
      if (values == row.end()) continue;
      if (first == nullptr) first = &*values;
      if (*values != *first) return numbered(length);
    }
    if (first != nullptr && first->size() == length) return first->get<std::vector<double>>();
    return numbered(length);
  }

  void write(Hdf5File& file, const Array& array, std::vector<std::string> axes) const {
    std::vector<std::size_t> shape;
    for (const auto& axis : array.axes) shape.push_back(lengths_.at(axis));
    if (array.complex) shape.push_back(2);
    const auto each =
        std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
    std::vector<double> all(each * rows_.size(), missing);
    for (std::size_t point = 0; point < rows_.size(); ++point)
      if (const auto found = rows_[point].find(array.name); found != rows_[point].end())
        fill(*found, shape, 0, all.data() + each * place(point));
    axes.insert(axes.end(), array.axes.begin(), array.axes.end());
    std::string name = array.name;
    std::replace(name.begin(), name.end(), '/', '|');  // which would lead into a group
    if (!array.complex) return file.write<double>(name, all, axes);
    std::vector<std::complex<double>> pairs;
    for (std::size_t i = 0; i < all.size(); i += 2) pairs.emplace_back(all[i], all[i + 1]);
    file.write<std::complex<double>>(name, pairs, axes);
  }

  const SweepFolder& folder_;
  const Sweep& sweep_;
  Rows rows_;  ///< of every point; of those without a record their settings
  std::set<std::string> observed_;
  std::vector<std::pair<std::string, std::vector<double>>> grid_;
  std::map<std::string, std::size_t> lengths_;
  std::vector<Array> arrays_;
};

}  // namespace

std::string arrays_path(const SweepFolder& folder) { return folder.path() + "/arrays.h5"; }

void write_arrays(const SweepFolder& folder) { Writer(folder).write(arrays_path(folder)); }

}  // namespace kronsolve::cli
