// Operator sums as text and as archives: what goes out comes back.

#include <random>
#include <sstream>

#include <cereal/archives/binary.hpp>

#include <kronsolve/operators/serialize.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

OpSum example() {
  OpSum op({LocalSpace(), LocalSpace::spin(3), LocalSpace::electron(), LocalSpace::fermion(),
            LocalSpace::boson(4)});
  op.define("my_M", LocalMatrix(2, {1, {0, 0.1}, {0, -0.1}, -1}));
  op.add(-0.5, {{"S+", 0}, {"S-", 1}}).add({1e-3, -2.0 / 3}, {{"Cup+", 2}, {"C-", 3}}).add(7, {});
  op.add(1, {{"my_M", 0}, {"B+", 4}, {"N", 4}})
      .add(-1.25e-17, {{"Sz", 2}})
      .add({0, 1}, {{"P2", 4}});
  return op;
}

TEST(OpText, reads_back) {
  const OpSum op = example();
  const OpSum again = OpSum::parse(op.text(), op.spaces(), op.definitions());

  EXPECT_EQ(again.terms(), op.terms());
  EXPECT_EQ(again.text(), op.text());
  EXPECT_TRUE(OpSum::parse("0", op.spaces()).terms().empty());
}

TEST(OpText, understands_what_people_write) {
  const std::vector<LocalSpace> spaces(3);
  OpSum expected(spaces);
  expected.add(1, {{"Sz", 0}, {"Sz", 1}}).add(-0.5, {{"S+", 0}, {"S-", 2}}).add(-2, {});

  EXPECT_EQ(OpSum::parse("Sz_0 Sz_1 - 0.5 S+_0 S-_2 - 2", spaces).terms(), expected.terms());
  EXPECT_EQ(OpSum::parse("Sz 0 Sz 1 -0.5 S+ 0 S- 2 -2", spaces).terms(), expected.terms());
  EXPECT_EQ(OpSum::parse("-2 +Sz 0 Sz 1 -0.5 S+_0 S-_2", spaces).text(),
            OpSum::parse("-2 + Sz 0 Sz 1 - 0.5 S+_0 S-_2", spaces).text());
  EXPECT_EQ(OpSum::parse("-Sz_0", spaces).terms(), OpSum::parse("-1 Sz_0", spaces).terms());
  EXPECT_EQ(OpSum::parse("- Sz_0", spaces).terms(),
            (-1.0 * OpSum(spaces).add(1, {{"Sz", 0}})).terms());
}

TEST(OpText, names_the_word_that_is_wrong) {
  const std::vector<LocalSpace> spaces(3);
  const auto parse = [&](const char* text) { (void)OpSum::parse(text, spaces); };

  EXPECT_ERROR(parse(""), InvalidArgument, "term is missing");
  EXPECT_ERROR(parse("Sz_0 +"), InvalidArgument, "before 'the end'");
  EXPECT_ERROR(parse("+ Sz_0"), InvalidArgument, "before '+'");
  EXPECT_ERROR(parse("Sz_0 + +Sz_1"), InvalidArgument, "before '+'");
  EXPECT_ERROR(parse("Sz_0 2 Sz_1"), InvalidArgument, "'2'");
  EXPECT_ERROR(parse("Sz0"), InvalidArgument, "'Sz0'");
  EXPECT_ERROR(parse("(1+2) Sz_0"), InvalidArgument, "'(1+2)'");
  EXPECT_ERROR(parse("Sz_x"), InvalidArgument, "'Sz_x'");
  EXPECT_ERROR(parse("Sz_7"), InvalidArgument, "site must be");
  EXPECT_ERROR(parse("nan Sz_0"), InvalidArgument, "NaN");
}

TEST(OpArchive, reads_back) {
  const OpSum op = example();
  std::stringstream stream;
  cereal::BinaryOutputArchive{stream}(op);
  OpSum again(1);
  cereal::BinaryInputArchive{stream}(again);

  EXPECT_EQ(again.spaces(), op.spaces());
  EXPECT_EQ(again.terms(), op.terms());
  EXPECT_EQ(again.definitions(), op.definitions());
}

TEST(OpArchive, refuses_a_broken_one) {
  std::stringstream stream;
  {
    cereal::BinaryOutputArchive archive(stream);
    archive(std::vector<LocalSpace>(2), std::uint64_t{0}, std::vector<OpTerm>{{1, {{"Sz", 9}}}});
  }
  OpSum op(1);

  EXPECT_ERROR(cereal::BinaryInputArchive{stream}(op), InvalidArgument, "site must be");
}

}  // namespace
}  // namespace kronsolve
