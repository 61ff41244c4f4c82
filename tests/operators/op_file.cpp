#include <cstdio>
#include <fstream>

#include <kronsolve/operators/op_file.hpp>

#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

OpSum parse(std::string_view text) { return parse_operator_file(text, "h.toml").op; }

TEST(OpFile, reads_terms_complex_coefficients_and_sites) {
  const OpSum h = parse(R"(
sites = 3
local = "spin-1/2"
terms = [
  [1.0, "Sz", 0, "Sz", 1],
  [0.5, "S+", 0, "S-", 1], [0.5, "S-", 0, "S+", 1],
  [[0.0, 0.25], "Sy", 2],
  [2],
]
)");

  OpSum expected(3);
  expected.add(1, {{"Sz", 0}, {"Sz", 1}})
      .add(0.5, {{"S+", 0}, {"S-", 1}})
      .add(0.5, {{"S-", 0}, {"S+", 1}});
  expected.add({0, 0.25}, {{"Sy", 2}}).add(2, {});
  EXPECT_TRUE(equal(h, expected));
}

TEST(OpFile, reads_one_local_space_per_site_and_named_matrices) {
  const OpSum h = parse(R"(
sites = 3
local = ["spin-1", "boson:4", "dim:2"]
terms = [[1, "Sz", 0, "N", 1], [1, "M", 2]]
define.M = [[1, [0, -2]], [[0, 2], -1]]
)");

  EXPECT_EQ(h.spaces()[0], LocalSpace::spin(2));
  EXPECT_EQ(h.spaces()[1], LocalSpace::boson(4));
  EXPECT_EQ(h.dimension(), 24);
  EXPECT_EQ(h.definitions().at("M")(0, 1), std::complex<double>(0, -2));
  EXPECT_TRUE(h.is_hermitian());
}

TEST(OpFile, mixed_sites_and_named_matrices_equal_their_dense_matrix) {
  const OpSum h = parse(R"(
sites = 4
local = ["spin-1", "fermion", "dim:3", "electron"]
terms = [
  [0.5, "Sx", 0, "A", 2],
  [[0, 2], "C+", 1, "Cdn-", 3],
  [-1.5, "A", 2, "A", 0],
  [2, "B", 3],
]
define.A = [[1, [0, -2], 0.5], [[0, 2], -1, 3], [0.25, 1, 4]]
define.B = [[0, 0, 0, 1], [0, 2, 0, 0], [0, 0, -2, 0], [1, 0, 0, 0]]
)");
  // Spins, the mode of site 1 and the modes of site 3: its string runs over the up mode of site 3
  // and over site 1, for the down mode comes after all up modes.
  using test::DenseMatrix;
  const std::complex<double> i(0, 1);
  const double root = std::sqrt(0.5);
  DenseMatrix sx(3, 3), a(3, 3), b = DenseMatrix::Zero(4, 4), create = DenseMatrix::Zero(2, 2),
                                 destroy = DenseMatrix::Zero(4, 4);
  sx << 0, root, 0, root, 0, root, 0, root, 0;
  a << 1, -2.0 * i, 0.5, 2.0 * i, -1, 3, 0.25, 1, 4;
  b(0, 3) = b(3, 0) = 1;
  b(1, 1) = 2;
  b(2, 2) = -2;
  create(1, 0) = 1;
  destroy(0, 2) = 1;
  destroy(1, 3) = -1;  // past the up electron of the same site
  const auto kron = [](std::vector<DenseMatrix> factors) {
    DenseMatrix product = DenseMatrix::Identity(1, 1);
    for (const auto& f : factors) {
      DenseMatrix next(product.rows() * f.rows(), product.cols() * f.cols());
      for (Eigen::Index r = 0; r < product.rows(); ++r)
        for (Eigen::Index c = 0; c < product.cols(); ++c)
          next.block(r * f.rows(), c * f.cols(), f.rows(), f.cols()) = product(r, c) * f;
      product = std::move(next);
    }
    return product;
  };
  const auto one = [](int n) { return DenseMatrix::Identity(n, n); };
  // c+_1 acts on what c_3,down leaves: the sign of c_3,down past mode 1 is that before c+_1, which
  // needs mode 1 empty, so it is +.
  const DenseMatrix expected =
      0.5 * kron({sx, one(2), a, one(4)}) + 2.0 * i * kron({one(3), create, one(3), destroy}) -
      1.5 * kron({a, one(2), a, one(4)}) + 2.0 * kron({one(3), one(2), one(3), b});

  EXPECT_LT(test::max_difference(test::dense(h), expected), 1e-14);
  EXPECT_ERROR(
      parse("sites = 1\nterms = [[1, \"M\", 0]]\ndefine.M = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]"),
      InvalidArgument, "M");
}

TEST(OpFile, says_where_and_what_is_wrong) {
  const std::string head = "sites = 2\n";
  EXPECT_ERROR(parse("sites = \n"), InvalidArgument, "h.toml:1:");
  EXPECT_ERROR(parse("sites = 2\nterms = [[1.0, \"Sz\", 0]\n"), InvalidArgument, "h.toml:");
  EXPECT_ERROR(parse("site = 2\n"), InvalidArgument, "h.toml:1:8: site must be tables");
  EXPECT_ERROR(parse("site = 2\n"), InvalidArgument, "did you mean sites?");
  EXPECT_ERROR(parse("sitez = 2\n"), InvalidArgument, "h.toml:1:1: unknown key 'sitez'");
  EXPECT_ERROR(parse("# \u010f\nt\u010f = 1\n"), InvalidArgument,
               "h.toml:2: characters outside ASCII");
  EXPECT_ERROR(parse("\n[\x01]\n"), InvalidArgument, "h.toml:2: a control character");
  EXPECT_ERROR(parse("terms = [[1]]\n"), InvalidArgument, "'sites' is missing");
  EXPECT_ERROR(parse(head), InvalidArgument, "'terms' is missing");
  EXPECT_ERROR(parse("sites = 0\nterms = [[1]]"), InvalidArgument, "h.toml:1:9: sites must be");
  EXPECT_ERROR(parse("sites = 2.5\nterms = [[1]]"), InvalidArgument,
               "sites must be a whole number");
  EXPECT_ERROR(parse(head + "terms = []"), InvalidArgument, "at least one");
  EXPECT_ERROR(parse(head + "terms = [[1, \"Sz\"]]"), InvalidArgument, "h.toml:2:10: a term is");
  EXPECT_ERROR(parse(head + "terms = [[1, \"Sz\", 2]]"), InvalidArgument,
               "h.toml:2:20: a site must be a whole number in [0, 1], got 2");
  EXPECT_ERROR(parse(head + "terms = [[1, \"Sz\", -1]]"), InvalidArgument, "got -1");
  EXPECT_ERROR(parse(head + "terms = [[1, \"Sw\", 1]]"), InvalidArgument, "h.toml:2:10: ");
  EXPECT_ERROR(parse(head + "terms = [[1, \"Sw\", 1]]"), InvalidArgument, "Sw");
  EXPECT_ERROR(parse(head + "terms = [[nan, \"Sz\", 1]]"), InvalidArgument, "finite");
  EXPECT_ERROR(parse(head + "terms = [[[1, inf], \"Sz\", 1]]"), InvalidArgument, "finite");
  EXPECT_ERROR(parse(head + "terms = [[true, \"Sz\", 1]]"), InvalidArgument, "must be a number");
  EXPECT_ERROR(parse(head + "local = \"spin-0.7\"\nterms = [[1]]"), InvalidArgument,
               "h.toml:2:9: ");
  EXPECT_ERROR(parse(head + "local = [\"spin-1\"]\nterms = [[1]]"), InvalidArgument,
               "one entry per site");
  EXPECT_ERROR(parse(head + "terms = [[1]]\ndefine.M = [[1, 2], [3]]"), InvalidArgument,
               "2 entries in each");
}

TEST(OpFile, is_read_by_rank_0_and_known_to_all) {
  const Comm& comm = test::world();
  const std::string path = detail::concat("op_file_np", comm.size(), ".toml");
  if (comm.is_root()) std::ofstream(path) << "sites = 2\nterms = [[0.5, \"Sx\", 1]]\n";
  comm.barrier();

  const OpSum h = read_operator_file(comm, path).op;

  EXPECT_EQ(h.text(), OpSum(2).add(0.5, {{"Sx", 1}}).text());
  EXPECT_ERROR(read_operator_file(comm, "no/such.toml"), IoError, "no/such.toml");
  EXPECT_ERROR(read_operator_file(comm, "."), IoError, "directory");
  comm.barrier();
  if (comm.is_root()) std::remove(path.c_str());
}

}  // namespace
}  // namespace kronsolve
