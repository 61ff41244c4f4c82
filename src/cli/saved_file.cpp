#include "cli/saved_file.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <kronsolve/core/version.hpp>
#include <kronsolve/operators/states.hpp>

namespace kronsolve::cli {

namespace {

using Shape = ObservableValue::Shape;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// Equal neighbours counted: "20 spin-1/2".
std::string spaces_text(const Basis& basis) {
  std::string text;
  const auto& spaces = basis.spaces();
  for (std::size_t first = 0, next = 0; first < spaces.size(); first = next) {
    while (next < spaces.size() && spaces[next] == spaces[first]) ++next;
    text += detail::concat(text.empty() ? "" : ", ", next - first, " ", spaces[first].name());
  }
  return text;
}

/// What says in which basis a state is.
std::string basis_text(const Basis& basis) {
  const auto sector = joined(basis.sector());
  return spaces_text(basis) + (sector.empty() ? ", full space" : ", sector " + sector);
}

// ---- writing ---------------------------------------------------------------------------------

std::vector<double> numbered(index_t count) {
  std::vector<double> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0.0);
  return numbers;
}

/// Writes observables along a first axis (times, levels), each with axes of its own for lists and
/// matrices: the sites, where it has an entry for each of them.
class ObservableWriter {
 public:
  ObservableWriter(Hdf5File& file, std::string first_axis, int sites)
      : file_(file), first_axis_(std::move(first_axis)), sites_(sites) {
    for (const char* axis : {"site", "other_site"}) file_.write_dimension(axis, numbered(sites_));
  }

  void write(const Measured& measured) {
    std::string name = measured.text;
    std::replace(name.begin(), name.end(), '/', '|');  // which would lead into a group
    index_t rows = 0, cols = 0;
    bool real = true;
    for (const auto& value : measured.values) {
      rows = std::max(rows, value.rows);
      cols = std::max(cols, value.cols);
      real = real && value.scalar == ScalarKind::real;
    }
    std::vector<std::string> axes = {first_axis_};
    const auto shape = measured.values.front().shape;
    if (shape != Shape::number) axes.push_back(axis(name, "site", rows));
    if (shape == Shape::matrix) axes.push_back(axis(name, "other_site", cols));
    const auto all = padded(measured, rows, cols);
    if (!real) return file_.write<std::complex<double>>(name, all, axes);
    std::vector<double> parts;
    for (const auto& z : all) parts.push_back(z.real());
    file_.write<double>(name, parts, axes);
  }

 private:
  std::string axis(const std::string& name, const std::string& of_sites, index_t length) {
    if (length == sites_) return of_sites;
    const auto own = name + (of_sites == "site" ? " entry" : " other entry");
    file_.write_dimension(own, length);
    return own;
  }
  /// Values below each other; lists may differ in length (Schmidt values), NaN fills them up.
  static std::vector<std::complex<double>> padded(const Measured& measured, index_t rows,
                                                  index_t cols) {
    std::vector<std::complex<double>> all;
    for (const auto& value : measured.values) {
      for (index_t i = 0; i < rows; ++i)
        for (index_t j = 0; j < cols; ++j)
          all.push_back(i < value.rows && j < value.cols
                            ? value.values[static_cast<std::size_t>(i * value.cols + j)]
                            : std::numeric_limits<double>::quiet_NaN());
    }
    return all;
  }

  Hdf5File& file_;
  std::string first_axis_;
  index_t sites_;
};

void write_facts(Hdf5File& file, const EvolveReport& report) {
  const auto& [problem, asked, plan, result, cost, observables] = report;
  const bool imaginary = asked.options.axis == TimeAxis::imaginary;
  file.write_text("layout", "kronsolve 1");
  file.write_text("program", detail::concat("kronsolve ", version()));
  file.write_text("command", "evolve");
  file.write_text("model", problem.title);
  file.write_text("basis", basis_text(*std::get<SectorOperator>(problem.op).basis));
  file.write_text("initial_state", asked.state);
  file.write_text("axis", imaginary ? "imaginary" : "real");
  file.write_text("method", std::string(to_string(result.method)));
  file.write_dimension("time", result.times);
  file.write<double>("energies", result.energies, {"time"});
  file.write<double>("norms", result.norms, {"time"});
  if (imaginary) file.write<double>("log_norm", result.log_norms, {"time"});
  file.write<double>("errors", result.errors, {"time"});
  ObservableWriter writer(file, "time", *problem.sites);
  for (const auto& measured : observables) writer.write(measured);
}

}  // namespace

bool names_state_file(const std::string& text) { return text.ends_with(".h5"); }

void require_writable(const Comm& comm, const std::string& path) {
  comm.agree([&] {
    if (!path.empty() && comm.is_root()) (void)Hdf5File::create(path);
  });
}

void save(const Comm& comm, const std::string& path, const EvolveReport& report) {
  std::optional<Hdf5File> file;
  std::visit(
      [&]<Scalar T>(const DistributedVectors<T>& state) {
        comm.agree([&] {
          if (!comm.is_root()) return;
          file.emplace(Hdf5File::create(path));
          write_facts(*file, report);
          file->write_dimension("row", state.partition().rows());
          file->create_vectors("state", scalar_kind<T>, {"row"});
        });
        write_distributed<T>(comm, file ? &*file : nullptr, "state", 0, state.partition(),
                             state.column(0));
      },
      report.result.state);
  comm.agree([&] {
    if (comm.is_root()) file->close();
  });
}

// ---- reading ---------------------------------------------------------------------------------

namespace {

/// A text of a file for a message.
std::string shortened(std::string text) {
  constexpr std::size_t most = 200;
  if (text.size() > most) text = text.substr(0, most) + "...";
  return text;
}

}  // namespace

EvolutionState read_state(const Comm& comm, const std::string& path, const Basis& basis) {
  std::optional<Hdf5File> file;
  index_t complex = 0;
  comm.agree([&] {
    if (!comm.is_root()) return;
    file.emplace(Hdf5File::open(path));
    const auto vector = file->vector("state");
    complex = vector.scalar == ScalarKind::complex ? 1 : 0;
    const auto there = file->text("basis"), here = basis_text(basis);
    if (there != here || vector.rows != basis.size() || vector.count != 1)
      throw InvalidArgument(detail::concat("state '", path, "': it is one of ", shortened(there),
                                           " with ", vector.rows, " amplitudes, needed is one of ",
                                           here, " with ", basis.size()));
  });
  comm.broadcast(std::span(&complex, 1));
  return visit_scalar(
      complex != 0 ? ScalarKind::complex : ScalarKind::real, [&]<Scalar T>() -> EvolutionState {
        const auto rows = basis.partition(comm.size());
        DistributedVectors<T> state(rows, comm.rank(), 1);
        read_distributed<T>(comm, file ? &*file : nullptr, "state", 0, rows, state.column(0));
        constexpr double far = 1e-3;  // above what the tolerances of an evolution leave
        const double norm = normalize<T>(comm, state.column(0));
        if (!(std::abs(norm - 1) < far))
          throw InvalidArgument(
              detail::concat("state '", path, "': its norm is ", norm, ", not 1"));
        return state;
      });
}

}  // namespace kronsolve::cli
