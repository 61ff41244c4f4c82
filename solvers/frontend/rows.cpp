#include "solvers/frontend/rows.hpp"

#include <algorithm>

namespace kronsolve::frontend {

template <Scalar T>
LargeVector<T> gather_dense(const Comm& comm, const Lazy<T>& rows, const RowPartition& partition,
                            double entries_per_row) {
  const index_t n = rows.rows();
  LargeVector<T> a(comm.is_root() ? static_cast<std::size_t>(n * n) : 0, T{});
  const index_t step = std::max<index_t>(
      1, (index_t{1} << 20) / std::max<index_t>(1, static_cast<index_t>(entries_per_row)));
  const RowRange owned = partition.range(comm.rank());
  for (index_t done = 0; done < partition.max_local_rows(); done += step) {
    CsrRows<T> piece;
    comm.agree([&] {
      piece = rows.build({std::min(owned.end, owned.begin + done),
                          std::min(owned.end, owned.begin + done + step)});
    });
    std::vector<index_t> places;
    places.reserve(static_cast<std::size_t>(piece.entries()));
    for (index_t i = piece.range.begin; i < piece.range.end; ++i)
      for (const index_t j : piece.row_columns(i)) places.push_back(i + j * n);
    const auto all_places = comm.gather_v(std::span<const index_t>(places));
    const auto all_values =
        comm.gather_v(std::span<const T>(piece.values.data(), piece.values.size()));
    for (std::size_t e = 0; e < all_places.size(); ++e)
      a[static_cast<std::size_t>(all_places[e])] = all_values[e];
  }
  return a;
}

Lazy<std::complex<double>> as_complex(const Lazy<double>& rows) {
  return {rows.rows(), rows.cols(), [rows](RowRange range) {
            const auto real = rows.build(range);
            CsrRows<std::complex<double>> result;
            result.range = real.range;
            result.cols = real.cols;
            result.offsets = real.offsets;
            result.columns = real.columns;
            result.values.resize(real.values.size());
            std::copy(real.values.begin(), real.values.end(), result.values.begin());
            return result;
          }};
}

namespace {

/// Row 2i (component 0) or 2i+1 (component 1) of the real form of row i.
void append_component(const CsrRows<std::complex<double>>& from, index_t i, index_t component,
                      CsrRows<double>& to) {
  for (std::size_t e = 0; e < from.row_columns(i).size(); ++e) {
    const auto value = from.row_values(i)[e];
    const index_t j = 2 * from.row_columns(i)[e];
    to.columns.push_back(j);
    to.values.push_back(component == 0 ? value.real() : value.imag());
    to.columns.push_back(j + 1);
    to.values.push_back(component == 0 ? -value.imag() : value.real());
  }
  to.offsets.push_back(static_cast<index_t>(to.columns.size()));
}

}  // namespace

Lazy<double> as_real_pairs(const Lazy<std::complex<double>>& rows) {
  return {2 * rows.rows(), 2 * rows.cols(), [rows](RowRange range) {
            const auto from = rows.build({range.begin / 2, (range.end + 1) / 2});
            CsrRows<double> result;
            result.range = range;
            result.cols = 2 * rows.cols();
            for (index_t row = range.begin; row < range.end; ++row)
              append_component(from, row / 2, row % 2, result);
            return result;
          }};
}

template <Scalar T>
std::vector<T> owned_diagonal(const Lazy<T>& rows, RowRange owned) {
  constexpr index_t piece_rows = 1 << 14;
  std::vector<T> diagonal(static_cast<std::size_t>(owned.size()));
  for (index_t begin = owned.begin; begin < owned.end; begin += piece_rows) {
    const auto piece = rows.build({begin, std::min(owned.end, begin + piece_rows)});
    for (index_t i = piece.range.begin; i < piece.range.end; ++i) {
      const auto columns = piece.row_columns(i);
      const auto at = std::find(columns.begin(), columns.end(), i);
      if (at != columns.end())
        diagonal[static_cast<std::size_t>(i - owned.begin)] =
            piece.row_values(i)[static_cast<std::size_t>(at - columns.begin())];
    }
  }
  return diagonal;
}

#define KRONSOLVE_DEFINE(T)                                         \
  template std::vector<T> owned_diagonal(const Lazy<T>&, RowRange); \
  template LargeVector<T> gather_dense(const Comm&, const Lazy<T>&, const RowPartition&, double);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)

}  // namespace kronsolve::frontend
