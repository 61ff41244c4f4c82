#include <cmath>

#include <kronsolve/core/csr_rows.hpp>

namespace kronsolve {

namespace {

template <Scalar T>
bool is_finite(T x) {
  if constexpr (is_complex<T>)
    return std::isfinite(x.real()) && std::isfinite(x.imag());
  else
    return std::isfinite(x);
}

}  // namespace

template <Scalar T>
void require_valid(const CsrRows<T>& rows, std::string_view where) {
  const auto fail = [&](index_t row, const std::string& what) {
    throw InvalidArgument(detail::concat(where, ": row ", row, " ", what));
  };
  if (rows.range.begin < 0 || rows.range.end < rows.range.begin)
    throw DimensionError(detail::concat(where, ": row range [", rows.range.begin, ", ",
                                        rows.range.end, ") is not a range"));
  if (static_cast<index_t>(rows.offsets.size()) != rows.range.size() + 1 ||
      rows.offsets.front() != 0 || rows.offsets.back() != rows.entries() ||
      rows.values.size() != rows.columns.size())
    throw DimensionError(detail::concat(where, ": ", rows.offsets.size(), " offsets, ",
                                        rows.columns.size(), " columns and ", rows.values.size(),
                                        " values do not describe ", rows.range.size(), " rows"));
  for (index_t row = rows.range.begin; row < rows.range.end; ++row) {
    const auto i = static_cast<std::size_t>(row - rows.range.begin);
    if (rows.offsets[i + 1] < rows.offsets[i]) fail(row, "has a descending offset");
    index_t before = -1;
    for (auto e = rows.offsets[i]; e < rows.offsets[i + 1]; ++e) {
      const index_t column = rows.columns[static_cast<std::size_t>(e)];
      if (column < 0 || column >= rows.cols)
        fail(row, detail::concat("has column ", column, " outside [0, ", rows.cols - 1, "]"));
      if (column <= before) fail(row, "has columns that do not ascend strictly");
      if (!is_finite(rows.values[static_cast<std::size_t>(e)]))
        fail(row, detail::concat("has a value at column ", column, " that is NaN or infinite"));
      before = column;
    }
  }
}

#define KRONSOLVE_INSTANTIATE(T) template void require_valid(const CsrRows<T>&, std::string_view);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
