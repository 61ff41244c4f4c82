// Entries of operators whose couplings lie thirty orders of magnitude apart: each is as good as the
// terms that touch it allow, in every way of applying the operator.

#include <cmath>
#include <random>

#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/expand.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sectors.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;
using Complex = std::complex<double>;
using Wide = std::complex<long double>;

/// What an entry is, summed term by term, and the sum of the moduli of what touches it.
struct Entry {
  Wide value;
  double scale = 0;
  int terms = 0;
  /// Every term is rounded when it is multiplied together, and once when it is added.
  double allowed() const { return (terms + 12) * std::numeric_limits<double>::epsilon() * scale; }
};

std::vector<std::vector<Entry>> exact_entries(const OpSum& op) {
  const DigitCode code(op.spaces());
  const auto n = static_cast<std::size_t>(op.dimension());
  std::vector<std::vector<Entry>> entries(n, std::vector<Entry>(n));
  for (const auto& term : op.product_terms())
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        Wide value(term.coefficient.real(), term.coefficient.imag());
        std::vector<const LocalMatrix*> matrices(op.spaces().size());
        for (const auto& [site, matrix] : term.factors)
          matrices[static_cast<std::size_t>(site)] = &matrix;
        for (int s = 0; s < op.sites() && value != Wide(0); ++s) {
          const int row = code.digit(i, s), col = code.digit(j, s);
          const LocalMatrix* m = matrices[static_cast<std::size_t>(s)];
          const Complex factor = m ? (*m)(row, col) : Complex(row == col);
          value *= Wide(factor.real(), factor.imag());
        }
        if (value == Wide(0)) continue;
        entries[i][j].value += value;
        entries[i][j].scale += static_cast<double>(std::abs(value));
        ++entries[i][j].terms;
      }
  return entries;
}

std::string wrong(const Entry& exact, Complex got) {
  const Wide off = exact.value - Wide(got.real(), got.imag());
  if (static_cast<double>(std::abs(off)) <= exact.allowed()) return "";
  return detail::concat("got ", got.real(), " ", got.imag(), "i, off by ",
                        static_cast<double>(std::abs(off)), " of terms of ", exact.scale);
}

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  OpSum operator_on_mixed_sites() {
    const std::vector<LocalSpace> kinds = {
        LocalSpace(),           LocalSpace::spin(2), LocalSpace::boson(3), LocalSpace::fermion(),
        LocalSpace::electron(), LocalSpace::tj(),    LocalSpace::plain(3), LocalSpace::spin(3)};
    std::vector<LocalSpace> spaces;
    for (int dim = 1; spaces.size() < 4;) {
      spaces.push_back(kinds[below(kinds.size())]);
      dim *= spaces.back().dim();
      if (dim > 100) {
        spaces.pop_back();
        break;
      }
    }
    OpSum op(spaces);
    LocalMatrix any(3);
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) any(i, j) = {uniform(-1, 1), uniform(-1, 1)};
    op.define("Any", any);
    const auto terms = 1 + below(16);
    for (std::size_t t = 0; t < terms; ++t) {
      std::vector<OpFactor> factors;
      const auto bodies = 1 + below(4);
      for (std::size_t b = 0; b < bodies; ++b) {
        const auto site = below(spaces.size());
        auto names = spaces[site].operator_names();
        if (spaces[site] == LocalSpace::plain(3)) names.push_back("Any");
        factors.push_back({names[below(names.size())], static_cast<int>(site)});
      }
      const double size = std::pow(10.0, uniform(-15, 15));
      op.add({size * uniform(-1, 1), below(2) == 0 ? size * uniform(-1, 1) : 0}, factors);
      // Now and then the same again, or what cancels it but for a small part.
      if (below(4) == 0) op.add(-op.terms().back().coefficient * uniform(0.5, 1.5), factors);
    }
    return op;
  }
  std::size_t below(std::size_t n) { return random_() % n; }

 private:
  double uniform(double a, double b) {
    return std::uniform_real_distribution<double>(a, b)(random_);
  }
  std::mt19937 random_;
};

TEST(ExactEntries, rows_products_and_measures_lose_nothing_to_terms_elsewhere) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    Generator random(seed);
    const OpSum op = random.operator_on_mixed_sites();
    const auto exact = exact_entries(op);
    const FullBasis basis(op.spaces());
    const index_t n = basis.size();
    const auto rows = build_rows<Complex>(op, basis, {0, n});
    for (index_t i = 0; i < n; ++i) {
      std::vector<Complex> row(static_cast<std::size_t>(n));
      const auto columns = rows.row_columns(i);
      for (std::size_t e = 0; e < columns.size(); ++e)
        row[static_cast<std::size_t>(columns[e])] = rows.row_values(i)[e];
      for (std::size_t j = 0; j < row.size(); ++j)
        ASSERT_EQ(wrong(exact[static_cast<std::size_t>(i)][j], row[j]), "")
            << "rows, seed " << seed << " entry " << i << " " << j << ": " << op.text();
    }
    const auto map = make_matrix_free<Complex>(
        world(), on_full_space(op),
        {.split = static_cast<int>(random.below(static_cast<std::size_t>(op.sites()) + 1))});
    Buffer<Complex> x(static_cast<std::size_t>(n)), y(static_cast<std::size_t>(n));
    for (std::size_t j = 0; j < static_cast<std::size_t>(n); ++j) {
      std::fill(x.span().begin(), x.span().end(), Complex());
      x.span()[j] = 1;
      map->apply(x.span(), y.span());
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
        ASSERT_EQ(wrong(exact[i][j], y.span()[i]), "")
            << "matrix-free, seed " << seed << " entry " << i << " " << j << ": " << op.text();
      std::vector<Complex> bra(static_cast<std::size_t>(n));
      const std::size_t i = random.below(bra.size());
      bra[i] = 1;
      const Complex got =
          matrix_element(StateView<Complex>(world(), basis, std::span<const Complex>(bra)), op,
                         StateView<Complex>(world(), basis, x));
      ASSERT_EQ(wrong(exact[i][j], got), "")
          << "matrix element, seed " << seed << " entry " << i << " " << j << ": " << op.text();
    }
  }
}

/// A penalty that no state of the sector feels, in a sector of symmetries and its observables.
TEST(ExactEntries, a_penalty_does_not_blur_symmetric_rows) {
  const Model penal = make_model(
      "hubbard", {.sites = 4, .cyclic = Cyclic::all, .params = {{"U", "1e10"}, {"mu", "0.1"}}});
  const Model free = make_model(
      "hubbard", {.sites = 4, .cyclic = Cyclic::all, .params = {{"U", "0"}, {"mu", "0.1"}}});
  for (const int momentum : {0, 2}) {
    const auto sector = parse_sector(penal.op.spaces(), penal.lattice,
                                     {"nup=1", "ndown=0", detail::concat("momentum=", momentum),
                                      momentum == 0 ? "reflection=1" : "reflection=-1"});
    const auto basis = make_basis(world(), sector);
    const RowRange all{0, basis->size()};

    EXPECT_EQ(build_rows<double>(penal.op, *basis, all), build_rows<double>(free.op, *basis, all));
    const std::vector<double> psi(static_cast<std::size_t>(basis->size()), 1.0);
    const StateView<double> state(world(), *basis, std::span<const double>(psi));
    EXPECT_EQ(expectation(state, penal.op), expectation(state, free.op));
  }
}

}  // namespace
}  // namespace kronsolve
