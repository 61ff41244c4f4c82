#include <algorithm>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/measure/entanglement.hpp>

#include "measure/block_algebra.hpp"
#include "measure/column_stream.hpp"
#include "measure/partial_transpose.hpp"
#include "solvers/dense/blas_threads.hpp"

namespace kronsolve {

namespace {

using detail::Bipartition;
using detail::ColumnStream;
using detail::FermionOrder;
using Block = Bipartition::Block;

/// Matrices of several blocks are kept at once up to this size, so that small blocks share a pass
/// over the state.
double group_bytes(index_t max_local_rows, std::size_t scalar_bytes) {
  return std::clamp(double(max_local_rows) * double(scalar_bytes) / 4, double(1 << 20),
                    double(1 << 27));
}
/// Configurations that a rank looks at, at most.
index_t share_of(const Basis& basis, int ranks) {
  return basis.configurations().partition(ranks).max_local_rows();
}

/// Below this nobody is asked whether it fits.
constexpr index_t small_bytes = index_t{16} << 20;

struct System {
  std::vector<int> sites;
  FermionOrder order = FermionOrder::system_first;
};

/// The side of the cut with the smaller matrices. At a tie the one at the end of the chain, whose
/// columns are local.
System smaller_side(const Basis& basis, const std::vector<int>& sites) {
  const auto rest = detail::complement(basis, sites);
  const double mine = detail::block_entries(basis, sites),
               others = detail::block_entries(basis, rest);
  const bool at_end = !sites.empty() && sites.back() == basis.sites() - 1;
  if (mine < others || (mine == others && at_end)) return {sites, FermionOrder::system_first};
  return {rest, FermionOrder::environment_first};
}

template <Scalar T>
double bytes_of(const Block& block) {
  return double(block.size()) * double(block.size()) * double(sizeof(T));
}

/// Blocks [first, result) fit together into a group.
template <Scalar T>
int end_of_group(const StateView<T>& psi, const Bipartition& parts, int first) {
  const auto& blocks = parts.blocks();
  const double most = group_bytes(share_of(psi.basis(), psi.comm().size()), sizeof(T));
  double bytes = 0;
  int end = first;
  for (; end < static_cast<int>(blocks.size()); ++end) {
    bytes += bytes_of<T>(blocks[static_cast<std::size_t>(end)]);
    if (end > first && bytes > most) break;
  }
  return end;
}

/// What the columns are made into: X X^H, or the L of X = L Q (which waits for as many columns as
/// it has rows).
enum class Form { square, triangle };

/// Matrices of the largest group, the copy of one block that LAPACK and LQ work on, and columns
/// under way.
template <Scalar T>
index_t matrices_and_columns(const Basis& basis, const Bipartition& parts, int ranks, Form form) {
  const index_t rows = share_of(basis, ranks);
  const double largest = parts.largest_block_entries() * double(sizeof(T));
  const double group = std::min(parts.all_block_entries() * double(sizeof(T)),
                                group_bytes(rows, sizeof(T)) + largest);
  const double bytes = (form == Form::triangle ? 2 : 1) * group + 1.5 * largest +
                       double(ColumnStream<T>::memory_bytes(parts, rows, ranks));
  return static_cast<index_t>(std::min(bytes, 9e18));
}

template <Scalar T>
void require_memory_for(const Comm& comm, const Basis& basis, const Bipartition& parts, Form form) {
  const index_t needed = matrices_and_columns<T>(basis, parts, comm.size(), form);
  // The same on every rank; asking the machine is collective and not worth it for a few pages.
  if (needed > small_bytes) require_memory(comm, needed, "the density matrix of the chosen sites");
}

/// Prepares a cut on all ranks or on none.
template <Scalar T>
Bipartition cut(const StateView<T>& psi, const System& system, Form form) {
  std::optional<Bipartition> parts;
  psi.comm().agree([&] { parts.emplace(psi.basis(), system.sites, system.order); });
  require_memory_for<T>(psi.comm(), psi.basis(), *parts, form);
  return *std::move(parts);
}

/// Sum of X X^H over all columns and ranks for blocks [first, end), lower triangles, by columns; on
/// every rank.
template <Scalar T>
std::vector<std::vector<T>> density_blocks(const StateView<T>& psi, const Bipartition& parts,
                                           int first, int end) {
  std::vector<std::vector<T>> rho;
  for (int b = first; b < end; ++b) {
    const auto size = static_cast<std::size_t>(parts.blocks()[static_cast<std::size_t>(b)].size());
    rho.emplace_back(size * size);
  }
  ColumnStream<T>(psi, parts)
      .run(first, end, [&](int b, std::span<const T> columns, index_t count) {
        auto& block = rho[static_cast<std::size_t>(b - first)];
        detail::add_outer_product<T>(block, parts.blocks()[static_cast<std::size_t>(b)].size(),
                                     columns, count);
      });
  for (auto& block : rho) psi.comm().all_reduce(std::span<T>(block));
  return rho;
}

/// Eigenvalues of the density matrix of the system, all blocks together.
template <Scalar T>
std::vector<double> density_eigenvalues(const StateView<T>& psi, const Bipartition& parts) {
  const Comm& comm = psi.comm();
  std::vector<double> mine;
  for (int first = 0; first < static_cast<int>(parts.blocks().size());) {
    const int end = end_of_group(psi, parts, first);
    auto rho = density_blocks(psi, parts, first, end);
    comm.agree([&] {
      for (int b = first; b < end; ++b) {
        if (b % comm.size() != comm.rank()) continue;
        const auto values =
            detail::hermitian_eigenvalues<T>(rho[static_cast<std::size_t>(b - first)],
                                             parts.blocks()[static_cast<std::size_t>(b)].size());
        mine.insert(mine.end(), values.begin(), values.end());
      }
    });
    first = end;
  }
  return comm.all_gather_v(std::span<const double>(mine));
}

/// The columns of a block folded into the L of their LQ factorisation.
template <Scalar T>
class Triangle {
 public:
  explicit Triangle(index_t d)
      : d_(d), data_(static_cast<std::size_t>(d) * static_cast<std::size_t>(d)) {}

  void add(std::span<const T> columns) {
    pending_.insert(pending_.end(), columns.begin(), columns.end());
    // A factorisation costs d^3 however few its columns are.
    if (pending_.size() >= data_.size()) fold();
  }
  void fold() {
    if (pending_.empty()) return;
    const auto columns = static_cast<index_t>(pending_.size()) / d_;
    detail::add_columns_lq<T>(data_, d_, pending_, columns);
    pending_.clear();
    pending_.shrink_to_fit();
  }
  std::vector<T>& folded() {
    fold();
    return data_;
  }

 private:
  index_t d_;
  std::vector<T> data_, pending_;
};

/// L of the LQ factorisation of all columns of a block, from those of the ranks; on rank `root`
/// only.
template <Scalar T>
std::vector<T> combine_triangles(const Comm& comm, Triangle<T>& triangle, int root) {
  const int ranks = comm.size(), me = (comm.rank() - root + ranks) % ranks;
  triangle.fold();
  for (int step = 1; step < ranks; step *= 2) {
    std::vector<std::vector<T>> send(static_cast<std::size_t>(ranks));
    if (me % (2 * step) == step)
      send[static_cast<std::size_t>((comm.rank() - step + ranks) % ranks)] =
          std::move(triangle.folded());
    const auto received = comm.all_to_all_v(send);
    if (me % (2 * step) != 0) continue;
    for (const auto& other : received) triangle.add(other);
  }
  return std::move(triangle.folded());
}

template <Scalar T>
std::vector<double> block_singular_values(const StateView<T>& psi, const Bipartition& parts) {
  const Comm& comm = psi.comm();
  std::vector<double> mine;
  for (int first = 0; first < static_cast<int>(parts.blocks().size());) {
    const int end = end_of_group(psi, parts, first);
    std::vector<Triangle<T>> triangles;
    for (int b = first; b < end; ++b)
      triangles.emplace_back(parts.blocks()[static_cast<std::size_t>(b)].size());
    ColumnStream<T>(psi, parts).run(first, end, [&](int b, std::span<const T> columns, index_t) {
      triangles[static_cast<std::size_t>(b - first)].add(columns);
    });
    for (int b = first; b < end; ++b) {
      const Block& block = parts.blocks()[static_cast<std::size_t>(b)];
      const int root = b % comm.size();
      auto lower = combine_triangles(comm, triangles[static_cast<std::size_t>(b - first)], root);
      comm.agree([&] {
        if (comm.rank() != root) return;
        auto values = detail::singular_values<T>(lower, block.size());
        if (block.environment < double(values.size()))
          values.resize(static_cast<std::size_t>(block.environment));
        mine.insert(mine.end(), values.begin(), values.end());
      });
    }
    first = end;
  }
  auto all = comm.all_gather_v(std::span<const double>(mine));
  std::sort(all.rbegin(), all.rend());
  return all;
}

void check_alpha(double alpha) {
  if (!(alpha > 0))
    throw InvalidArgument(
        detail::concat("entropy: alpha must be > 0 (1 is von Neumann), got ", alpha));
}

}  // namespace

double entropy(std::span<const double> weights, const EntropyOptions& options) {
  check_alpha(options.alpha);
  double total = 0, largest = 0;
  for (const double w : weights) {
    total += std::max(0.0, w);
    largest = std::max(largest, w);
  }
  if (!(total > 0)) throw InvalidArgument("entropy: all weights are zero");
  double value = 0;
  if (std::isinf(options.alpha)) {
    value = -std::log(largest / total);
  } else if (options.alpha == 1) {
    for (const double w : weights)
      if (w > 0) value -= w / total * std::log(w / total);
  } else {
    double sum = 0;
    for (const double w : weights)
      if (w > 0) sum += std::pow(w / total, options.alpha);
    value = std::log(sum) / (1 - options.alpha);
  }
  value = std::max(0.0, value);  // rounding below zero for product states
  return options.unit == EntropyUnit::bits ? value / std::log(2.0) : value;
}

template <Scalar T>
std::vector<double> schmidt_values(const StateView<T>& psi, const std::vector<int>& sites) {
  detail::require_sites(psi.basis(), sites, "Schmidt values");
  require_fitting(psi, "Schmidt values");
  const auto parts = cut(psi, smaller_side(psi.basis(), sites), Form::triangle);
  const dense::BlasThreads threads(num_threads());
  return block_singular_values(psi, parts);
}

template <Scalar T>
double entanglement_entropy(const StateView<T>& psi, const std::vector<int>& sites,
                            const EntropyOptions& options) {
  check_alpha(options.alpha);
  if (options.alpha < 1) {  // small probabilities count: squares of accurate singular values
    auto weights = schmidt_values(psi, sites);
    for (auto& w : weights) w *= w;
    return entropy(weights, options);
  }
  detail::require_sites(psi.basis(), sites, "entropy");
  require_fitting(psi, "entropy");
  const auto parts = cut(psi, smaller_side(psi.basis(), sites), Form::square);
  const dense::BlasThreads threads(num_threads());
  return entropy(density_eigenvalues(psi, parts), options);
}

template <Scalar T>
double mutual_information(const StateView<T>& psi, const std::vector<int>& a,
                          const std::vector<int>& b, const EntropyOptions& options) {
  const auto both = detail::united(psi.basis(), a, b, "mutual information");
  return entanglement_entropy(psi, a, options) + entanglement_entropy(psi, b, options) -
         entanglement_entropy(psi, both, options);
}

template <Scalar T>
DensityMatrix<T> reduced_density_matrix(const StateView<T>& psi, const std::vector<int>& sites) {
  detail::require_sites(psi.basis(), sites, "density matrix");
  require_fitting(psi, "density matrix");
  const auto parts = cut(psi, System{sites, FermionOrder::system_first}, Form::square);
  DensityMatrix<T> result{sites, parts.dimension(), {}};
  const double bytes = double(result.dim) * double(result.dim) * double(sizeof(T));
  if (bytes > double(small_bytes))
    require_memory(psi.comm(), static_cast<index_t>(std::min(bytes, 9e18)),
                   "the density matrix of the chosen sites");
  psi.comm().agree(
      [&] { result.values.resize(static_cast<std::size_t>(result.dim * result.dim)); });
  const dense::BlasThreads threads(num_threads());
  for (int first = 0; first < static_cast<int>(parts.blocks().size());) {
    const int end = end_of_group(psi, parts, first);
    auto rho = density_blocks(psi, parts, first, end);
    for (int b = first; b < end; ++b) {
      const auto& numbers = parts.blocks()[static_cast<std::size_t>(b)].numbers;
      auto& block = rho[static_cast<std::size_t>(b - first)];
      const auto d = numbers.size();
      detail::mirror_lower<T>(block, static_cast<index_t>(d));
      for (std::size_t col = 0; col < d; ++col)
        for (std::size_t row = 0; row < d; ++row)
          result.values[static_cast<std::size_t>(numbers[row] * result.dim + numbers[col])] =
              block[col * d + row];
    }
    first = end;
  }
  return result;
}

template <Scalar T>
double logarithmic_negativity(const StateView<T>& psi, const std::vector<int>& a,
                              const std::vector<int>& b) {
  const Basis& basis = psi.basis();
  const auto both = detail::united(basis, a, b, "negativity");
  double trace_norm = 0;
  if (static_cast<int>(both.size()) == basis.sites()) {
    double sum = 0, squares = 0;
    for (const double s : schmidt_values(psi, a)) {
      sum += s;
      squares += s * s;
    }
    trace_norm = sum * sum / squares;
  } else {
    const auto rho = reduced_density_matrix(psi, both);
    const dense::BlasThreads threads(num_threads());
    psi.comm().agree([&] { trace_norm = detail::transposed_trace_norm(basis, rho, a); });
  }
  if (!(trace_norm > 0)) throw InvalidArgument("negativity: the state is zero");
  return std::max(0.0, std::log(trace_norm));
}

index_t entanglement_memory(const Basis& basis, const std::vector<int>& sites, ScalarKind scalar,
                            int ranks) {
  detail::require_sites(basis, sites, "entropy");
  const auto system = smaller_side(basis, sites);
  const Bipartition parts(basis, system.sites, system.order);
  return parts.table_bytes() + visit_scalar(scalar, [&]<Scalar T>() {
           return matrices_and_columns<T>(basis, parts, ranks, Form::square);
         });
}

#define KRONSOLVE_INSTANTIATE(T)                                                                  \
  template std::vector<double> schmidt_values(const StateView<T>&, const std::vector<int>&);      \
  template double entanglement_entropy(const StateView<T>&, const std::vector<int>&,              \
                                       const EntropyOptions&);                                    \
  template double mutual_information(const StateView<T>&, const std::vector<int>&,                \
                                     const std::vector<int>&, const EntropyOptions&);             \
  template DensityMatrix<T> reduced_density_matrix(const StateView<T>&, const std::vector<int>&); \
  template double logarithmic_negativity(const StateView<T>&, const std::vector<int>&,            \
                                         const std::vector<int>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
