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
  const OpSum nothing = flips - axes;
  EXPECT_TRUE(nothing.canonical_form().terms.empty());
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
    const CanonicalForm& form = h.canonical_form();
    for (const auto& term : form.terms)
      sum = sum + term.coefficient * (term.factors.empty() ? LocalMatrix::identity(dim)
                                                           : form[term.factors[0]].matrix());

    EXPECT_EQ(sum, LocalMatrix(dim, values));  // exactly: no entry is a sum of several
  }
}

TEST(OpSum, a_large_term_takes_nothing_from_a_small_one) {
  OpSum h(2);
  h.add(1e15, {{"Sz", 0}, {"Sz", 1}}).add(1e-15, {{"Sz", 0}}).add(1e-3, {{"Sx", 1}});

  const CanonicalForm& form = h.canonical_form();

  ASSERT_EQ(form.terms.size(), 4u);  // Sx is two
  double smallest = 1;
  for (const auto& term : form.terms) smallest = std::min(smallest, std::abs(term.coefficient));
  EXPECT_EQ(smallest, 0.5e-15);
  EXPECT_FALSE(equal(h, h + OpSum(2).add(1e-16, {{"Sz", 0}})));
  EXPECT_TRUE(equal(h, h + OpSum(2).add(1e-31, {{"Sz", 0}})));
}

TEST(OpSum, projectors_do_not_touch_what_they_leave_out) {
  OpSum h(1, LocalSpace::electron());
  h.add(1e15, {{"Nup", 0}, {"Ndn", 0}}).add(-0.1, {{"N", 0}});

  const CanonicalForm& form = h.canonical_form();

  double one_particle = 0;
  for (const auto& term : form.terms)
    one_particle += term.coefficient.real() * form[term.factors[0]].values[1];
  EXPECT_EQ(one_particle, -0.1);
}

TEST(OpSum, sums_that_cancel_are_zero_and_no_others) {
  OpSum h(2);
  h.add(0.1, {{"Sz", 0}}).add(0.2, {{"Sz", 0}}).add(-0.3, {{"Sz", 0}}).add(1e-20, {{"Sz", 1}});

  ASSERT_EQ(h.canonical_form().terms.size(), 1u);
  EXPECT_EQ(h.canonical_form().terms[0].factors[0].site, 1);
  // Exact sums: what two large numbers leave is not lost.
  OpSum small(1);
  small.add(1e3, {{"Z", 0}}).add(1e-9, {{"Z", 0}}).add(-1e3, {{"Z", 0}});
  EXPECT_EQ(small.canonical_form().terms[0].coefficient, 1e-9);
}

TEST(OpSum, a_partner_may_be_written_in_other_products) {
  OpSum halves(2), bosons({LocalSpace::spin(3), LocalSpace::boson(4)});
  halves.add(1, {{"S+", 0}, {"P0", 1}}).add(1, {{"S+", 0}, {"P1", 1}}).add(1, {{"S-", 0}});
  // sqrt(3) sqrt(3) 3 and 3 sqrt(3) sqrt(3) differ by rounding.
  bosons.add(1, {{"S+", 0}, {"N", 1}, {"B+", 1}, {"B-", 1}})
      .add(1, {{"B+", 1}, {"B-", 1}, {"N", 1}, {"S-", 0}});

  EXPECT_TRUE(halves.is_hermitian()) << *halves.non_hermitian_part();
  EXPECT_TRUE(bosons.is_hermitian()) << *bosons.non_hermitian_part();
  EXPECT_FALSE((halves + OpSum(2).add(1e-9, {{"S+", 0}, {"P0", 1}})).is_hermitian());
  EXPECT_FALSE(OpSum(2).add(1, {{"S+", 0}, {"P0", 1}}).add(1, {{"S-", 0}}).is_hermitian());
}

TEST(OpSum, products_that_depend_on_each_other_are_compared_as_matrices) {
  OpSum sum(2), one(2), twisted(2);
  sum.add(1, {{"P0", 0}, {"S+", 1}}).add(1, {{"P1", 0}, {"S+", 1}});
  one.add(1, {{"S+", 1}});
  twisted.add({0, 1}, {{"P0", 0}}).add({0, 1}, {{"P1", 0}}).add({0, -1}, {});

  EXPECT_TRUE(equal(sum, one));
  EXPECT_FALSE(equal(sum, one + OpSum(2).add(1e-9, {{"P0", 0}, {"S+", 1}})));
  EXPECT_TRUE(twisted.is_hermitian());
  EXPECT_TRUE(twisted.is_real());
}

TEST(OpSum, small_parts_that_are_not_hermitian_or_not_real_are_seen_beside_large_terms) {
  OpSum h(2, LocalSpace::fermion());
  h.add(9e13, {{"N", 0}}).add(1, {{"C+", 0}, {"C-", 1}});
  EXPECT_EQ(h.non_hermitian_part(), "1 C+_0 C-_1");

  OpSum current(2, LocalSpace::fermion());
  current.add(9e13, {{"N", 0}}).add({0, 1}, {{"C+", 0}, {"C-", 1}});
  current.add({0, -1}, {{"C+", 1}, {"C-", 0}});
  EXPECT_TRUE(current.is_hermitian());
  EXPECT_FALSE(current.is_real());

  OpSum phase(2, LocalSpace::fermion());  // exp(i pi)
  phase.add({-1, 1.2e-16}, {{"C+", 0}, {"C-", 1}}).add({-1, -1.2e-16}, {{"C+", 1}, {"C-", 0}});
  EXPECT_TRUE(phase.is_real());
}

TEST(OpSum, couplings_that_overflow_are_refused_with_the_term) {
  OpSum four(1), two(2), large(2);
  for (int i = 0; i < 4; ++i) four.add(1e308, {{"Sz", 0}});
  two.add(1.7e308, {{"X", 0}}).add(1.7e308, {{"X", 1}});
  large.add(1e308, {{"Z", 0}});

  EXPECT_ERROR((void)four.canonical_form(), InvalidArgument, "with the term 1e+308 Sz_0 the");
  EXPECT_ERROR((void)two.is_hermitian(), InvalidArgument, "X_1 the couplings add up");
  EXPECT_NO_THROW((void)large.canonical_form());
}

TEST(OpSum, the_canonical_form_follows_the_terms) {
  OpSum a(2);
  a.add(1, {{"Sz", 0}});
  const OpSum copy = a;
  EXPECT_EQ(a.canonical_form().terms.size(), 1u);
  EXPECT_EQ(&a.canonical_form(), &copy.canonical_form());  // made once

  a.add(1, {{"Sz", 1}});
  EXPECT_EQ(a.canonical_form().terms.size(), 2u);
  EXPECT_EQ(copy.canonical_form().terms.size(), 1u);
  a *= 0;
  EXPECT_TRUE(a.canonical_form().terms.empty());
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
