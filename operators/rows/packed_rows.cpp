#include "operators/rows/packed_rows.hpp"

#include <algorithm>
#include <complex>

namespace kronsolve::detail {

template <Scalar T>
void PackedRows<T>::append(std::span<const index_t> counts, std::span<const index_t> columns,
                           std::span<const T> values) {
  if (counts.empty()) return;
  Part part;
  part.rows = {range_.end, range_.end + static_cast<index_t>(counts.size())};
  (void)narrow<std::uint32_t>(columns.size(), "entries of a part of the rows");
  part.offsets.reserve(counts.size() + 1);
  part.offsets.push_back(0);
  for (const index_t count : counts)
    part.offsets.push_back(part.offsets.back() + static_cast<std::uint32_t>(count));
  if (wide_)
    part.wide_columns.assign(columns.begin(), columns.end());
  else
    part.columns.assign(columns.begin(), columns.end());
  for (std::size_t e = 0; e < values.size() && coded_; ++e) coded_ = codes_.learn(values[e]);
  if (coded_) {
    part.codes.resize(values.size());
#pragma omp parallel for schedule(static)
    for (std::size_t e = 0; e < values.size(); ++e) part.codes[e] = codes_.code(values[e]);
  } else {
    part.values.assign(values.begin(), values.end());
  }
  range_.end = part.rows.end;
  parts_.push_back(std::move(part));
}

template <Scalar T>
void PackedRows<T>::copy_entries(const Part& part, std::size_t begin, std::size_t end,
                                 CsrRows<T>& to, std::size_t at) const {
  const auto from = static_cast<std::ptrdiff_t>(begin), last = static_cast<std::ptrdiff_t>(end);
  const auto out = static_cast<std::ptrdiff_t>(at);
  if (wide_)
    std::copy(part.wide_columns.begin() + from, part.wide_columns.begin() + last,
              to.columns.begin() + out);
  else
    std::copy(part.columns.begin() + from, part.columns.begin() + last, to.columns.begin() + out);
  if (part.codes.empty())
    std::copy(part.values.begin() + from, part.values.begin() + last, to.values.begin() + out);
  else
    std::transform(part.codes.begin() + from, part.codes.begin() + last, to.values.begin() + out,
                   [&](std::uint16_t code) { return codes_.table()[code]; });
}

template <Scalar T>
CsrRows<T> PackedRows<T>::rows(RowRange piece) const {
  CsrRows<T> result;
  result.range = piece;
  result.cols = cols_;
  if (piece.empty()) return result;
  const auto first =
      std::upper_bound(parts_.begin(), parts_.end(), piece.begin,
                       [](index_t row, const Part& part) { return row < part.rows.end; });
  result.offsets.reserve(static_cast<std::size_t>(piece.size()) + 1);
  const auto pieces = [&](auto&& f) {  // f(part, the rows of it that are wanted, from its first)
    for (auto part = first; part != parts_.end() && part->rows.begin < piece.end; ++part)
      f(*part, static_cast<std::size_t>(std::max(piece.begin, part->rows.begin) - part->rows.begin),
        static_cast<std::size_t>(std::min(piece.end, part->rows.end) - part->rows.begin));
  };
  pieces([&](const Part& part, std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row)
      result.offsets.push_back(result.offsets.back() + part.offsets[row + 1] - part.offsets[row]);
  });
  result.columns.resize(static_cast<std::size_t>(result.offsets.back()));
  result.values.resize(result.columns.size());
  std::size_t at = 0;
  pieces([&](const Part& part, std::size_t begin, std::size_t end) {
    copy_entries(part, part.offsets[begin], part.offsets[end], result, at);
    at += part.offsets[end] - part.offsets[begin];
  });
  return result;
}

template <Scalar T>
index_t PackedRows<T>::memory_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const auto& part : parts_)
    bytes += part.offsets.size() * sizeof(std::uint32_t) +
             part.columns.size() * sizeof(std::uint32_t) +
             part.wide_columns.size() * sizeof(index_t) +
             part.codes.size() * sizeof(std::uint16_t) + part.values.size() * sizeof(T);
  return static_cast<index_t>(bytes);
}

template class PackedRows<double>;
template class PackedRows<std::complex<double>>;

}  // namespace kronsolve::detail
