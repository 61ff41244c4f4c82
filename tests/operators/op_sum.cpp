#include <cmath>

#include <kronsolve/operators/op_sum.hpp>

#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::dense;
using test::max_difference;
using Complex = std::complex<double>;

TEST(OpSum, canonical_form_merges_equal_operators_written_differently) {
  OpSum flips(2), axes(2);
  flips.add(0.5, {{"S+", 0}, {"S-", 1}}).add(0.5, {{"S-", 0}, {"S+", 1}});
  axes.add(1, {{"Sx", 0}, {"Sx", 1}}).add(1, {{"Sy", 1}, {"Sy", 0}});

  EXPECT_TRUE(equal(flips, axes));
  EXPECT_TRUE((flips - axes).canonical_terms().empty());
  EXPECT_TRUE(axes.is_real());
  EXPECT_TRUE(axes.is_hermitian());
}

TEST(OpSum, names_the_term_that_is_not_hermitian) {
  OpSum h(3);
  h.add(1, {{"Sz", 0}, {"Sz", 1}}).add(0.25, {{"S+", 2}});

  ASSERT_TRUE(h.non_hermitian_part().has_value());
  EXPECT_EQ(*h.non_hermitian_part(), "0.25 S+_2");
  h.add(0.25, {{"S-", 2}});
  EXPECT_TRUE(h.is_hermitian());
}

TEST(OpSum, adjoint_product_and_sum_agree_with_matrices) {
  OpSum a(3, LocalSpace::spin(2)), b(3, LocalSpace::spin(2));
  a.add({0.3, 0.7}, {{"S+", 0}, {"Sy", 2}}).add(2, {{"Sz", 1}}).add({0, 1}, {});
  b.add({1, -0.5}, {{"Sx", 0}, {"S-", 0}}).add(-1, {{"P1", 2}, {"Sz", 1}});

  EXPECT_LT(max_difference(dense(a * b), dense(a) * dense(b)), 1e-14);
  EXPECT_LT(max_difference(dense(a.adjoint()), dense(a).adjoint()), 1e-14);
  EXPECT_LT(max_difference(dense(a - Complex(0, 2) * b), dense(a) - Complex(0, 2) * dense(b)),
            1e-14);
}

TEST(OpSum, fermions_anticommute) {
  for (const LocalSpace space : {LocalSpace::fermion(), LocalSpace::electron()}) {
    const std::vector<std::string> modes = space.kind() == LocalSpace::Kind::fermion
                                               ? std::vector<std::string>{"C"}
                                               : std::vector<std::string>{"Cup", "Cdn"};
    for (const auto& m : modes)
      for (const auto& n : modes)
        for (int i = 0; i < 3; ++i)
          for (int j = 0; j < 3; ++j) {
            OpSum both(3, space);
            both.add(1, {{m + "+", i}, {n + "-", j}}).add(1, {{n + "-", j}, {m + "+", i}});
            OpSum expected(3, space);
            if (m == n && i == j) expected.add(1, {});

            EXPECT_TRUE(equal(both, expected)) << m << i << " " << n << j;
          }
  }
}

TEST(OpSum, electron_spin_flip_is_the_product_of_its_fermions) {
  OpSum spin(3, LocalSpace::electron()), fermions(3, LocalSpace::electron());
  spin.add(1, {{"S+", 1}}).add(2, {{"S+", 0}, {"S-", 2}});
  fermions.add(1, {{"Cup+", 1}, {"Cdn-", 1}})
      .add(2, {{"Cup+", 0}, {"Cdn-", 0}, {"Cdn+", 2}, {"Cup-", 2}});

  EXPECT_TRUE(equal(spin, fermions));
}

TEST(OpSum, site_elements_rebuild_every_matrix) {
  for (int dim = 2; dim <= 6; ++dim) {
    std::vector<Complex> values;
    for (int i = 0; i < dim * dim; ++i) values.emplace_back(std::sin(1.0 + i), std::cos(2.0 * i));
    OpSum h(1, LocalSpace::plain(dim));
    h.define("M", LocalMatrix(dim, values)).add(1, {{"M", 0}});

    LocalMatrix sum(dim);
    for (const auto& term : h.canonical_terms())
      sum = sum + term.coefficient *
                      site_element(dim, term.factors.empty() ? 0 : term.factors[0].element);

    for (int i = 0; i < dim; ++i)
      for (int j = 0; j < dim; ++j)
        EXPECT_LT(std::abs(sum(i, j) - values[static_cast<std::size_t>(i * dim + j)]), 1e-14);
  }
}

TEST(OpSum, bad_input_is_refused_by_name) {
  OpSum h(2);

  EXPECT_ERROR(OpSum(0), InvalidArgument, "at least 1");
  EXPECT_ERROR(h.add(1, {{"Q", 0}}), InvalidArgument, "unknown operator 'Q'");
  EXPECT_ERROR(h.add(1, {{"Sz", 2}}), InvalidArgument, "[0, 1], got 2");
  EXPECT_ERROR(h.add(std::nan(""), {{"Sz", 0}}), InvalidArgument, "NaN");
  EXPECT_ERROR(h += OpSum(3), DimensionError, "different sites");
  EXPECT_ERROR((void)OpSum(64).dimension(), InvalidArgument, "64 bits");
}

TEST(LocalSpace, text_reads_back) {
  for (const char* text :
       {"spin-1/2", "spin-1", "spin-5/2", "boson:4", "fermion", "electron", "dim:3"})
    EXPECT_EQ(LocalSpace::parse(text).name(), text);
  EXPECT_ERROR((void)LocalSpace::parse("spin-2/2"), InvalidArgument, "spin-2/2");
}

}  // namespace
}  // namespace kronsolve
