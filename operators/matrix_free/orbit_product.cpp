#include "operators/matrix_free/orbit_product.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/rows.hpp>

#include "operators/bases/stabilisers.hpp"
#include "operators/bases/symmetry_lookup.hpp"
#include "operators/matrix_free/kernels.hpp"
#include "operators/vectors/blocked_sum.hpp"

namespace kronsolve::detail {

namespace {

constexpr index_t piece_rows = orbit_piece_rows, round_pieces = orbit_round_rows / piece_rows;

RowRange piece_range(index_t piece, index_t rows) {
  return {piece * piece_rows, std::min(rows, (piece + 1) * piece_rows)};
}

}  // namespace

template <Scalar T>
OrbitProduct<T>::OrbitProduct(const SectorOperator& h)
    : LinearMap<T>(h.basis->orbits()->comm(), h.basis->partition(h.basis->orbits()->comm().size()),
                   h.basis->partition(h.basis->orbits()->comm().size())),
      h_(h),
      basis_(h.basis->orbits()),
      op_(h.op),
      steps_(basis_->action().steps(op_.move_ends())) {
  for (int order = 0; order <= basis_->group().order(); ++order)
    roots_.push_back(std::sqrt(double(order)));
}

template <Scalar T>
index_t OrbitProduct<T>::memory_bytes() const noexcept {
  return static_cast<index_t>(steps_.narrow.size() * sizeof(std::uint32_t) +
                              steps_.wide.size() * sizeof(std::uint64_t));
}

template <Scalar T>
void OrbitProduct<T>::compute(OrbitRows<T>& rows, RowRange local, Piece& piece) const {
  piece.ends.clear();
  piece.diagonal.clear();
  const auto most = static_cast<std::size_t>(local.size()) * rows.room();
  if (piece.columns.size() < most) {
    piece.columns.resize(most);
    piece.values.resize(most);
  }
  const auto representatives = basis_->representatives();
  std::size_t entries = 0;
  for (index_t i = local.begin; i < local.end; ++i) {
    const auto row = rows(representatives[static_cast<std::size_t>(i)],
                          piece.columns.data() + entries, piece.values.data() + entries);
    piece.diagonal.push_back(row.diagonal);
    entries += row.entries;
    piece.ends.push_back(static_cast<index_t>(entries));
  }
}

/// Entries of x, each times the root of its stabiliser's order; 0 for orbits that vanish. All of them
/// must be this rank's.
template <Scalar T>
void OrbitProduct<T>::look_up(std::span<const name_t> representatives, std::span<const T> x,
                              std::span<T> found) const {
  constexpr std::size_t batch = 256;
  std::array<index_t, batch> rows;
  const index_t first = this->row_range().begin;
  const Stabilisers& stabilisers = basis_->stabilisers();
  for (std::size_t begin = 0; begin < representatives.size(); begin += batch) {
    const std::size_t n = std::min(batch, representatives.size() - begin);
    basis_->rows_of(representatives.subspan(begin, n), {rows.data(), n});
    for (std::size_t i = 0; i < n; ++i)
      if (rows[i] >= 0) __builtin_prefetch(&x[static_cast<std::size_t>(rows[i] -= first)]);
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = static_cast<std::size_t>(rows[i]);
      found[begin + i] =
          rows[i] < 0 ? T{} : roots_[static_cast<std::size_t>(stabilisers[row])] * x[row];
    }
  }
}

template <Scalar T>
void OrbitProduct<T>::add_up(RowRange local, std::span<const T> x, std::span<const T> found,
                             Piece& piece) const {
  piece.sums.clear();
  std::size_t e = 0;
  for (std::size_t i = 0; i < piece.ends.size(); ++i) {
    T sum{};
    for (; e < static_cast<std::size_t>(piece.ends[i]); ++e)
      sum += vec::times(piece.values[e], found[e]);
    const auto row = static_cast<std::size_t>(local.begin) + i;
    const double root = roots_[static_cast<std::size_t>(basis_->stabilisers()[row])];
    piece.sums.push_back(vec::times(piece.diagonal[i], x[row]) + sum / root);
  }
}

template <Scalar T>
template <class Use>
void OrbitProduct<T>::multiply(std::span<const T> x, Use&& use) const {
  if (this->comm().size() > 1) return multiply_among_ranks(x, use);
  const index_t n = this->rows(), pieces = (n + piece_rows - 1) / piece_rows;
#pragma omp parallel num_threads(num_threads()) if (pieces > 1)
  {
    OrbitRows<T> rows(op_, *basis_, steps_);
    Piece piece;
#pragma omp for schedule(dynamic, 8)
    for (index_t p = 0; p < pieces; ++p) {
      const RowRange local = piece_range(p, n);
      compute(rows, local, piece);
      piece.found.resize(piece.columns.size());
      look_up(piece.wanted(), x, piece.found);
      add_up(local, x, piece.found, piece);
      use(local.begin, std::span<const T>(piece.sums));
    }
  }
}

template <Scalar T>
template <class Use>
void OrbitProduct<T>::multiply_among_ranks(std::span<const T> x, Use&& use) const {
  const index_t n = this->row_range().size(), pieces = (n + piece_rows - 1) / piece_rows;
  const index_t rounds =
      this->comm().all_reduce((pieces + round_pieces - 1) / round_pieces, Reduce::max);
  std::vector<Piece> some(static_cast<std::size_t>(round_pieces));
  std::vector<name_t> wanted;
  std::vector<std::size_t> firsts;
  for (index_t round = 0; round < rounds; ++round) {
    const index_t first = std::min(pieces, round * round_pieces),
                  last = std::min(pieces, first + round_pieces);
#pragma omp parallel num_threads(num_threads()) if (last - first > 1)
    {
      OrbitRows<T> rows(op_, *basis_, steps_);
#pragma omp for schedule(dynamic, 1)
      for (index_t p = first; p < last; ++p)
        compute(rows, piece_range(p, n), some[static_cast<std::size_t>(p - first)]);
    }
    wanted.clear();
    firsts.clear();
    for (index_t p = first; p < last; ++p) {
      const auto columns = some[static_cast<std::size_t>(p - first)].wanted();
      firsts.push_back(wanted.size());
      wanted.insert(wanted.end(), columns.begin(), columns.end());
    }
    const auto found = ask_owners<T>(
        *basis_, std::span<const name_t>(wanted),
        [&](std::span<const name_t> asked, std::span<T> entries) { look_up(asked, x, entries); });
#pragma omp parallel for num_threads(num_threads()) schedule(dynamic, 1) if (last - first > 1)
    for (index_t p = first; p < last; ++p) {
      auto& piece = some[static_cast<std::size_t>(p - first)];
      const std::span<const T> all(found);
      add_up(piece_range(p, n), x,
             all.subspan(firsts[static_cast<std::size_t>(p - first)], piece.wanted().size()),
             piece);
      use(piece_range(p, n).begin, std::span<const T>(piece.sums));
    }
  }
}

template <Scalar T>
void OrbitProduct<T>::apply_impl(std::span<const T> x, std::span<T> y) const {
  multiply(x, [&](index_t first, std::span<const T> sums) {
    std::copy(sums.begin(), sums.end(), y.begin() + first);
  });
}

template <Scalar T>
T OrbitProduct<T>::apply_recurrence_impl(std::span<const T> x, double beta, std::span<T> y) const {
  // Added up in the order of the pieces: the same on any number of threads.
  std::vector<T> overlaps(
      static_cast<std::size_t>((this->row_range().size() + piece_rows - 1) / piece_rows));
  multiply(x, [&](index_t first, std::span<const T> sums) {
    T* const out = y.data() + first;
    const T* const in = x.data() + first;
    const auto n = static_cast<index_t>(sums.size());
    // beta = 0: y may hold anything.
    for (index_t i = 0; i < n; ++i)
      out[i] = beta == 0 ? sums[static_cast<std::size_t>(i)]
                         : sums[static_cast<std::size_t>(i)] - beta * out[i];
    overlaps[static_cast<std::size_t>(first / piece_rows)] =
        vec::sums::of_block<T>(0, n, [&](index_t i) { return vec::conj_times(in[i], out[i]); });
  });
  vec::Compensated<T> sum;
  for (const T& overlap : overlaps) sum += overlap;
  return sum.value();
}

template class OrbitProduct<double>;
template class OrbitProduct<std::complex<double>>;

void require_orbit_product(const SectorOperator& h, ScalarKind scalar) {
  require_conserved(h.op, *h.basis);
  require_symmetric(h.op, *h.basis->symmetries());
  if (scalar == ScalarKind::real && h.scalar() == ScalarKind::complex)
    throw InvalidArgument(
        "matrix-free: the operator is not real in this sector; use complex vectors");
}

MatrixFreePlan plan_orbit_product(const SectorOperator& h, ScalarKind scalar, int ranks,
                                  const std::function<bool(index_t)>& fits) {
  MatrixFreePlan facts;
  facts.dimension = h.dimension();
  facts.scalar = scalar;
  facts.kernels = kernels().name;
  facts.entries_per_row = mean_entries(h);
  const double local = double(h.basis->partition(ranks).max_local_rows());
  // A representative goes out and an entry comes back; of all ranks one is as likely as another.
  const double value = visit_scalar(scalar, []<Scalar T>() { return double(sizeof(T)); });
  facts.received_bytes = static_cast<index_t>(local * facts.entries_per_row * (ranks - 1) / ranks *
                                              (sizeof(name_t) + value));
  const double stored =
      visit_scalar(scalar, [&]<Scalar T>() { return held_rows_bytes<T>(h, local); });
  const double vectors = 2 * local * value;
  facts.better_than_assembled = !(stored < 9e18 && fits(static_cast<index_t>(stored + vectors)));
  const std::string size = format_bytes(stored) + (ranks > 1 ? " a rank" : "");
  facts.verdict =
      facts.better_than_assembled
          ? concat("rows are computed anew in each product: stored (", size, ") they would not fit")
          : concat("rows are stored, ", size,
                   ": computed anew each product would take several times as long");
  return facts;
}

}  // namespace kronsolve::detail
