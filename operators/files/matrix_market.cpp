#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>

#include <kronsolve/core/file.hpp>
#include <kronsolve/core/matrix_entries.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/operators/matrix_market.hpp>

#include "operators/files/line_reader.hpp"

namespace kronsolve {

namespace {

using Field = MatrixMarketHeader::Field;
using Symmetry = MatrixMarketHeader::Symmetry;

// ---- one line --------------------------------------------------------------------------------

/// Splits off the next word of a line; empty at its end.
std::string_view next_word(std::string_view& line) {
  const auto begin = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(begin);
  const auto length = std::min(line.find_first_of(" \t"), line.size());
  const auto word = line.substr(0, length);
  line.remove_prefix(length);
  return word;
}

/// Blanks, or a comment.
bool says_nothing(std::string_view line) {
  const auto word = next_word(line);
  return word.empty() || word.front() == '%';
}

index_t parse_index(std::string_view word, std::string_view what, index_t most) {
  const auto value = read_number<index_t>(word);
  if (!value)
    throw InvalidArgument(detail::concat("a ", what, " number is expected, got '", word, "'"));
  if (*value < 1 || *value > most)
    throw InvalidArgument(
        detail::concat("the ", what, " must be in [1, ", most, "], got ", *value));
  return *value - 1;
}

double parse_value(std::string_view word, Field field = Field::real) {
  if (word.empty()) throw InvalidArgument("the value is missing");
  const auto value = read_number<double>(word);
  if (!value) throw InvalidArgument(detail::concat("a number is expected, got '", word, "'"));
  if (!std::isfinite(*value))
    throw InvalidArgument(detail::concat("the entry must be finite, got ", word));
  if (field == Field::integer && !read_number<index_t>(word))
    throw InvalidArgument(detail::concat(
        "a whole number below 2^63 is expected in a file of integers, got '", word, "'"));
  return *value;
}

template <Scalar T>
struct Entry {
  index_t row, col;
  T value;
};

void check_triangle(index_t row, index_t col, Symmetry symmetry) {
  if (symmetry == Symmetry::general || col < row) return;
  if (col > row)
    throw InvalidArgument(detail::concat("entry (", row + 1, ", ", col + 1,
                                         ") is above the diagonal; a file that is not general "
                                         "stores the lower triangle only"));
  if (symmetry == Symmetry::skew_symmetric)
    throw InvalidArgument(detail::concat("entry (", row + 1, ", ", col + 1,
                                         ") is on the diagonal of a skew-symmetric matrix"));
}

template <Scalar T>
Entry<T> parse_entry(std::string_view line, const MatrixMarketHeader& header) {
  const index_t row = parse_index(next_word(line), "row", header.rows);
  const index_t col = parse_index(next_word(line), "column", header.cols);
  T value = 1;
  if (header.field != Field::pattern) value = parse_value(next_word(line), header.field);
  if constexpr (is_complex<T>) value = {value.real(), parse_value(next_word(line))};
  if (const auto rest = next_word(line); !rest.empty())
    throw InvalidArgument(detail::concat("nothing may follow the entry, got '", rest, "'"));
  check_triangle(row, col, header.symmetry);
  if (header.symmetry == Symmetry::hermitian && row == col && value != kronsolve::conj(value))
    throw InvalidArgument(detail::concat("diagonal entry (", row + 1, ", ", row + 1,
                                         ") of a Hermitian matrix must be real"));
  return {row, col, value};
}

/// The value at (j, i) that an entry at (i, j) of a stored triangle stands for.
template <Scalar T>
T mirrored(T value, Symmetry symmetry) {
  switch (symmetry) {
    case Symmetry::skew_symmetric:
      return -value;
    case Symmetry::hermitian:
      return kronsolve::conj(value);
    default:
      return value;
  }
}

// ---- header ----------------------------------------------------------------------------------

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

constexpr std::string_view banner_example = "'%%MatrixMarket matrix coordinate real general'";

void parse_banner(std::string_view line, MatrixMarketHeader& header) {
  const auto mark = next_word(line);
  const auto object = lower(next_word(line)), format = lower(next_word(line));
  const auto field = lower(next_word(line)), symmetry = lower(next_word(line));
  if (mark != "%%MatrixMarket" || object != "matrix")
    throw InvalidArgument(
        detail::concat("not a Matrix Market file: it must start like ", banner_example));
  if (format == "array")
    throw InvalidArgument("'array' (dense) files are not read; write it as 'coordinate'");
  if (format != "coordinate")
    throw InvalidArgument(detail::concat("the format must be 'coordinate', got '", format, "'"));
  if (field == "real" || field == "double")
    header.field = Field::real;
  else if (field == "complex")
    header.field = Field::complex;
  else if (field == "integer")
    header.field = Field::integer;
  else if (field == "pattern")
    header.field = Field::pattern;
  else
    throw InvalidArgument(
        detail::concat("the field must be real, complex, integer or pattern, got '", field, "'"));
  if (symmetry == "general")
    header.symmetry = Symmetry::general;
  else if (symmetry == "symmetric")
    header.symmetry = Symmetry::symmetric;
  else if (symmetry == "skew-symmetric")
    header.symmetry = Symmetry::skew_symmetric;
  else if (symmetry == "hermitian")
    header.symmetry = Symmetry::hermitian;
  else
    throw InvalidArgument(detail::concat(
        "the symmetry must be general, symmetric, skew-symmetric or hermitian, got '", symmetry,
        "'"));
}

void parse_sizes(std::string_view line, MatrixMarketHeader& header) {
  std::array<std::optional<index_t>, 3> sizes;
  for (auto& size : sizes) size = read_number<index_t>(next_word(line));
  if (!sizes[0] || !sizes[1] || !sizes[2] || !next_word(line).empty())
    throw InvalidArgument(
        "rows, columns and entries (three whole numbers below 2^63) are expected here");
  std::tie(header.rows, header.cols, header.entries) = std::tie(*sizes[0], *sizes[1], *sizes[2]);
  if (header.rows < 1 || header.cols < 1 || header.entries < 0)
    throw InvalidArgument(detail::concat("a matrix needs at least one row and one column, got ",
                                         header.rows, " x ", header.cols, " with ", header.entries,
                                         " entries"));
  // A few bytes of text would take gigabytes of rows.
  constexpr index_t many_rows = 1'000'000, rows_per_entry = 100;
  if (header.rows > many_rows && header.rows / rows_per_entry > header.entries)
    throw InvalidArgument(detail::concat("most of the ", header.rows, " rows are empty with ",
                                         header.entries,
                                         " entries; number only the rows that are in use"));
  if (header.symmetry != Symmetry::general && header.rows != header.cols)
    throw InvalidArgument(detail::concat("only a square matrix can be symmetric, got ", header.rows,
                                         " x ", header.cols));
}

std::string located(const std::string& path, index_t line, std::string_view text) {
  return detail::concat(path, ":", line, ": ", text);
}

MatrixMarketHeader parse_header(const std::string& path) {
  const InputFile file(path);
  if (file.size() == 0)
    throw InvalidArgument(detail::concat(
        path, ": the file is empty; a Matrix Market file starts like ", banner_example));
  MatrixMarketHeader header;
  detail::LineReader lines(file, {0, file.size()}, 0);
  std::string_view line;
  try {
    (void)lines.next(line);
    parse_banner(detail::without_mark(line), header);
    do {
      if (!lines.next(line))
        throw InvalidArgument("the file ends before the line with rows, columns and entries");
    } while (says_nothing(line));
    parse_sizes(line, header);
    // "1 1\n", "1 1 1\n"; the last line may lack its end
    const index_t bytes = file.size() - lines.position();
    if (header.entries > (bytes + 1) / (header.field == Field::pattern ? 4 : 6))
      throw InvalidArgument(detail::concat("the file is truncated: ", header.entries,
                                           " entries are announced and only ", bytes,
                                           " bytes follow"));
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(located(path, std::max<index_t>(1, lines.count()), error.what()));
  }
  header.data_offset = lines.position();
  header.data_line = lines.count() + 1;
  return header;
}

void broadcast(const Comm& comm, MatrixMarketHeader& header) {
  std::array<index_t, 7> facts = {header.rows,
                                  header.cols,
                                  header.entries,
                                  static_cast<index_t>(header.field),
                                  static_cast<index_t>(header.symmetry),
                                  header.data_offset,
                                  header.data_line};
  comm.broadcast(std::span<index_t>(facts));
  header = {
      facts[0], facts[1], facts[2], static_cast<Field>(facts[3]), static_cast<Symmetry>(facts[4]),
      facts[5], facts[6]};
}

// ---- entries ---------------------------------------------------------------------------------

/// Sends entries to the owners of their rows; `mine` grows by what arrives. Collective.
template <Scalar T>
void exchange(const Comm& comm, std::vector<MatrixEntries<T>>& outgoing, MatrixEntries<T>& mine) {
  const auto ranks = outgoing.size();
  std::vector<std::vector<index_t>> indices(ranks);
  std::vector<std::vector<T>> values(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    indices[r] = outgoing[r].rows;
    indices[r].insert(indices[r].end(), outgoing[r].cols.begin(), outgoing[r].cols.end());
    values[r] = std::move(outgoing[r].values);
    outgoing[r].clear();
  }
  const auto received_indices = comm.all_to_all_v(indices);
  const auto received_values = comm.all_to_all_v(values);
  for (std::size_t r = 0; r < ranks; ++r) {
    const auto& index = received_indices[r];
    const auto half = static_cast<std::ptrdiff_t>(index.size() / 2);
    mine.rows.insert(mine.rows.end(), index.begin(), index.begin() + half);
    mine.cols.insert(mine.cols.end(), index.begin() + half, index.end());
    mine.values.insert(mine.values.end(), received_values[r].begin(), received_values[r].end());
  }
}

/// This rank's share of the lines: what they say, and the first that says nonsense.
template <Scalar T>
class Share {
 public:
  Share(const InputFile& file, const MatrixMarketHeader& header, RowRange bytes)
      : lines_(file, bytes, header.data_offset), header_(header) {}

  /// Calls sink(row, col, value) for the next lines, at most `most`; false when there are no more.
  template <class Sink>
  bool parse(index_t most, Sink&& sink) {
    std::string_view line;
    for (index_t i = 0; i < most; ++i) {
      if (!lines_.next(line)) return false;
      if (says_nothing(line) || bad_line_ > 0) continue;
      try {
        const auto entry = parse_entry<T>(line, header_);
        ++entries_;
        sink(entry.row, entry.col, entry.value);
        if (header_.symmetry != Symmetry::general && entry.row != entry.col)
          sink(entry.col, entry.row, mirrored(entry.value, header_.symmetry));
      } catch (const InvalidArgument& error) {
        bad_line_ = lines_.count();
        text_ = error.what();
      }
    }
    return true;
  }

  index_t lines() const { return lines_.count(); }
  index_t entries() const { return entries_; }
  index_t bad_line() const { return bad_line_; }  ///< counted from 1 in this share; 0: none
  const std::string& text() const { return text_; }

 private:
  detail::LineReader lines_;
  const MatrixMarketHeader& header_;
  index_t entries_ = 0;
  index_t bad_line_ = 0;
  std::string text_;
};

template <Scalar T>
void check(const Comm& comm, const std::string& path, const MatrixMarketHeader& header,
           const Share<T>& share) {
  const index_t before = comm.exclusive_sum(share.lines());
  comm.require_all(share.bad_line() == 0,
                   located(path, header.data_line + before + share.bad_line() - 1, share.text()));
  const index_t entries = comm.all_reduce(share.entries());
  const index_t last_line = header.data_line + comm.all_reduce(share.lines()) - 1;
  if (entries != header.entries)
    throw InvalidArgument(
        located(path, last_line,
                detail::concat(entries < header.entries ? "the file is truncated: " : "",
                               header.entries, " entries are announced and ", entries, " follow")));
}

template <Scalar T>
index_t memory_of_rows(const MatrixMarketHeader& header, int ranks) {
  const double twice = header.symmetry == Symmetry::general ? 1 : 2;
  const double entries = twice * static_cast<double>(header.entries) / ranks;
  const double bytes = entries * (4 * sizeof(index_t) + 2 * sizeof(T)) +
                       static_cast<double>(header.rows) / ranks * sizeof(index_t);
  return bytes < 9e18 ? static_cast<index_t>(bytes) : std::numeric_limits<index_t>::max();
}

template <Scalar T>
MatrixMarketRows<T> read_slices(const Comm& comm, const std::string& path,
                                const MatrixMarketHeader& header) {
  require_memory(comm, memory_of_rows<T>(header, comm.size()),
                 detail::concat("the matrix of '", path, "'"));
  std::optional<InputFile> file;
  comm.agree([&] { file.emplace(path); });
  const RowPartition partition(header.rows, comm.size());
  const RowPartition bytes(comm.all_reduce(file->size(), Reduce::min) - header.data_offset,
                           comm.size());
  const RowRange mine = bytes.range(comm.rank());
  std::optional<Share<T>> share;
  comm.agree([&] {
    share.emplace(*file, header,
                  RowRange{header.data_offset + mine.begin, header.data_offset + mine.end});
  });
  MatrixEntries<T> owned;
  std::vector<MatrixEntries<T>> outgoing(static_cast<std::size_t>(comm.size()));
  constexpr index_t batch = 1 << 18;  // lines between two exchanges: bounds the buffers
  for (bool more = true; more;) {
    bool left = true;
    comm.agree([&] {
      left = share->parse(batch, [&](index_t row, index_t col, T value) {
        outgoing[static_cast<std::size_t>(partition.owner(row))].add(row, col, value);
      });
    });
    exchange(comm, outgoing, owned);
    more = !comm.all(!left);
  }
  check(comm, path, header, *share);
  CsrRows<T> rows;
  comm.agree([&] { rows = owned.csr_rows(partition.range(comm.rank()), header.cols); });
  return {partition, std::move(rows)};
}

MatrixMarketRows<double> real_rows(MatrixMarketRows<std::complex<double>> in) {
  LargeVector<double> values(in.rows.values.size());
  std::transform(in.rows.values.begin(), in.rows.values.end(), values.begin(),
                 [](auto z) { return z.real(); });
  return {in.partition,
          {in.rows.range, in.rows.cols, std::move(in.rows.offsets), std::move(in.rows.columns),
           std::move(values)}};
}

}  // namespace

MatrixMarketHeader read_matrix_market_header(const Comm& comm, const std::string& path) {
  MatrixMarketHeader header;
  comm.agree([&] {
    if (comm.is_root()) header = parse_header(path);
  });
  broadcast(comm, header);
  return header;
}

std::variant<MatrixMarketRows<double>, MatrixMarketRows<std::complex<double>>> read_matrix_market(
    const Comm& comm, const std::string& path) {
  return read_matrix_market(comm, path, read_matrix_market_header(comm, path));
}

std::variant<MatrixMarketRows<double>, MatrixMarketRows<std::complex<double>>> read_matrix_market(
    const Comm& comm, const std::string& path, const MatrixMarketHeader& header) {
  if (header.field != Field::complex) return read_slices<double>(comm, path, header);
  auto slices = read_slices<std::complex<double>>(comm, path, header);
  const bool real = std::all_of(slices.rows.values.begin(), slices.rows.values.end(),
                                [](auto z) { return z.imag() == 0; });
  if (comm.all(real)) return real_rows(std::move(slices));
  return slices;
}

}  // namespace kronsolve
