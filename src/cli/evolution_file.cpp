#include "cli/evolution_file.hpp"

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

void write_list(Hdf5File& file, const std::string& name, const std::vector<double>& values) {
  file.write<double>(name, values, {static_cast<index_t>(values.size())});
}

/// Times first, then the shape of one value.
void write_observable(Hdf5File& file, const Measured& measured) {
  const auto& first = measured.values.front();
  std::vector<index_t> shape = {static_cast<index_t>(measured.values.size())};
  if (first.shape != Shape::number) shape.push_back(first.rows);
  if (first.shape == Shape::matrix) shape.push_back(first.cols);
  std::vector<std::complex<double>> all;
  bool real = true;
  for (const auto& value : measured.values) {
    all.insert(all.end(), value.values.begin(), value.values.end());
    real = real && value.scalar == ScalarKind::real;
  }
  const std::string name = "observables/" + measured.text;
  if (!real) return file.write<std::complex<double>>(name, all, shape);
  std::vector<double> parts;
  for (const auto& z : all) parts.push_back(z.real());
  file.write<double>(name, parts, shape);
}

void write_facts(Hdf5File& file, const EvolveReport& report) {
  const auto& [problem, asked, plan, result, cost, observables] = report;
  const bool imaginary = asked.options.axis == TimeAxis::imaginary;
  file.write_text("program", detail::concat("kronsolve ", version()));
  file.write_text("model", problem.title);
  file.write_text("basis", basis_text(*std::get<SectorOperator>(problem.op).basis));
  file.write_text("initial_state", asked.state);
  file.write_text("axis", imaginary ? "imaginary" : "real");
  file.write_text("method", std::string(to_string(result.method)));
  write_list(file, "times", result.times);
  write_list(file, "energies", result.energies);
  write_list(file, "norms", result.norms);
  if (imaginary) write_list(file, "log_norm", result.log_norms);
  write_list(file, "errors", result.errors);
  for (const auto& measured : observables) write_observable(file, measured);
}

}  // namespace

bool names_state_file(const std::string& text) { return text.ends_with(".h5"); }

std::optional<Hdf5File> begin_file(const Comm& comm, const std::string& path) {
  std::optional<Hdf5File> file;
  comm.agree([&] {
    if (!path.empty() && comm.is_root()) file.emplace(Hdf5File::create(path));
  });
  return file;
}

void save(const Comm& comm, std::optional<Hdf5File>& file, const EvolveReport& report) {
  comm.agree([&] {
    if (comm.is_root()) write_facts(*file, report);
  });
  std::visit(
      [&]<Scalar T>(const DistributedVectors<T>& state) {
        write_distributed<T>(comm, file ? &*file : nullptr, "state", state.partition(),
                             state.column(0));
      },
      report.result.state);
  comm.agree([&] {
    if (comm.is_root()) file->close();
  });
}

EvolutionState read_state(const Comm& comm, const std::string& path, const Basis& basis) {
  std::optional<Hdf5File> file;
  index_t complex = 0;
  comm.agree([&] {
    if (!comm.is_root()) return;
    file.emplace(Hdf5File::open(path));
    const auto vector = file->vector("state");
    complex = vector.scalar == ScalarKind::complex ? 1 : 0;
    const auto there = file->text("basis"), here = basis_text(basis);
    if (there != here || vector.rows != basis.size())
      throw InvalidArgument(detail::concat("state '", path, "': it is one of ", there, " with ",
                                           vector.rows, " amplitudes, needed is one of ", here,
                                           " with ", basis.size()));
  });
  comm.broadcast(std::span(&complex, 1));
  return visit_scalar(
      complex != 0 ? ScalarKind::complex : ScalarKind::real, [&]<Scalar T>() -> EvolutionState {
        const auto rows = basis.partition(comm.size());
        DistributedVectors<T> state(rows, comm.rank(), 1);
        read_distributed<T>(comm, file ? &*file : nullptr, "state", rows, state.column(0));
        (void)normalize<T>(comm, state.column(0));
        return state;
      });
}

}  // namespace kronsolve::cli
