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
                        std::abs(a - conj(b)), " (rows and columns counted from 0)");
}

template <Scalar T>
T entry(const CsrRows<T>& rows, index_t i, index_t j) {
  const auto columns = rows.row_columns(i);
  const auto at = std::lower_bound(columns.begin(), columns.end(), j);
  if (at == columns.end() || *at != j) return T{};
  return rows.row_values(i)[static_cast<std::size_t>(at - columns.begin())];
}

template <Scalar T>
double largest(std::span<const T> values) {
  double most = 0;
  for (const T& v : values) most = std::max(most, std::abs(v));
  return most;
}

/// Whether two entries are each other's mirror image.
/// @param row  the largest entry of the row of one of them; `mirror_row()` that of the other
template <Scalar T, class Row>
bool agree(T value, T mirror, double row, const Row& mirror_row) {
  const double off = std::abs(value - conj(mirror));
  const auto [of_entries, of_rows] = hermitian_tolerance;
  return off <= of_entries * std::max(std::abs(value), std::abs(mirror)) ||
         (off <= of_rows * row && off <= of_rows * mirror_row());
}

/// Entries on their way to the owner of their mirror images.
template <Scalar T>
struct Entries {
  std::vector<index_t> places;  ///< row, entries of it, their columns; the next row ...
  std::vector<T> values;
  std::vector<double> rows;  ///< the largest entry of each of these rows
  std::size_t head = 0;      ///< where the last row begins

  void add(index_t row, double largest_of_row, index_t col, T value) {
    if (places.empty() || places[head] != row) {
      head = places.size();
      places.insert(places.end(), {row, 0});
      rows.push_back(largest_of_row);
    }
    places.push_back(col);
    values.push_back(value);
    ++places[head + 1];
  }
};

template <Scalar T>
std::optional<std::string> find_defect(const CsrRows<T>& rows, const Entries<T>& entries,
                                       std::string_view where) {
  std::size_t value = 0, row = 0;
  for (std::size_t at = 0; at < entries.places.size(); ++row) {
    const index_t i = entries.places[at];
    const auto end = at + 2 + static_cast<std::size_t>(entries.places[at + 1]);
    for (at += 2; at < end; ++at, ++value) {
      const index_t j = entries.places[at];
      const T mirror = entry(rows, j, i);
      if (!agree(entries.values[value], mirror, entries.rows[row],
                 [&] { return largest(rows.row_values(j)); }))
        return complaint(where, i, j, entries.values[value], mirror);
    }
  }
  return std::nullopt;
}

}  // namespace

void require_hermitian(const OpSum& op, std::string_view where) {
  if (const auto term = op.non_hermitian_part())
    throw InvalidArgument(detail::concat(where, ": the operator is not Hermitian: the term ", *term,
                                         " has no Hermitian partner; add it"));
}

template <Scalar T>
void require_hermitian(const Comm& comm, const CsrRows<T>& rows, const RowPartition& partition,
                       std::string_view where) {
  if (rows.cols != partition.rows())
    throw DimensionError(detail::concat(where, ": a Hermitian matrix is square, this one is ",
                                        partition.rows(), " x ", rows.cols));
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<Entries<T>> send(ranks);
  for (index_t i = rows.range.begin; i < rows.range.end; ++i) {
    const auto columns = rows.row_columns(i);
    const auto values = rows.row_values(i);
    const double most = largest(values);
    for (std::size_t e = 0; e < columns.size(); ++e) {
      const auto owner = static_cast<std::size_t>(
          rows.range.contains(columns[e]) ? comm.rank() : partition.owner(columns[e]));
      send[owner].add(i, most, columns[e], values[e]);
    }
  }
  const auto exchanged = [&]<class Part>(Part Entries<T>::*part) {
    std::vector<Part> parts;
    for (auto& entries : send) parts.push_back(std::move(entries.*part));
    return comm.all_to_all_v(parts);
  };
  auto places = exchanged(&Entries<T>::places);
  auto values = exchanged(&Entries<T>::values);
  auto scales = exchanged(&Entries<T>::rows);
  std::optional<std::string> defect;
  for (std::size_t r = 0; r < ranks && !defect; ++r)
    defect = find_defect<T>(
        rows, {std::move(places[r]), std::move(values[r]), std::move(scales[r])}, where);
  comm.require_all(!defect, defect.value_or(""));
}

namespace {

/// Entries of row i against their mirror images, which are built one row at a time.
template <Scalar T>
std::optional<std::string> check_row(const Lazy<T>& a, index_t i, std::string_view where) {
  const auto row = a.build({i, i + 1});
  const double scale = largest<T>(row.values);
  const std::size_t step = std::max<std::size_t>(1, row.columns.size() / most_partners);
  for (std::size_t e = 0; e < row.columns.size(); e += step) {
    const index_t j = row.columns[e];
    const auto partner = a.build({j, j + 1});
    const T mirror = entry(partner, j, i);
    if (!agree(row.values[e], mirror, scale, [&] { return largest<T>(partner.values); }))
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
