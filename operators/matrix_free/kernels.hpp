#pragma once
// Inner loops of the Kronecker-block product, one table of function pointers per instruction set.
//
// This header and what implements it use plain pointers only: an inline function of the standard
// library compiled here with AVX-512 could be the copy that the linker keeps for everybody.

#include <cstdint>

namespace kronsolve::detail {

/// Doubles of one SIMD register, as all kernels see it (narrower machines use several registers).
inline constexpr int lanes = 8;

/// Off-diagonal entries of equal value, or with a value each, of a small matrix. Rows with the same
/// number of entries stand together, so that no loop has an unpredictable length.
struct EntryBucket {
  std::uint32_t entries_per_row;
  std::uint32_t rows;
  const std::uint16_t* row;  ///< [rows]
  const std::uint16_t* col;  ///< [rows][entries_per_row]
  const double* value;       ///< the same; null where all are `common`
};

/// Buckets of one common value (or of single values: then common is 1 and every bucket has
/// `value`).
struct EntryGroup {
  double common;
  std::uint32_t buckets;
  const EntryBucket* bucket;
};

/// A real matrix between tiles. The first group has every row (some perhaps with no entries) where
/// a diagonal goes along.
struct MatrixView {
  std::uint32_t groups;
  const EntryGroup* group;
};

/// diagonal(row, lane) = base[row] + constant[lane] + sum_k weight[k][lane] * function[k][row].
struct DiagonalView {
  const double* base;
  const double* constant;  ///< [lanes]
  int functions;
  const double* const* function;
  const double* weight;  ///< [functions][lanes]
};

/// Contiguous pieces of a matrix: out[row + i] += value * in[col + i], i < length (in entries of
/// the vector).
struct Run {
  std::uint32_t row, col, length;
  double value;
};

/// Whole rows to be added with equal weight re + i im, or (backwards) the last entry to the first.
struct MoveGroup {
  double re, im;
  int count;
  bool backwards;
};

/// What happens to the old content of y.
enum class Old : int { overwrite, scale, keep };
/// Which overlap with x a kernel returns: none, of the final y, or of what it adds.
enum class Overlap : int { none, final, added };

/// A row to be added in pieces, with weight re + i im.
struct RowRuns {
  const double* source;
  const Run* run;
  std::int64_t runs;
  double re, im;
};

/// What is added to one row: whole rows, and others in pieces.
struct RowMoves {
  const double* const* source;
  const MoveGroup* group;
  int groups;
  const RowRuns* piece;
  int pieces;
};

/// The rows of y that belong to a tile: y = old + tile + moves[row]; then, if there are sums,
/// y -= alpha x and sum += weight y.
struct RowTask {
  const double* tile;  ///< null: none
  double* room;        ///< for the tile's rows one by one: lanes * (n + row_room) doubles
  double* const* y;
  const double* const* x;
  int rows;
  std::int64_t n;  ///< entries
  const RowMoves* moves;
  Old old;
  double gamma;
  Overlap overlap;
  double alpha, weight;
  double* const* sum;  ///< null: none
  bool stream;         ///< write y past the caches
};
inline constexpr std::int64_t row_room = 16;

/// Rows of a stored matrix: entry e of row i, offsets[i] <= e < offsets[i+1], multiplies entry
/// column[e] of x. Values are (re, im) pairs in complex matrices.
struct SparseRows {
  std::int64_t rows;
  const std::uint32_t* offsets;
  const std::uint32_t* column;
  const std::uint8_t*
      code;  ///< position in `value` of each entry; null: an entry has its own value
  const double* value;
  bool one_value;          ///< all entries are value[0]
  const double* diagonal;  ///< [rows]; null: none
};

/// Several vectors side by side, `doubles` (4 or 8) numbers an entry, and what a step does to them:
/// y = scale (A x - center x) - beta y, sum += weight y.
struct BlockStep {
  int doubles;
  double scale, center, beta, weight;
  bool stream = false;  ///< write y past the caches; it begins with a line
};

/// Tiles are several rows of the vector side by side: register l holds entry l of each, 8 rows of
/// reals or 4 of (re, im).
struct KernelTable {
  const char* name;

  /// tile[l] = (accumulate ? tile[l] : 0) + weight * rows, a weight a lane; weight_re null: 1. n
  /// entries.
  void (*load_real)(double* tile, const double* const* rows, std::int64_t n, const double* weight,
                    bool accumulate);
  void (*load_complex)(double* tile, const double* const* rows, std::int64_t n,
                       const double* weight_re, const double* weight_im, bool accumulate);
  /// out = diagonal * in + matrix * in, or out += matrix * in where there is no diagonal.
  void (*multiply)(double* out, const double* in, const MatrixView* matrix,
                   const DiagonalView* diagonal);
  /// out += i * matrix * in, registers of (re, im) pairs.
  void (*multiply_imaginary)(double* out, const double* in, const MatrixView* matrix);
  /// Does a task. Adds to out[0] (complex: out[0..1]) the overlap with the x rows that is asked
  /// for.
  void (*finish_real)(const RowTask& task, double* out);
  void (*finish_complex)(const RowTask& task, double* out);
  /// The step for rows that begin at y, sum and own (which is x there); columns count from x.
  void (*block_step_real)(const SparseRows* a, const BlockStep* step, const double* x,
                          const double* own, double* y, double* sum);
  void (*block_step_complex)(const SparseRows* a, const BlockStep* step, const double* x,
                             const double* own, double* y, double* sum);
  /// What entries with columns elsewhere add to a step: to row[i] of y and sum for row i of a.
  void (*block_add_real)(const SparseRows* a, const BlockStep* step, const double* ghosts,
                         const std::uint32_t* row, double* y, double* sum);
  void (*block_add_complex)(const SparseRows* a, const BlockStep* step, const double* ghosts,
                            const std::uint32_t* row, double* y, double* sum);
};

/// The best table for this machine. KRONSOLVE_SIMD=baseline|avx2|avx512 asks for a lesser one
/// (tests, measurements).
const KernelTable& kernels();
/// All tables this machine can run, best last.
int available_kernels(const KernelTable** tables, int most);

extern const KernelTable baseline_kernels;
#if defined(__x86_64__)
extern const KernelTable avx2_kernels;
extern const KernelTable avx512_kernels;
#endif

}  // namespace kronsolve::detail
