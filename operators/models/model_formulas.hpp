#pragma once
// What each model adds up: one function for each formula of docs/models.md.

#include <array>
#include <string>
#include <vector>

#include "operators/models/model_arguments.hpp"

namespace kronsolve::detail {

using Vector3 = std::array<double, 3>;
constexpr std::array<const char*, 3> spin_axes = {"Sx", "Sy", "Sz"};

/// jx SxSx + jy SySy + jz SzSz + d.(S_a x S_b) on one bond, times its weight; what turns about z
/// (jx = jy and dz) by the bond's share of the twist.
void add_exchange(OpSum& op, const ModelArguments& p, const Bond& bond, const Vector3& j,
                  const Vector3& d = {});
/// coefficient * the product of these on every site, or on the first and every step-th after it.
void add_on_sites(OpSum& op, double coefficient, const std::vector<std::string>& factors,
                  int first = 0, int step = 1);
/// A coefficient for each site.
void add_on_sites(OpSum& op, const std::vector<double>& coefficients, const std::string& factor);
/// What every spin model may have on its sites: D Sz^2 + E (Sx^2 - Sy^2) + h_i.S_i.
/// @throws InvalidArgument  D or E of spin 1/2
void add_site_terms(OpSum& op, const ModelArguments& p);

// spin_models.cpp
OpSum heisenberg(const ModelArguments& p);
OpSum ising(const ModelArguments& p);
OpSum xy(const ModelArguments& p);
OpSum xxz(const ModelArguments& p);
OpSum j1j2(const ModelArguments& p);
OpSum mbl(const ModelArguments& p);
OpSum kitaev(const ModelArguments& p);
OpSum cluster(const ModelArguments& p);
OpSum aklt(const ModelArguments& p);
OpSum su3(const ModelArguments& p);
OpSum haldane_shastry(const ModelArguments& p);
OpSum long_range(const ModelArguments& p);
OpSum ladder(const ModelArguments& p);

// particle_models.cpp
OpSum t_v(const ModelArguments& p);
OpSum hubbard_hardcore(const ModelArguments& p);
OpSum hubbard(const ModelArguments& p);
OpSum extended_hubbard(const ModelArguments& p);
OpSum ionic_hubbard(const ModelArguments& p);
OpSum tj(const ModelArguments& p);
OpSum bose_hubbard(const ModelArguments& p);
OpSum rydberg(const ModelArguments& p);
OpSum pxp(const ModelArguments& p);
OpSum syk(const ModelArguments& p);
OpSum kondo(const ModelArguments& p);
OpSum holstein(const ModelArguments& p);
OpSum dicke(const ModelArguments& p);
OpSum jaynes_cummings(const ModelArguments& p);

}  // namespace kronsolve::detail
