// op |psi> from sector to sector, against the operator as a matrix on the full space.

#include <cmath>
#include <map>

#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/solvers/operator_map.hpp>
#include <kronsolve/solvers/spectral_function.hpp>

#include "support/dense_map.hpp"
#include "support/measure_cases.hpp"

namespace kronsolve {
namespace {

using test::alone;
using test::DenseMatrix;
using test::world;
using Complex = std::complex<double>;
using Conditions = std::vector<std::string>;

constexpr double rounding = 1e-11;

/// Columns are the rows of the basis, written out in configurations.
DenseMatrix embedding(const Basis& basis) {
  DenseMatrix columns =
      DenseMatrix::Zero(static_cast<Eigen::Index>(FullBasis(basis.spaces()).size()), basis.size());
  std::vector<Component> components;
  for (index_t i = 0; i < basis.size(); ++i) {
    basis.orbit(i, components);
    for (const auto& [state, amplitude] : components)
      columns(static_cast<Eigen::Index>(state), i) += amplitude;
  }
  return columns;
}

struct SectorCase {
  std::string name;
  std::shared_ptr<const Basis> basis;  ///< on the ranks of the test
  DenseMatrix embedded;
};

template <Scalar T>
std::vector<SectorCase> sectors(const std::vector<LocalSpace>& spaces,
                                const std::vector<Conditions>& all) {
  std::vector<SectorCase> cases;
  for (const auto& conditions : all) {
    const auto sector = parse_sector(
        spaces, Lattice::chain(static_cast<int>(spaces.size()), Cyclic::all), conditions);
    const auto one = make_basis(alone(), sector);
    if (!is_complex<T> && one->scalar() == ScalarKind::complex) continue;
    std::string name;
    for (const auto& condition : conditions) name += condition + " ";
    cases.push_back({name, make_basis(world(), sector), embedding(*one)});
  }
  return cases;
}

/// A product of one to three operators; where the target has symmetries most are summed up so that
/// they lead there from a sector of the same group, if T allows.
template <Scalar T>
OpSum random_operator(const Basis& from, const Basis& to, std::mt19937& random) {
  OpSum op = test::random_operator(from.spaces(), random, 1);
  const SymmetryGroup *before = from.symmetries(), *after = to.symmetries();
  if (before != nullptr && after != nullptr && before->order() == after->order() &&
      random() % 4 != 0) {
    OpSum sum(op.spaces());
    for (const auto& g : after->elements()) {
      Complex factor = std::conj(after->phase_value(g.phase));
      for (const auto& same : before->elements())
        if (same.image == g.image && same.flip == g.flip) factor *= before->phase_value(same.phase);
      const OpSum moved = permuted(op, g.image);
      sum += factor * (g.flip == SpinFlip::yes ? spin_flipped(moved) : moved);
    }
    op = OpSum(sum.spaces());
    const OpSum merged = simplify(sum);
    for (const auto& [name, matrix] : merged.definitions()) op.define(name, matrix);
    for (const auto& term : merged.terms())  // without what is the rounding of zero
      if (std::abs(term.coefficient) > 1e-13) op.add(term.coefficient, term.factors);
  }
  if (is_complex<T>) return op;
  OpSum real(op.spaces());  // (op + op*) / 2, term by term
  for (const auto& [name, matrix] : op.definitions()) real.define(name, matrix);
  for (const auto& term : op.terms()) {
    OpSum one(op.spaces());
    for (const auto& [name, matrix] : op.definitions()) one.define(name, matrix);
    one.add(1, term.factors);
    const Complex unit = one.is_real() ? 1.0 : Complex(0, 1);
    real.add(term.coefficient.real() * unit, term.factors);
  }
  return real;
}

/// Every symmetry of `to` is one of `from`.
bool has_symmetries(const Basis& from, const Basis& to) {
  if (to.symmetries() == nullptr) return true;
  if (from.symmetries() == nullptr) return false;
  for (const auto& g : to.symmetries()->elements()) {
    bool found = false;
    for (const auto& same : from.symmetries()->elements())
      found = found || (same.image == g.image && same.flip == g.flip);
    if (!found) return false;
  }
  return true;
}

/// A configuration of v is moved to one with other charges, whether or not the sum of all such
/// moves vanishes.
bool leads_out(const OpSum& op, const Eigen::VectorXcd& v, const Basis& to) {
  const Basis& target = to.configurations();
  const DenseMatrix matrix = test::dense(op);
  for (Eigen::Index row = 0; row < v.size(); ++row)
    if (target.index(static_cast<state_t>(row)) < 0)
      for (Eigen::Index col = 0; col < v.size(); ++col)
        if (std::abs(v(col)) > 1e-14 && std::abs(matrix(row, col)) > 1e-12) return true;
  return false;
}

struct Count {
  int applied = 0, between = 0, refused = 0;
};

template <Scalar T>
Count expect_right(const std::vector<LocalSpace>& spaces, const std::vector<Conditions>& all) {
  Count count;
  std::mt19937 random(17);
  const auto cases = sectors<T>(spaces, all);
  for (const auto& from : cases) {
    const auto owned = test::random_on<T>(world(), *from.basis, 5);
    DistributedVectors<T> psi(from.basis->partition(world().size()), world().rank(), 1);
    std::copy(owned.span().begin(), owned.span().end(), psi.column(0).begin());
    const auto whole = psi.gather_to_all(world(), 0);
    const Eigen::VectorXcd wide =
        from.embedded * Eigen::Map<const test::Vector<T>>(whole.data(), from.basis->size())
                            .template cast<Complex>();
    for (const auto& to : cases)
      for (int trial = 0; trial < 4; ++trial) {
        const OpSum op = random_operator<T>(*from.basis, *to.basis, random);
        SCOPED_TRACE(detail::concat("from ", from.name, "to ", to.name, "by ", op.text()));
        const Eigen::VectorXcd moved = test::apply(op, wide);
        const Eigen::VectorXcd expected = to.embedded.adjoint() * moved;
        const double outside = (moved - to.embedded * expected).norm();
        const bool expect_refusal =
            outside > rounding * (1 + moved.norm()) || !has_symmetries(*from.basis, *to.basis);
        try {
          const auto got = apply_operator<T>(world(), op, *from.basis, psi.column(0), *to.basis);
          EXPECT_FALSE(expect_refusal) << "outside: " << outside;
          const RowRange mine = to.basis->partition(world().size()).range(world().rank());
          for (index_t i = mine.begin; i < mine.end; ++i)
            EXPECT_NEAR(std::abs(Complex(got.column(0)[static_cast<std::size_t>(i - mine.begin)]) -
                                 expected(i)),
                        0, rounding);
          ++count.applied;
          count.between += expected.norm() > 1e-3 && &from != &to;
        } catch (const InvalidArgument& error) {
          EXPECT_TRUE(expect_refusal || moved.norm() < rounding || leads_out(op, wide, *to.basis))
              << error.what();
          ++count.refused;
        }
      }
  }
  return count;
}

template <class T>
class ApplyOperator : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(ApplyOperator, Scalars);

TYPED_TEST(ApplyOperator, is_the_operator_of_the_full_space_in_and_between_sectors_of_spins) {
  const auto count = expect_right<TypeParam>(
      std::vector<LocalSpace>(6), {{},
                                   {"sz=0"},
                                   {"sz=1"},
                                   {"momentum=0"},
                                   {"momentum=3"},
                                   {"momentum=1"},
                                   {"sz=0", "momentum=1"},
                                   {"sz=0", "momentum=2"},
                                   {"sz=0", "momentum=0"},
                                   {"sz=1", "momentum=2"},
                                   {"sz=-1", "momentum=3"},
                                   {"sz=0", "momentum=3", "reflection=-1", "spinflip=-1"},
                                   {"sz=0", "momentum=0", "reflection=1", "spinflip=1"},
                                   {"reflection=-1"},
                                   {"spinflip=1"}});
  EXPECT_GT(count.between, 15);
  EXPECT_GT(count.refused, 50);
}

TYPED_TEST(ApplyOperator, is_right_for_larger_spins) {
  const auto count = expect_right<TypeParam>(std::vector<LocalSpace>(4, LocalSpace::spin(2)),
                                             {{"sz=0"},
                                              {"sz=1", "momentum=0"},
                                              {"sz=0", "momentum=2", "spinflip=1"},
                                              {"sz=0", "momentum=0", "spinflip=-1"},
                                              {"momentum=1"},
                                              {"momentum=3"}});
  EXPECT_GT(count.applied, 10);
}

TYPED_TEST(ApplyOperator, has_the_signs_of_fermions) {
  const auto spinless = expect_right<TypeParam>(std::vector<LocalSpace>(5, LocalSpace::fermion()),
                                                {{"n=2"},
                                                 {"n=3"},
                                                 {"n=2", "momentum=0"},
                                                 {"n=3", "momentum=0"},
                                                 {"n=3", "momentum=2"},
                                                 {"parity=0", "momentum=1"},
                                                 {"parity=1", "momentum=4"},
                                                 {"n=2", "reflection=-1"},
                                                 {"n=1", "reflection=1"}});
  const auto electrons = expect_right<TypeParam>(std::vector<LocalSpace>(3, LocalSpace::electron()),
                                                 {{"nup=2", "ndown=1"},
                                                  {"nup=1", "ndown=1", "momentum=0"},
                                                  {"nup=2", "ndown=1", "momentum=1"},
                                                  {"nup=1", "ndown=1", "momentum=2"},
                                                  {"nup=1", "ndown=1", "spinflip=1"},
                                                  {"n=2", "momentum=0", "spinflip=-1"},
                                                  {"n=4", "momentum=0", "spinflip=1"}});
  EXPECT_GT(spinless.between, 2);
  EXPECT_GT(electrons.applied, 5);
}

TYPED_TEST(ApplyOperator, is_right_where_electrons_and_spinless_fermions_share_the_sites) {
  const std::vector<LocalSpace> spaces = {LocalSpace::electron(), LocalSpace::fermion(),
                                          LocalSpace::electron(), LocalSpace::fermion()};
  const auto count = expect_right<TypeParam>(spaces, {{"n=2"},
                                                      {"n=3", "permutation=2,3,0,1"},
                                                      {"n=3", "permutation=2,3,0,1:1/2"},
                                                      {"n=2", "permutation=2,3,0,1:1/2"},
                                                      {"n=2", "spinflip=1"},
                                                      {"n=2", "spinflip=-1"}});
  EXPECT_GT(count.applied, 10);
}

TEST(ApplyOperatorErrors, what_leaves_the_sector_is_refused_with_the_reason) {
  const Model ring = make_model("heisenberg", {.sites = 6, .cyclic = Cyclic::all});
  const auto& spaces = ring.op.spaces();
  const auto basis = [&](const Conditions& conditions) {
    return make_basis(world(), parse_sector(spaces, ring.lattice, conditions));
  };
  const auto zero = basis({"sz=0", "momentum=0"}), one = basis({"sz=0", "momentum=3"}),
             plain = basis({"sz=0"});
  const auto psi = test::random_on<double>(world(), *zero, 1);
  const auto apply = [&](const OpSum& op, const Basis& to) {
    return apply_operator<double>(world(), op, *zero, psi.span(), to);
  };
  OpSum here(spaces), raise(spaces), staggered(spaces);
  here.add(1, {{"Sz", 0}});
  for (int i = 0; i < 6; ++i) {
    raise.add(1, {{"S+", i}});
    staggered.add(i % 2 == 0 ? 1 : -1, {{"Sz", i}});
  }

  EXPECT_ERROR((void)apply(here, *zero), InvalidArgument, "momentum=0 by the term 1 Sz_");
  EXPECT_ERROR((void)apply(staggered, *zero), InvalidArgument, "momentum=0 by the term");
  EXPECT_ERROR((void)apply(ring.op, *one), InvalidArgument, "momentum=3");
  EXPECT_ERROR((void)apply(raise, *zero), InvalidArgument, "not in the target sector");
  EXPECT_ERROR((void)apply(here, *basis({"sz=0", "reflection=1"})), InvalidArgument,
               "without this symmetry");
  EXPECT_ERROR((void)apply(ring.op, *basis({"momentum=1"})), InvalidArgument, "complex");
  const auto moved = apply(staggered, *one);
  EXPECT_EQ(moved.partition().rows(), one->size());
  EXPECT_EQ(apply(here, *plain).partition().rows(), plain->size());
}

/// All states of the full space, found once for each model.
const Eigen::SelfAdjointEigenSolver<DenseMatrix>& states_of(const Model& model) {
  static std::map<std::string, Eigen::SelfAdjointEigenSolver<DenseMatrix>> known;
  const auto [at, fresh] = known.try_emplace(model.name);
  if (fresh) at->second.compute(test::dense(model.op));
  return at->second;
}

/// <phi|(z - H)^-1|phi> with phi = op |lowest state of `from`>, from all states of the full space,
/// and from the sector that op leads to.
/// @return weight of the sector's poles
template <Scalar T>
double expect_lehmann(const Model& model, const OpSum& op, const Conditions& from,
                      const Conditions& to) {
  SCOPED_TRACE(detail::concat(from.back(), " to ", to.back()));
  const auto sector = [&](const Comm& comm, const Conditions& conditions) {
    return in_sector(comm, model.op, parse_sector(model.op.spaces(), model.lattice, conditions));
  };
  const auto start = sector(world(), from), target = sector(world(), to);
  const test::SpectralOracle<T> low(test::matrix_of<T>(model.op, *sector(alone(), from).basis));
  const test::Vector<T> ground = low.vectors().col(0);
  const auto psi =
      test::owned<T>(ground, start.basis->partition(world().size()).range(world().rank()));

  const auto phi = apply_operator<T>(world(), op, *start.basis, psi, *target.basis);
  const auto h = make_operator_map<T>(world(), target);
  const auto spectrum = spectral_function<T>(*h, phi.column(0));

  const Eigen::VectorXcd wide =
      test::apply(op, embedding(*sector(alone(), from).basis) * ground.template cast<Complex>());
  const auto& all = states_of(model);
  const Eigen::VectorXd weights = (all.eigenvectors().adjoint() * wide).cwiseAbs2();
  for (const Complex z : {Complex(-2, 0.05), Complex(0.3, 0.02), Complex(1, 0.5), Complex(9, 0)}) {
    Complex exact = 0;
    for (Eigen::Index n = 0; n < weights.size(); ++n)
      exact += weights(n) / (z - all.eigenvalues()(n));
    EXPECT_LE(std::abs(spectrum.green(z) - exact), 1e-9 * (1 + std::abs(exact)));
  }
  // Each level that phi has is one pole, with all its weight.
  std::size_t poles = 0;
  for (Eigen::Index n = 0, next = 0; n < weights.size(); n = next) {
    double level = 0;
    for (next = n; next < weights.size() && all.eigenvalues()(next) - all.eigenvalues()(n) < 1e-8;)
      level += weights(next++);
    if (level < 1e-20) continue;
    ++poles;
    for (std::size_t j = 0; j < spectrum.poles.size(); ++j)
      if (std::abs(spectrum.poles[j] - all.eigenvalues()(n)) < 1e-8) {
        EXPECT_NEAR(spectrum.weights[j], level, 1e-9);
      }
  }
  if (spectrum.norm_squared > 1e-20) {
    EXPECT_EQ(spectrum.poles.size(), poles);
  }
  for (int power = 0; power < 4; ++power) {
    const double exact = (weights.array() * all.eigenvalues().array().pow(power)).sum();
    EXPECT_NEAR(spectrum.moment(power), exact, 1e-10 * (1 + std::abs(exact)));
  }
  return spectrum.moment(0);
}

TEST(SpectraOfSectors, structure_factor_of_the_ring_from_momentum_to_momentum) {
  constexpr int sites = 8;
  const Model ring = make_model("heisenberg", {.sites = sites, .cyclic = Cyclic::all});
  double total = 0;
  for (int q = 0; q < sites; ++q) {
    OpSum op(ring.op.spaces());
    for (int i = 0; i < sites; ++i)
      op.add(std::polar(1 / std::sqrt(double(sites)), 2 * M_PI * q * i / sites), {{"Sz", i}});
    total += expect_lehmann<Complex>(ring, op, {"sz=0", "momentum=0"},
                                     {"sz=0", "momentum=" + std::to_string(q)});
  }
  EXPECT_NEAR(total, sites * 0.25, 1e-10) << "sum over q of <Sz_-q Sz_q> = sites <Sz Sz>";
}

TEST(SpectraOfSectors, staggered_magnetisation_changes_every_parity) {
  const Model ring = make_model("heisenberg", {.sites = 8, .cyclic = Cyclic::all});
  OpSum op(ring.op.spaces());
  for (int i = 0; i < 8; ++i) op.add(i % 2 == 0 ? 1 : -1, {{"Sz", i}});
  (void)expect_lehmann<double>(ring, op, {"sz=0", "momentum=0", "reflection=1", "spinflip=1"},
                               {"sz=0", "momentum=4", "reflection=-1", "spinflip=-1"});
}

TEST(SpectraOfSectors, removal_of_an_electron_with_momentum_k) {
  constexpr int sites = 4;
  const Model ring = make_model("hubbard", {.sites = sites, .cyclic = Cyclic::all});
  double total = 0;
  for (int k = 0; k < sites; ++k) {
    OpSum op(ring.op.spaces());  // sum_j exp(-ikj) c_j takes momentum k away
    for (int j = 0; j < sites; ++j)
      op.add(std::polar(0.5, -2 * M_PI * k * j / sites), {{"Cup-", j}});
    total += expect_lehmann<Complex>(
        ring, op, {"nup=2", "ndown=1", "momentum=1"},
        {"nup=1", "ndown=1", "momentum=" + std::to_string((1 - k + sites) % sites)});
  }
  EXPECT_NEAR(total, 2, 1e-10) << "number of up electrons";
}

TEST(SpectraOfSectors, a_small_sector_has_its_true_poles_whatever_the_steps) {
  // 24 states or fewer, 200 steps asked for: the space is exhausted long before.
  const Model ring = make_model("heisenberg", {.sites = 8, .cyclic = Cyclic::all});
  OpSum op(ring.op.spaces());
  for (int i = 0; i < 8; ++i) op.add(1, {{"S+", i}, {"S-", (i + 2) % 8}});
  const auto basis =
      make_basis(alone(), parse_sector(ring.op.spaces(), ring.lattice, {"sz=0", "momentum=0"}));
  EXPECT_LT(basis->size(), 24);
  (void)expect_lehmann<double>(ring, op, {"sz=0", "momentum=0"}, {"sz=0", "momentum=0"});
}

}  // namespace
}  // namespace kronsolve
