// What keeps a reference to a communicator, basis, operator or vector refuses one that ends with
// the statement.

#include <array>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <kronsolve/measure/observables.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/portable_operator.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/state_view.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>
#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/operator_map.hpp>

namespace kronsolve {
namespace {

using Span = std::span<const double>;
using Amplitudes = Buffer<double>;
template <class... Arguments>
constexpr bool viewed = std::is_constructible_v<StateView<double>, Arguments...>;

TEST(Temporaries, a_view_of_a_state_refuses_them) {
  EXPECT_TRUE((viewed<const Comm&, const Basis&, Span>));
  EXPECT_TRUE((viewed<Comm&, FullBasis&, std::span<double>>));
  EXPECT_TRUE((viewed<const Comm&, const FullBasis&, const Amplitudes&>));
  EXPECT_TRUE((viewed<const Comm&, const Basis&, Amplitudes&>));
  EXPECT_TRUE((viewed<const Comm&, const Basis&, const std::vector<double>&>));

  EXPECT_FALSE((viewed<Comm, const Basis&, Span>));
  EXPECT_FALSE((viewed<const Comm&, FullBasis, Span>));
  EXPECT_FALSE((viewed<Comm, FullBasis, const Amplitudes&>));
  EXPECT_FALSE((viewed<const Comm&, const Basis&, Amplitudes>));
  EXPECT_FALSE((viewed<const Comm&, const Basis&, const Amplitudes>));
  EXPECT_FALSE((viewed<const Comm&, const Basis&, std::vector<double>>));
}

TEST(Temporaries, maps_refuse_communicators) {
  using Map = AssembledMap<double>;
  EXPECT_TRUE((std::is_constructible_v<Map, const Comm&, const Lazy<double>&, RowPartition>));
  EXPECT_FALSE((std::is_constructible_v<Map, Comm, const Lazy<double>&, RowPartition>));
  EXPECT_FALSE(
      (std::is_constructible_v<Map, Comm, const Lazy<double>&, RowPartition, RowPartition>));
  const auto made =
                 [](auto&&comm) {
                   using C = decltype(comm);
                   const SectorOperator* h = nullptr;
                   return std::array{requires {make_matrix_free<double>(std::forward<C>(comm), *h);
                 },
             requires {
    plan_and_make_matrix_free<double>(std::forward<C>(comm), *h);
  }
  , requires { make_operator_map<double>(std::forward<C>(comm), *h); }
};
};
const Comm comm;
EXPECT_EQ(made(comm), (std::array{true, true, true}));
EXPECT_EQ(made(Comm()), (std::array{false, false, false}));
}

template <class C, class B>
concept MeasuresProducts = requires(C comm, const OpSum& h, B basis) {
  observable_product<double>(static_cast<C>(comm), h, static_cast<B>(basis));
};

TEST(Temporaries, products_of_observables_refuse_communicators_and_bases) {
  EXPECT_TRUE((MeasuresProducts<const Comm&, const Basis&>));
  EXPECT_FALSE((MeasuresProducts<Comm&&, const Basis&>));
  EXPECT_FALSE((MeasuresProducts<const Comm&, FullBasis&&>));
}

template <class C>
concept MakesBasis = requires(C comm, const Sector& sector) {
  make_basis(static_cast<C>(comm), sector);
};
template <class C>
concept SharesBasis = requires(C comm, const PortableOperator& h) {
  h.basis(static_cast<C>(comm));
};

TEST(Temporaries, bases_refuse_communicators) {
  EXPECT_TRUE(MakesBasis<const Comm&>);
  EXPECT_FALSE(MakesBasis<Comm&&>);
  EXPECT_TRUE(SharesBasis<const Comm&>);
  EXPECT_FALSE(SharesBasis<Comm&&>);
  using Group = SymmetryGroup;
  using Charges = std::vector<Charge>;
  using Names = std::vector<std::string>;
  EXPECT_TRUE((std::is_constructible_v<SymmetryBasis, const Comm&, Group, Charges, Names>));
  EXPECT_FALSE((std::is_constructible_v<SymmetryBasis, Comm, Group, Charges, Names>));
}

TEST(Temporaries, evolutions_refuse_operators) {
  using Vectors = DistributedVectors<double>;
  EXPECT_TRUE(
      (std::is_constructible_v<Evolution<double>, const LinearMap<double>&, const Vectors&>));
  EXPECT_TRUE((std::is_constructible_v<Evolution<double>, AssembledMap<double>&, const Vectors&>));
  EXPECT_FALSE((std::is_constructible_v<Evolution<double>, AssembledMap<double>, const Vectors&>));
}

}  // namespace
}  // namespace kronsolve
