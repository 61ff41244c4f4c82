#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/hermitian_check.hpp>

namespace kronsolve {

namespace {

/// Matrices up to this many rows are checked entry by entry, larger ones on this many rows.
constexpr index_t small_rows = 2000;
constexpr index_t sampled_rows = 64;
/// Partners looked up for one sampled row: a dense row must not cost a product.
constexpr std::size_t most_partners = 64;

template <Scalar T>
std::string text(T value) {
  if constexpr (is_complex<T>)
    return detail::concat("(", value.real(), value.imag() < 0 ? "" : "+", value.imag(), "i)");
  else
    return detail::concat(value);
}

template <Scalar T>
std::string complaint(std::string_view where, index_t i, index_t j, T a, T b) {
  return detail::concat(where, ": the matrix is not Hermitian: entry (", i, ", ", j, ") is ",
                        text(a), ", entry (", j, ", ", i, ") is ", text(b), ", off by ",
                        std::abs(a - conj(b)));
}

template <Scalar T>
T entry(const CsrRows<T>& rows, index_t i, index_t j) {
  const auto columns = rows.row_columns(i);
  const auto at = std::lower_bound(columns.begin(), columns.end(), j);
  if (at == columns.end() || *at != j) return T{};
  return rows.row_values(i)[static_cast<std::size_t>(at - columns.begin())];
}

template <Scalar T>
double largest(const CsrRows<T>& rows) {
  double most = 0;
  for (const T& v : rows.values) most = std::max(most, std::abs(v));
  return most;
}

/// An entry on its way to the owner of its mirror image.
template <Scalar T>
struct Entries {
  std::vector<std::vector<index_t>> places;  ///< row, column, row, column ... per rank
  std::vector<std::vector<T>> values;
};

template <Scalar T>
std::optional<std::string> find_defect(const CsrRows<T>& rows, std::span<const index_t> places,
                                       std::span<const T> values, double threshold,
                                       std::string_view where) {
  for (std::size_t e = 0; e < values.size(); ++e) {
    const index_t i = places[2 * e], j = places[2 * e + 1];
    const T mirror = entry(rows, j, i);
    if (std::abs(values[e] - conj(mirror)) > threshold)
      return complaint(where, i, j, values[e], mirror);
  }
  return std::nullopt;
}

}  // namespace

template <Scalar T>
void require_hermitian(const Comm& comm, const CsrRows<T>& rows, const RowPartition& partition,
                       std::string_view where) {
  if (rows.cols != partition.rows())
    throw DimensionError(detail::concat(where, ": a Hermitian matrix is square, this one is ",
                                        partition.rows(), " x ", rows.cols));
  const double threshold = hermitian_tolerance * comm.all_reduce(largest(rows), Reduce::max);
  const auto ranks = static_cast<std::size_t>(comm.size());
  Entries<T> send{std::vector<std::vector<index_t>>(ranks), std::vector<std::vector<T>>(ranks)};
  for (index_t i = rows.range.begin; i < rows.range.end; ++i) {
    const auto columns = rows.row_columns(i);
    const auto values = rows.row_values(i);
    for (std::size_t e = 0; e < columns.size(); ++e) {
      const auto owner = static_cast<std::size_t>(
          rows.range.contains(columns[e]) ? comm.rank() : partition.owner(columns[e]));
      send.places[owner].push_back(i);
      send.places[owner].push_back(columns[e]);
      send.values[owner].push_back(values[e]);
    }
  }
  const auto places = comm.all_to_all_v(send.places);
  const auto values = comm.all_to_all_v(send.values);
  std::optional<std::string> defect;
  for (std::size_t r = 0; r < ranks && !defect; ++r)
    defect = find_defect<T>(rows, places[r], values[r], threshold, where);
  comm.require_all(!defect, defect.value_or(""));
}

namespace {

/// Entries of row i against their mirror images, which are built one row at a time.
template <Scalar T>
std::optional<std::string> check_row(const Lazy<T>& a, index_t i, std::string_view where) {
  const auto row = a.build({i, i + 1});
  const double scale = largest(row);
  const std::size_t step = std::max<std::size_t>(1, row.columns.size() / most_partners);
  for (std::size_t e = 0; e < row.columns.size(); e += step) {
    const index_t j = row.columns[e];
    const auto partner = a.build({j, j + 1});
    const T mirror = entry(partner, j, i);
    if (std::abs(row.values[e] - conj(mirror)) >
        hermitian_tolerance * std::max(scale, largest(partner)))
      return complaint(where, i, j, row.values[e], mirror);
  }
  return std::nullopt;
}

}  // namespace

template <Scalar T>
void require_hermitian_sampled(const Comm& comm, const Lazy<T>& a, std::string_view where,
                               std::uint64_t seed) {
  if (a.rows() != a.cols())
    throw DimensionError(detail::concat(where, ": a Hermitian matrix is square, this one is ",
                                        a.rows(), " x ", a.cols()));
  if (a.rows() <= small_rows) {
    const RowPartition partition(a.rows(), comm.size());
    CsrRows<T> rows;
    comm.agree([&] { rows = a.build(partition.range(comm.rank())); });
    return require_hermitian(comm, rows, partition, where);
  }
  const CounterRandom random(seed, 0x4E11);
  std::optional<std::string> defect;
  comm.agree([&] {
    for (index_t s = comm.rank(); s < sampled_rows && !defect; s += comm.size()) {
      const double u = random.uniform(static_cast<std::uint64_t>(s));
      const auto i = std::min(a.rows() - 1, static_cast<index_t>(u * double(a.rows())));
      defect = check_row(a, i, where);
    }
  });
  comm.require_all(!defect, defect.value_or(""));
}

#define KRONSOLVE_DEFINE(T)                                                              \
  template void require_hermitian(const Comm&, const CsrRows<T>&, const RowPartition&,   \
                                  std::string_view);                                     \
  template void require_hermitian_sampled(const Comm&, const Lazy<T>&, std::string_view, \
                                          std::uint64_t);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)

}  // namespace kronsolve
