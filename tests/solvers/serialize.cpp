// What travels comes back equal: operators, bases, states, options and results.

#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/portable_operator.hpp>
#include <kronsolve/operators/serialize.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>
#include <kronsolve/solvers/operator_map.hpp>
#include <kronsolve/solvers/serialize.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using test::world;

template <class T>
T there_and_back(const T& value, const Comm* together = nullptr) {
  Message message;
  pack(message, value);
  MessageReader reader(message);
  reader.comm = together;
  T back = unpack<T>(reader);
  EXPECT_TRUE(reader.at_end());
  return back;
}

Model ring(int sites) { return make_model("heisenberg", {.sites = sites, .cyclic = Cyclic::all}); }

template <Scalar T>
void expect_equal(const DistributedVectors<T>& a, const DistributedVectors<T>& b) {
  EXPECT_EQ(a.partition(), b.partition());
  EXPECT_EQ(a.rank(), b.rank());
  ASSERT_EQ(a.count(), b.count());
  for (index_t j = 0; j < a.count(); ++j)
    EXPECT_TRUE(std::ranges::equal(a.column(j), b.column(j))) << "vector " << j;
}

TEST(Travel, operator_sums_keep_terms_and_definitions) {
  OpSum op({LocalSpace::parse("spin-1"), LocalSpace::electron(), LocalSpace::boson(3)});
  op.define("Q", LocalMatrix(3, {1, Complex(0, 2), 0, Complex(0, -2), 4, 5, 0, 5, 6}));
  op.add(Complex(1, 2), {{"Q", 0}, {"N", 2}});
  op.add(0.5, {{"Cup+", 1}, {"Cup-", 1}});

  const OpSum back = there_and_back(op);

  EXPECT_EQ(back.spaces(), op.spaces());
  EXPECT_EQ(back.canonical_form(), op.canonical_form());
  ASSERT_EQ(back.terms().size(), 2u);
  EXPECT_EQ(back.terms()[0].coefficient, Complex(1, 2));
  EXPECT_EQ(back.terms()[0].factors[0].op, "Q");
  EXPECT_EQ(back.definitions().at("Q")(1, 0), Complex(0, -2));
}

TEST(Travel, bases_are_made_again_from_their_conditions) {
  const Comm serial;
  const Model model = ring(10);
  for (const auto& conditions : std::vector<std::vector<std::string>>{
           {}, {"sz=1"}, {"parity=1"}, {"momentum=3", "sz=0"}, {"spinflip=-1", "reflection=1"}}) {
    const Sector sector = parse_sector(model.op.spaces(), model.lattice, conditions);
    const auto basis = make_basis(serial, sector);
    const SectorOperator h{model.op, basis};

    const Sector same = there_and_back(sector);
    const auto back = there_and_back(basis);
    const auto op = there_and_back(h);
    const auto portable = there_and_back(PortableOperator(h));

    EXPECT_EQ(same.conditions, sector.conditions);
    EXPECT_EQ(sector_size(same), basis->size());
    EXPECT_EQ(typeid(*back), typeid(*basis));
    EXPECT_EQ(back->sector(), basis->sector());
    ASSERT_EQ(back->size(), basis->size());
    for (index_t i = 0; i < basis->size(); ++i) EXPECT_EQ(back->state(i), basis->state(i));
    EXPECT_EQ(op.basis->size(), basis->size());
    EXPECT_EQ(portable.rows(), basis->size());
    EXPECT_EQ(portable.basis(serial)->sector(), basis->sector());
  }
  EXPECT_EQ(there_and_back(std::shared_ptr<const Basis>{}), nullptr);
}

TEST(Travel, symmetric_bases_are_spread_over_the_ranks_that_read_them_together) {
  const Comm serial;
  const Model model = ring(12);
  const auto basis =
      make_basis(serial, parse_sector(model.op.spaces(), model.lattice, {"sz=0", "momentum=0"}));
  Message message;
  pack(message, basis);

  const auto back = there_and_back(basis, &world());

  const auto& orbits = *back->orbits();
  EXPECT_EQ(world().all_reduce(orbits.row_range().size()), basis->size());
  for (index_t i = orbits.row_range().begin; i < orbits.row_range().end; ++i)
    EXPECT_EQ(orbits.state(i), basis->state(i));
  // The list would be more than 8 bytes a state.
  EXPECT_LT(message.bytes(), 4096);
}

TEST(Travel, a_basis_of_a_users_own_is_refused) {
  class Own final : public Basis {
   public:
    Own() : Basis(std::vector<LocalSpace>(2)) {}
    index_t size() const override { return 1; }
    state_t state(index_t) const override { return 0; }
    index_t index(state_t) const override { return 0; }
    std::vector<std::string> sector() const override { return {}; }
  };
  EXPECT_ERROR(there_and_back(std::shared_ptr<const Basis>(std::make_shared<const Own>())),
               NotSupported, "none of the library's");
}

TEST(Travel, states_keep_their_descriptions) {
  const Comm serial;
  const std::vector<LocalSpace> spaces(6);
  const FullBasis basis(spaces);
  for (const char* text : {"neel", "w", "plus", "singlets", "random", "01+-ud"}) {
    const auto state = parse_state(text, spaces, 5);

    const auto back = there_and_back(state);

    const auto a = make_state<Complex>(serial, basis, state),
               b = make_state<Complex>(serial, basis, back);
    EXPECT_TRUE(std::ranges::equal(a.span(), b.span())) << text;
    EXPECT_EQ(back.name, state.name);
  }
}

TEST(Travel, rows_of_the_user_can_be_scaled_and_added_before) {
  const PortableLazy<double> rows(3, 3, [](RowRange range) {
    MatrixEntries<double> entries;
    for (index_t i = range.begin; i < range.end; ++i) {
      entries.add(i, 2 - i, 1.0);
      entries.add(i, i, double(i));
    }
    return entries.csr_rows(range, 3);
  });

  const auto back = there_and_back(2.0 * rows + rows);

  EXPECT_EQ(back.lazy().build({0, 3}), 3.0 * rows.lazy().build({0, 3}));
}

TEST(Travel, rows_of_the_user_keep_shape_and_values) {
  const PortableLazy<Complex> rows(4, 7, [](RowRange range) {
    CsrRows<Complex> r;
    r.range = range;
    r.cols = 7;
    for (index_t i = range.begin; i < range.end; ++i) {
      r.columns.push_back(i + 2);
      r.values.push_back(Complex(double(i), 1));
      r.offsets.push_back(r.offsets.back() + 1);
    }
    return r;
  });

  const auto back = there_and_back(rows);
  const auto portable = there_and_back(PortableOperator(rows));

  EXPECT_EQ(back.rows(), 4);
  EXPECT_EQ(back.cols(), 7);
  EXPECT_EQ(back.lazy().build({1, 4}).values, rows.lazy().build({1, 4}).values);
  EXPECT_EQ(portable.cols(), 7);
  EXPECT_EQ(portable.sum(), nullptr);
}

TEST(Travel, options_come_back_and_callbacks_are_refused) {
  EighOptions e{.k = 3,
                .which = Which::TR,
                .sigma = 0.25,
                .tol = 1e-7,
                .max_iterations = 9,
                .ncv = 11,
                .seed = 13,
                .start = std::vector<Complex>{{1, 2}},
                .method = Method::slepc,
                .form = OperatorForm::assembled,
                .vectors = Eigenvectors::skip,
                .certify = false,
                .petsc_options = "-eps_view"};
  const auto f = there_and_back(e);
  EXPECT_EQ(std::tie(f.k, f.which, f.sigma, f.tol, f.max_iterations, f.ncv, f.seed, f.start),
            std::tie(e.k, e.which, e.sigma, e.tol, e.max_iterations, e.ncv, e.seed, e.start));
  EXPECT_EQ(std::tie(f.method, f.form, f.vectors, f.certify, f.petsc_options),
            std::tie(e.method, e.form, e.vectors, e.certify, e.petsc_options));
  e.progress = [](const Progress&) {};
  EXPECT_ERROR(there_and_back(e), NotSupported, "progress");

  const SvdsOptions s{.k = 2,
                      .which = SingularEnd::smallest,
                      .tol = 1e-6,
                      .max_iterations = 3,
                      .ncv = 8,
                      .seed = 4,
                      .method = SvdMethod::cross,
                      .vectors = SingularVectors::skip,
                      .certify = Certification::off};
  const auto t = there_and_back(s);
  EXPECT_EQ(std::tie(t.k, t.which, t.tol, t.max_iterations, t.ncv, t.seed, t.method, t.vectors,
                     t.certify),
            std::tie(s.k, s.which, s.tol, s.max_iterations, s.ncv, s.seed, s.method, s.vectors,
                     s.certify));

  const ExpmOptions x{
      .tol = 1e-5, .bounds = SpectralBounds{-1, 2, 3}, .max_products = 7, .seed = 8};
  const auto y = there_and_back(x);
  EXPECT_EQ(std::tie(y.tol, y.max_products, y.seed), std::tie(x.tol, x.max_products, x.seed));
  EXPECT_EQ(y.bounds->upper, 2);

  const EvolutionOptions v{.method = EvolutionMethod::integrate,
                           .axis = TimeAxis::imaginary,
                           .start = 0.5,
                           .tol = 1e-4,
                           .bounds = {},
                           .max_products = 99};
  const auto w = there_and_back(v);
  EXPECT_EQ(std::tie(w.method, w.axis, w.start, w.tol, w.max_products),
            std::tie(v.method, v.axis, v.start, v.tol, v.max_products));
  EXPECT_FALSE(w.bounds.has_value());
}

TEST(Travel, results_come_back_with_the_senders_rows) {
  const Model model = ring(8);
  const auto h = on_full_space(model.op);
  const auto found = eigh(world(), h, {.k = 2});
  const auto back = there_and_back(found);
  EXPECT_EQ(
      std::tie(back.eigenvalues, back.residuals, back.converged, back.products, back.certified,
               back.certificate, back.certify_products, back.dimension, back.reason, back.method,
               back.form, back.scalar, back.memory_estimate_bytes),
      std::tie(found.eigenvalues, found.residuals, found.converged, found.products, found.certified,
               found.certificate, found.certify_products, found.dimension, found.reason,
               found.method, found.form, found.scalar, found.memory_estimate_bytes));
  expect_equal(back.vectors_as<double>(), found.vectors_as<double>());

  const auto triplets =
      svds(*make_operator_map<double>(world(), h, OperatorForm::assembled), {.k = 2});
  const auto same = there_and_back(triplets);
  EXPECT_EQ(std::tie(same.singular_values, same.residuals, same.converged_flags, same.rows,
                     same.certificate, same.method),
            std::tie(triplets.singular_values, triplets.residuals, triplets.converged_flags,
                     triplets.rows, triplets.certificate, triplets.method));
  expect_equal(same.left, triplets.left);
  expect_equal(same.right, triplets.right);

  auto start = there_and_back(triplets.left);
  start.keep(std::vector<index_t>{0});
  const auto evolved = evolve(world(), h, EvolutionState(std::move(start)), std::vector{0.0, 0.5});
  const auto moved = there_and_back(evolved);
  EXPECT_EQ(std::tie(moved.times, moved.energies, moved.norms, moved.errors, moved.converged,
                     moved.reason, moved.method),
            std::tie(evolved.times, evolved.energies, evolved.norms, evolved.errors,
                     evolved.converged, evolved.reason, evolved.method));
  expect_equal(std::get<DistributedVectors<Complex>>(moved.state),
               std::get<DistributedVectors<Complex>>(evolved.state));
}

}  // namespace
}  // namespace kronsolve
