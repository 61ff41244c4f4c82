#include <algorithm>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>
#include <kronsolve/operators/vector_operations.hpp>

#include "core/counted.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using Spaces = std::vector<LocalSpace>;

constexpr double not_in_basis =
    1e-12;  // rounding of a norm squared of 1, with room for long products

double norm_of(const std::vector<Complex>& amplitudes) {
  double sum = 0;
  for (const Complex a : amplitudes) sum += norm_squared(a);
  return std::sqrt(sum);
}

std::vector<int> all_digits(const Spaces& spaces, const std::function<bool(int)>& is_down) {
  std::vector<int> digits;
  digits.reserve(spaces.size());
  for (int site = 0; site < static_cast<int>(spaces.size()); ++site) {
    const auto [up, down] = up_down_digits(spaces[static_cast<std::size_t>(site)]);
    digits.push_back(is_down(site) ? down : up);
  }
  return digits;
}

StateDescription superposition(std::string name, const Spaces& spaces,
                               std::vector<std::vector<int>> parts) {
  const double amplitude = 1 / std::sqrt(double(parts.size()));
  StateDescription::Configurations content;
  for (auto& digits : parts) content.terms.emplace_back(amplitude, std::move(digits));
  return {std::move(name), spaces, std::move(content)};
}

std::vector<std::pair<int, int>> neighbours(const Spaces& spaces, const char* name) {
  const int n = static_cast<int>(spaces.size());
  if (n % 2 != 0)
    throw InvalidArgument(
        detail::concat("state ", name, ": pairs need an even number of sites, got ", n));
  std::vector<std::pair<int, int>> pairs;
  for (int i = 0; i < n; i += 2) pairs.emplace_back(i, i + 1);
  return pairs;
}

void require_partition(const std::vector<std::pair<int, int>>& pairs, int sites) {
  std::vector<int> seen(static_cast<std::size_t>(sites), 0);
  for (const auto& [i, j] : pairs)
    for (const int site : {i, j}) {
      if (site < 0 || site >= sites)
        throw InvalidArgument(
            detail::concat("state singlets: site must be in [0, ", sites - 1, "], got ", site));
      ++seen[static_cast<std::size_t>(site)];
    }
  for (int site = 0; site < sites; ++site)
    if (seen[static_cast<std::size_t>(site)] != 1)
      throw InvalidArgument(detail::concat("state singlets: every site must be in one pair, site ",
                                           site, " is in ", seen[static_cast<std::size_t>(site)]));
}

}  // namespace

ScalarKind StateDescription::scalar() const {
  const auto is_imaginary = [](Complex a) { return a.imag() != 0; };
  bool complex = false;
  if (const auto* c = std::get_if<Configurations>(&content))
    for (const auto& term : c->terms) complex = complex || is_imaginary(term.first);
  if (const auto* p = std::get_if<Product>(&content))
    for (const auto& group : p->groups)
      complex =
          complex || std::any_of(group.amplitudes.begin(), group.amplitudes.end(), is_imaginary);
  return complex ? ScalarKind::complex : ScalarKind::real;
}

StateDescription product_state(const Spaces& spaces, std::vector<std::vector<Complex>> spinors) {
  if (spinors.size() != spaces.size())
    throw DimensionError(detail::concat("product state: ", spinors.size(), " spinors for ",
                                        detail::counted(spaces.size(), "site")));
  StateDescription::Product content;
  for (std::size_t i = 0; i < spinors.size(); ++i) {
    auto& spinor = spinors[i];
    if (static_cast<int>(spinor.size()) != spaces[i].dim())
      throw DimensionError(detail::concat("product state: site ", i, " has dimension ",
                                          spaces[i].dim(), ", its spinor ", spinor.size()));
    const double length = norm_of(spinor);
    if (!(length > 0) || !std::isfinite(length))
      throw InvalidArgument(detail::concat("product state: the spinor of site ", i,
                                           " must be finite and not zero, its norm is ", length));
    for (auto& a : spinor) a /= length;
    content.groups.push_back({{static_cast<int>(i)}, std::move(spinor)});
  }
  return {"product", spaces, std::move(content)};
}

StateDescription configuration_state(const Spaces& spaces, std::vector<int> digits) {
  if (digits.size() != spaces.size())
    throw DimensionError(detail::concat("state: ", detail::counted(digits.size(), "digit"), " for ",
                                        detail::counted(spaces.size(), "site")));
  std::string name;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] < 0 || digits[i] >= spaces[i].dim())
      throw InvalidArgument(detail::concat("state: the digit of site ", i, " must be in [0, ",
                                           spaces[i].dim() - 1, "], got ", digits[i]));
    name += std::to_string(digits[i]);
  }
  auto result = superposition(std::move(name), spaces, {std::move(digits)});
  return result;
}

std::pair<int, int> up_down_digits(const LocalSpace& space) {
  if (space.dim() < 2)
    throw InvalidArgument(detail::concat("state: a site ", space.name(), " has no up and down"));
  switch (space.kind()) {
    case LocalSpace::Kind::spin:
      return {0, space.dim() - 1};
    case LocalSpace::Kind::electron:
    case LocalSpace::Kind::tj:
      return {1, 2};
    default:
      return {0, 1};
  }
}

StateDescription neel_state(const Spaces& spaces, NeelStart start) {
  const int odd = start == NeelStart::up ? 1 : 0;
  return superposition(start == NeelStart::up ? "neel" : "neel-down", spaces,
                       {all_digits(spaces, [&](int site) { return site % 2 == odd; })});
}

StateDescription domain_wall_state(const Spaces& spaces) {
  const int half = static_cast<int>(spaces.size()) / 2;
  return superposition("domain-wall", spaces,
                       {all_digits(spaces, [&](int site) { return site >= half; })});
}

StateDescription plus_state(const Spaces& spaces) {
  std::vector<std::vector<Complex>> spinors;
  for (const auto& space : spaces) {
    if (space.kind() != LocalSpace::Kind::spin)
      throw InvalidArgument(
          detail::concat("state plus: every site must be a spin, got ", space.name()));
    std::vector<Complex> spinor;
    double binomial = 1;
    for (int k = 0; k < space.dim(); ++k) {
      spinor.emplace_back(std::sqrt(binomial));
      binomial *= double(space.twice_spin() - k) / double(k + 1);
    }
    spinors.push_back(std::move(spinor));
  }
  auto result = product_state(spaces, std::move(spinors));
  result.name = "plus";
  return result;
}

StateDescription w_state(const Spaces& spaces) {
  std::vector<std::vector<int>> parts;
  for (int flipped = 0; flipped < static_cast<int>(spaces.size()); ++flipped)
    parts.push_back(all_digits(spaces, [&](int site) { return site == flipped; }));
  return superposition("w", spaces, std::move(parts));
}

StateDescription ghz_state(const Spaces& spaces) {
  return superposition("ghz", spaces,
                       {all_digits(spaces, [](int) { return false; }),
                        all_digits(spaces, [](int) { return true; })});
}

StateDescription bell_pairs(const Spaces& spaces, Bell which) {
  StateDescription::Product content;
  const double s = 1 / std::sqrt(2.0);
  std::vector<Complex> amplitudes(4, 0.0);
  const bool phi = which == Bell::phi_plus || which == Bell::phi_minus;
  const bool plus = which == Bell::phi_plus || which == Bell::psi_plus;
  amplitudes[phi ? 0 : 1] = s;
  amplitudes[phi ? 3 : 2] = plus ? s : -s;
  for (const auto& [i, j] : neighbours(spaces, "bell"))
    content.groups.push_back({{i, j}, amplitudes});
  for (const auto& space : spaces)
    if (space.dim() != 2)
      throw InvalidArgument(
          detail::concat("state bell: every site must have dimension 2, got ", space.name()));
  return {"bell", spaces, std::move(content)};
}

StateDescription singlet_pairs(const Spaces& spaces, std::vector<std::pair<int, int>> pairs) {
  if (pairs.empty()) pairs = neighbours(spaces, "singlets");
  require_partition(pairs, static_cast<int>(spaces.size()));
  StateDescription::Product content;
  for (const auto& [i, j] : pairs) {
    const LocalSpace &a = spaces[static_cast<std::size_t>(i)],
                     &b = spaces[static_cast<std::size_t>(j)];
    if (a.kind() != LocalSpace::Kind::spin || a != b)
      throw InvalidArgument(detail::concat("state singlets: sites ", i, " and ", j,
                                           " must be equal spins, got ", a.name(), " and ",
                                           b.name()));
    const auto d = static_cast<std::size_t>(a.dim());
    std::vector<Complex> amplitudes(d * d, 0.0);
    for (std::size_t k = 0; k < d; ++k)
      amplitudes[k * d + (d - 1 - k)] = (k % 2 == 0 ? 1 : -1) / std::sqrt(double(d));
    content.groups.push_back({{i, j}, std::move(amplitudes)});
  }
  return {"singlets", spaces, std::move(content)};
}

StateDescription random_state(const Spaces& spaces, std::uint64_t seed) {
  return {"random", spaces, StateDescription::Random{seed}};
}

// ---- on a basis --------------------------------------------------------------------------------

namespace {

/// Amplitude of configurations in a product state.
template <Scalar T>
class ProductAmplitude {
 public:
  explicit ProductAmplitude(const StateDescription::Product& product) {
    for (const auto& group : product.groups) {
      Group g{group.sites, {}};
      for (const Complex a : group.amplitudes) g.amplitudes.push_back(from_complex<T>(a));
      groups_.push_back(std::move(g));
    }
  }
  T operator()(const DigitCode& code, state_t state) const {
    T amplitude = 1;
    for (const auto& group : groups_) {
      std::size_t c = 0;
      for (const int site : group.sites)
        c = c * static_cast<std::size_t>(code.dim(site)) +
            static_cast<std::size_t>(code.digit(state, site));
      amplitude *= group.amplitudes[c];
      if (amplitude == T{}) break;
    }
    return amplitude;
  }

 private:
  struct Group {
    std::vector<int> sites;
    std::vector<T> amplitudes;
  };
  std::vector<Group> groups_;
};

template <Scalar T>
void put_configurations(const StateDescription::Configurations& content, const Basis& basis,
                        const RowPartition& rows, int rank, std::span<T> owned) {
  for (const auto& [amplitude, digits] : content.terms) {
    state_t state = 0;
    for (int site = 0; site < basis.sites(); ++site)
      state +=
          static_cast<state_t>(digits[static_cast<std::size_t>(site)]) * basis.code().stride(site);
    const Location found = basis.locate(state);
    if (found.amplitude == 0.0 || basis.owner(found.key, rows) != rank) continue;
    const index_t row = basis.row(found.key) - rows.range(rank).begin;
    if (row >= 0)
      owned[static_cast<std::size_t>(row)] += from_complex<T>(amplitude * found.amplitude);
  }
}

/// <row|phi> of the owned rows, phi by its amplitude of any configuration. `make_phi` is called
/// once by each thread.
template <Scalar T, class MakePhi>
void put_amplitudes(const Basis& basis, RowRange range, std::span<T> owned, MakePhi&& make_phi) {
  std::exception_ptr failure;
#pragma omp parallel num_threads(num_threads())
  try {
    auto phi = make_phi();
    std::vector<Component> components;
#pragma omp for schedule(static)
    for (index_t i = 0; i < range.size(); ++i) {
      basis.orbit(range.begin + i, components);
      T sum{};
      for (const auto& [state, amplitude] : components)
        sum += conj(from_complex<T>(amplitude)) * phi(state);
      owned[static_cast<std::size_t>(i)] = sum;
    }
  } catch (...) {
#pragma omp critical
    failure = std::current_exception();
  }
  if (failure) std::rethrow_exception(failure);
}

std::string sector_text(const Basis& basis) {
  std::string text;
  for (const auto& condition : basis.sector()) text += (text.empty() ? "" : " ") + condition;
  return text.empty() ? "of the full space" : text;
}

}  // namespace

template <Scalar T>
double normalize(const Comm& comm, std::span<T> owned) {
  const double length = vec::norm<T>(comm, owned);
  if (!(length > 0) || !std::isfinite(length))  // the same number on every rank
    throw InvalidArgument(detail::concat("state: cannot be normalised, its norm is ", length));
  vec::scale<T>(1 / length, owned);
  return length;
}

template <Scalar T>
Buffer<T> make_state(const Comm& comm, const Basis& basis, const StateDescription& description) {
  if (description.spaces != basis.spaces())
    throw DimensionError(detail::concat(
        "state ", description.name, ": made for ",
        detail::counted(description.spaces.size(), "site"), ", the basis has ", basis.sites(),
        description.spaces.size() == basis.spaces().size() ? " with other local spaces" : ""));
  if (!is_complex<T> && description.scalar() == ScalarKind::complex)
    throw InvalidArgument(
        detail::concat("state ", description.name, ": it is complex; ask for complex amplitudes"));
  if (!is_complex<T> && basis.scalar() == ScalarKind::complex)
    throw InvalidArgument(
        detail::concat("state ", description.name,
                       ": states of this sector are complex; ask for complex amplitudes"));
  const RowRange range = basis.partition(comm.size()).range(comm.rank());
  Buffer<T> owned;
  comm.agree([&] { owned = Buffer<T>(range.size()); });
  if (const auto* random = std::get_if<StateDescription::Random>(&description.content)) {
    fill_normal(owned.span(), range, random->seed);
    normalize(comm, owned.span());
    return owned;
  }
  if (const auto* product = std::get_if<StateDescription::Product>(&description.content)) {
    const ProductAmplitude<T> amplitude(*product);
    put_amplitudes(basis, range, owned.span(),
                   [&] { return [&](state_t state) { return amplitude(basis.code(), state); }; });
  } else {
    put_configurations(std::get<StateDescription::Configurations>(description.content), basis,
                       basis.partition(comm.size()), comm.rank(), owned.span());
  }
  const double inside = vec::norm_squared<T>(comm, owned.span());
  if (inside < 1 - not_in_basis)
    throw InvalidArgument(detail::concat(
        "state ", description.name, ": ",
        inside == 0 ? "it is not in the sector " : "it is not entirely in the sector ",
        sector_text(basis), " (norm squared there ", std::round(inside * 1e6) / 1e6,
        "); choose another state or sector"));
  normalize(comm, owned.span());
  return owned;
}

template <Scalar T>
Buffer<T> make_state(const Comm& comm, const Basis& basis,
                     const std::function<T(std::span<const int> digits)>& amplitude) {
  if (!is_complex<T> && basis.scalar() == ScalarKind::complex)
    throw InvalidArgument(
        "state by a function: states of this sector are complex; give complex amplitudes");
  const RowRange range = basis.partition(comm.size()).range(comm.rank());
  Buffer<T> owned;
  comm.agree([&] {
    owned = Buffer<T>(range.size());
    put_amplitudes(basis, range, owned.span(), [&] {
      return [&, digits = std::vector<int>(static_cast<std::size_t>(basis.sites()))](
                 state_t state) mutable -> T {
        for (int site = 0; site < basis.sites(); ++site)
          digits[static_cast<std::size_t>(site)] = basis.code().digit(state, site);
        return amplitude(digits);
      };
    });
  });
  normalize(comm, owned.span());
  return owned;
}

#define KRONSOLVE_INSTANTIATE(T)                                                     \
  template Buffer<T> make_state(const Comm&, const Basis&, const StateDescription&); \
  template Buffer<T> make_state(const Comm&, const Basis&,                           \
                                const std::function<T(std::span<const int>)>&);      \
  template double normalize(const Comm&, std::span<T>);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
