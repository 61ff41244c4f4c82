// The product in symmetry sectors without stored rows, and the rows: random operators that have the
// symmetries, between the states that the rows stand for, on any number of ranks.

#include <random>

#include <Eigen/SparseCore>

#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "support/expect_product.hpp"
#include "support/instruction_sets.hpp"
#include "support/orbit_sectors.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using test::world;

/// Random terms that keep the charges, each with all its images under the group.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  OpSum any(const Sector& sector, const SymmetryGroup& group, bool complex) {
    OpSum op(sector.spaces);
    const int wanted = 1 + below(4);
    for (int tries = 0, added = 0; added < wanted && tries < 40; ++tries) {
      OpSum term(sector.spaces);
      term.add(complex ? Complex(number(), number()) : number(), factors(sector.spaces));
      if (std::any_of(sector.charges.begin(), sector.charges.end(),
                      [&](const Charge& c) { return breaks(term, c.text()).has_value(); }))
        continue;
      for (const auto& element : group.elements())
        op += permuted(element.flip == SpinFlip::yes ? spin_flipped(term) : term, element.image);
      ++added;
    }
    return simplify(op);
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  double number() { return std::uniform_real_distribution<double>(-1, 1)(random_); }

  std::string ladder(const LocalSpace& space, char way) {
    if (space.has_electrons()) return std::string(below(2) == 0 ? "Cup" : "Cdn") + way;
    if (space.is_fermionic()) return std::string("C") + way;
    return std::string(space.kind() == LocalSpace::Kind::spin ? "S" : "B") + way;
  }
  std::vector<OpFactor> factors(const std::vector<LocalSpace>& spaces) {
    const auto site = [&] { return below(static_cast<int>(spaces.size())); };
    const auto space = [&](int s) { return spaces[static_cast<std::size_t>(s)]; };
    const auto projector = [&](int s) {
      return OpFactor{detail::concat("P", below(space(s).dim())), s};
    };
    const int i = site(), j = site();
    std::vector<OpFactor> list;
    if (below(4) != 0 && space(i).is_fermionic() == space(j).is_fermionic())
      list = {{ladder(space(i), '+'), i}, {ladder(space(j), '-'), j}};
    else
      list = {projector(i), projector(j)};
    if (below(3) == 0) list.push_back(projector(site()));
    return list;
  }

  std::mt19937 random_;
};

using SparseMatrix = Eigen::SparseMatrix<Complex>;
using Triplets = std::vector<Eigen::Triplet<Complex>>;

SparseMatrix sparse(index_t rows, index_t cols, const Triplets& entries) {
  SparseMatrix matrix(rows, cols);
  matrix.setFromTriplets(entries.begin(), entries.end());  // adds up
  return matrix;
}

template <Scalar T>
Triplets triplets(const CsrRows<T>& rows) {
  Triplets entries;
  for (index_t i = rows.range.begin; i < rows.range.end; ++i)
    for (std::size_t e = 0; e < rows.row_columns(i).size(); ++e)
      entries.emplace_back(i, rows.row_columns(i)[e], rows.row_values(i)[e]);
  return entries;
}

/// The owned rows, made of the operator between plain configurations and of the states that rows
/// stand for, which every rank computes for its own.
SparseMatrix expected_rows(const OpSum& op, const Basis& basis, RowRange mine) {
  const Basis& all = basis.configurations();
  Triplets own;
  std::vector<Component> components;
  for (index_t row = mine.begin; row < mine.end; ++row) {
    basis.orbit(row, components);
    for (const auto& part : components)
      own.emplace_back(all.index(part.state), row, part.amplitude);
  }
  // All states of the sector, from what `locate` says of every configuration.
  std::vector<index_t> rows(static_cast<std::size_t>(all.size()), 0);
  std::vector<Complex> amplitudes(rows.size());
  for (index_t i = 0; i < all.size(); ++i) {
    const Location at = basis.locate(all.state(i));
    const auto e = static_cast<std::size_t>(i);
    if (at.amplitude == 0.0 ||
        basis.owner(at.key, basis.partition(world().size())) != world().rank())
      continue;
    rows[e] = basis.row(at.key);
    amplitudes[e] = std::conj(at.amplitude);
  }
  world().all_reduce(std::span(rows));
  world().all_reduce(std::span(amplitudes));
  Triplets states;
  for (index_t i = 0; i < all.size(); ++i)
    states.emplace_back(i, rows[static_cast<std::size_t>(i)],
                        amplitudes[static_cast<std::size_t>(i)]);
  const auto plain = build_rows<Complex>(op, all, {0, all.size()});
  return sparse(all.size(), basis.size(), own).adjoint() *
         (sparse(all.size(), all.size(), triplets(plain)) *
          sparse(all.size(), basis.size(), states));
}

template <Scalar T>
void expect_rows(const OpSum& op, const Basis& basis) {
  const RowRange mine = basis.partition(world().size()).range(world().rank());
  const auto rows = build_rows<T>(op, basis, mine);
  require_valid(rows, "rows of orbits");
  const SparseMatrix difference =
      sparse(basis.size(), basis.size(), triplets(rows)) - expected_rows(op, basis, mine);
  double largest = 0;
  for (index_t k = 0; k < difference.nonZeros(); ++k)
    largest = std::max(largest, std::abs(difference.valuePtr()[k]));
  EXPECT_LT(largest, 1e-11);
  EXPECT_EQ(world().all_reduce(count_entries(op, basis, mine)), world().all_reduce(rows.entries()));
}

TEST(OrbitProduct, of_random_operators_in_sectors_of_every_kind) {
  for (const char* set : test::instruction_sets) {
    if (!test::machine_has(set)) continue;
    const test::InstructionSet use(set);
    unsigned seed = 0;
    for (const auto& sector : test::sectors_of_every_kind()) {
      const auto basis = make_basis(world(), sector);
      if (basis->paths() != nullptr) continue;  // the blocks of the spin flip
      const SymmetryGroup group(sector.spaces, sector.generators);
      for (const bool complex : {false, true}) {
        const SectorOperator h{Generator(++seed).any(sector, group, complex), basis};
        std::string text;
        for (const auto& condition : sector.conditions) text += " " + condition;
        SCOPED_TRACE(detail::concat("seed ", seed, ", ", set, ",", text, ": ", h.op.text()));
        visit_scalar(h.scalar(), [&]<Scalar T>() {
          expect_rows<T>(h.op, *basis);
          test::expect_product<T>(h, *make_matrix_free<T>(world(), h), Placement::process);
        });
      }
    }
  }
}

TEST(OrbitProduct, bad_input_is_refused_by_name) {
  const auto sector = parse_sector(test::sites(6), test::ring(6), {"sz=0", "momentum=1"});
  const auto basis = make_basis(world(), sector);
  OpSum field(6), flips(6);
  for (int i = 0; i < 6; ++i) flips.add(1.0, {{"Sx", i}});
  field.add(0.5, {{"Sz", 2}});
  const auto make = [&](const OpSum& op) { (void)make_matrix_free<Complex>(world(), {op, basis}); };
  EXPECT_ERROR(make(flips), InvalidArgument, "changes sz");
  EXPECT_ERROR(make(field), InvalidArgument, "momentum");
  EXPECT_ERROR((void)make_matrix_free<double>(world(), {OpSum(6), basis}), InvalidArgument,
               "not real");
  EXPECT_ERROR(make(OpSum(4)), DimensionError, "sites");
}

}  // namespace
}  // namespace kronsolve
