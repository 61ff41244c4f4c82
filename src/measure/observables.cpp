#include <algorithm>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/measure/observables.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/matrix_free.hpp>

#include "measure/configuration_sums.hpp"
#include "measure/pair_sums.hpp"
#include "measure/quantity.hpp"
#include "measure/symmetrized.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using Quantity = Observable::Quantity;
using Shape = ObservableValue::Shape;

ObservableValue number(double value, double scale = 1) {
  return {Shape::number, ScalarKind::real, 1, 1, {value}, scale};
}
ObservableValue number(Complex value, double scale = 1) {
  return {Shape::number, ScalarKind::complex, 1, 1, {value}, scale};
}

/// An operator's norm is at most this.
double norm_bound(const OpSum& op) {
  double sum = 0;
  const CanonicalForm& form = op.canonical_form();
  for (const auto& term : form.terms) {
    double product = std::abs(term.coefficient);
    for (const auto& factor : term.factors) {
      double largest = form[factor].is_diagonal() ? 0 : 1;
      for (const double value : form[factor].values) largest = std::max(largest, std::abs(value));
      product *= largest;
    }
    sum += product;
  }
  return sum;
}

ObservableValue array(Shape shape, std::vector<Complex> values, index_t cols, bool real) {
  if (real)
    for (auto& value : values) value = value.real();
  const auto rows = static_cast<index_t>(values.size()) / std::max<index_t>(1, cols);
  return {shape, real ? ScalarKind::real : ScalarKind::complex, rows, cols, std::move(values)};
}

struct Moments {
  double mean = 0, variance = 0;
};

/// <H> and <H^2> - <H>^2 by one product and one vector.
template <Scalar T>
Moments moments(const StateView<T>& psi, const LinearMap<T>& h) {
  if (h.row_partition() != psi.partition())
    throw DimensionError(detail::concat("energy: the Hamiltonian's map has ", h.rows(),
                                        " rows, the state ", psi.basis().size(),
                                        ", or their ranks differ"));
  Buffer<T> product(static_cast<index_t>(psi.owned().size()));
  h.apply(psi.owned(), product.span());
  const double mean = real_part(overlap(psi, StateView<T>(psi.comm(), psi.basis(), product)));
  for (index_t i = 0; i < product.size(); ++i)
    product[i] -= mean * psi.owned()[static_cast<std::size_t>(i)];
  const double deviation = norm(StateView<T>(psi.comm(), psi.basis(), product));
  return {mean, deviation * deviation};
}

/// Evaluates one quantity after the other for one state; what several need is computed once.
template <Scalar T>
class Evaluation {
 public:
  Evaluation(const StateView<T>& psi, const ObservableContext<T>& context)
      : psi_(psi), context_(context) {}

  ObservableValue operator()(const Quantity::Energy&) {
    if (product() != nullptr) return number(both().mean, 0);
    return number(expectation(psi_, hamiltonian()).real(), 0);
  }
  ObservableValue operator()(const Quantity::Variance&) {
    if (product() != nullptr) return number(both().variance, 0);
    return number(variance(psi_, hamiltonian()), 0);
  }
  ObservableValue operator()(const Quantity::Norm&) { return number(norm(psi_)); }
  ObservableValue operator()(const Quantity::Overlap& q) {
    if (!context_.reference)
      throw InvalidArgument("observable overlap or fidelity: there is no reference state");
    if (q.squared) return number(fidelity(*context_.reference, psi_));
    return number(Complex(overlap(*context_.reference, psi_)));
  }
  ObservableValue operator()(const Quantity::Mean& q) {
    const Complex value = expectation(psi_, q.op);
    const double scale = norm_bound(q.op);
    return q.hermitian ? number(value.real(), scale) : number(value, scale);
  }
  ObservableValue operator()(const Quantity::Means& q) {
    const bool real = !is_complex<T> && std::all_of(q.ops.begin(), q.ops.end(),
                                                    [](const OpSum& op) { return op.is_real(); });
    auto value =
        array(q.cols > 1 ? Shape::matrix : Shape::vector,
              expectations(psi_, std::span<const OpSum>(q.ops)), q.cols, q.hermitian || real);
    value.axis = q.axis;
    return value;
  }
  ObservableValue operator()(const Quantity::Profile& q) {
    return array(Shape::vector, site_profile(psi_, q.op), 1, is_real(q));
  }
  ObservableValue operator()(const Quantity::Correlations& q) {
    return array(Shape::matrix, correlations(q), psi_.basis().sites(), is_real(q));
  }
  ObservableValue operator()(const Quantity::ByDistance& q) {
    auto value = array(Shape::vector, detail::by_distance(correlations(q.pairs), q.distances), 1,
                       is_real(q.pairs));
    value.axis = "distance";
    return value;
  }
  ObservableValue operator()(const Quantity::StructureFactor& q) {
    const bool plane = q.size.size() > 1;
    auto value = array(plane ? Shape::matrix : Shape::vector,
                       detail::structure_factor(correlations(q.pairs), q.positions, q.size),
                       plane ? q.size[1] : 1, q.hermitian);
    value.axis = "momentum";
    return value;
  }
  ObservableValue operator()(const Quantity::TotalSpin& q) {
    const double square = mean_by_product(q.square), spin = spin_of(square);
    if (q.show == Quantity::TotalSpin::Show::spin) return number(spin);
    auto value = number(square);
    value.note = "S = " + spin_text(spin);
    return value;
  }
  ObservableValue operator()(const Quantity::Ratio& q) {
    const OpSum both[] = {q.over, q.under};
    const auto values = expectations(psi_, std::span<const OpSum>(both));
    if (values[1] == 0.0)
      throw InvalidArgument("observable imbalance: the state holds no particles");
    return number(values[0].real() / values[1].real());
  }
  ObservableValue operator()(const Quantity::Moment& q) {
    const auto moments = detail::moments_of_sum(psi_, q.values, q.power > 0 ? q.power : 4);
    if (q.power > 0) return number(moments[static_cast<std::size_t>(q.power)]);
    constexpr double rounding = 1e-20;
    if (!(moments[2] > rounding * moments[0]))
      throw InvalidArgument("observable binder: the mean square of the magnetisation is zero");
    return number(1 - moments[4] * moments[0] / (3 * moments[2] * moments[2]));
  }
  ObservableValue operator()(const Quantity::Participation&) {
    const double length = norm(psi_), square = length * length;
    return number(square * square / detail::sum_of_fourth_powers(psi_));
  }
  ObservableValue operator()(const Quantity::Shared& q) {
    return number(q.what == Quantity::Shared::What::information
                      ? mutual_information(psi_, q.a, q.b)
                      : logarithmic_negativity(psi_, q.a, q.b));
  }
  ObservableValue operator()(const Quantity::Entropy& q) {
    if (!q.cuts) return number(entanglement_entropy(psi_, q.sites, {.alpha = q.alpha}));
    std::vector<Complex> values = {0};
    std::vector<int> sites;
    for (int i = 0; i < psi_.basis().sites(); ++i) {
      sites.push_back(i);
      values.push_back(entanglement_entropy(psi_, sites, {.alpha = q.alpha}));
    }
    auto value = array(Shape::vector, std::move(values), 1, true);
    value.axis = "cut";
    return value;
  }
  ObservableValue operator()(const Quantity::Schmidt& q) {
    const auto values = schmidt_values(psi_, q.sites);
    return array(Shape::vector, {values.begin(), values.end()}, 1, true);
  }
  ObservableValue operator()(const Quantity::Amplitude& q) {
    return number(Complex(amplitude(psi_, q.digits)));
  }

 private:
  /// Real although its operators need not be Hermitian: in real arithmetic.
  template <class Operators>
  static bool is_real(const Operators& q) {
    return q.hermitian || (q.real && !is_complex<T>);
  }
  std::vector<Complex> correlations(const Quantity::Correlations& q) const {
    return correlation_matrix(psi_, q.a, q.b);
  }
  /// Of an operator of many terms; by a product where the basis has one.
  double mean_by_product(const OpSum& op) {
    const auto map = observable_product<T>(psi_.comm(), op, psi_.basis());
    return map ? moments(psi_, *map).mean : expectation(psi_, op).real();
  }
  const OpSum& hamiltonian() const {
    if (context_.hamiltonian == nullptr)
      throw InvalidArgument("observable energy or variance: there is no Hamiltonian");
    return *context_.hamiltonian;
  }
  const LinearMap<T>* product() {
    if (context_.product != nullptr) return context_.product;
    if (!own_product_)
      own_product_ = observable_product<T>(psi_.comm(), hamiltonian(), psi_.basis());
    return own_product_->get();
  }
  const Moments& both() {
    if (!moments_) moments_ = moments(psi_, *product());
    return *moments_;
  }

  const StateView<T>& psi_;
  const ObservableContext<T>& context_;
  std::optional<std::unique_ptr<LinearMap<T>>> own_product_;  ///< none yet, or none to be had
  std::optional<Moments> moments_;
};

/// The operator maps the basis into itself, as far as its terms show.
bool stays_in(const OpSum& op, const Basis& basis) {
  if (op.spaces() != basis.spaces()) return false;
  const auto& charges = basis.charges();
  const auto* group = basis.symmetries();
  return basis.paths() != nullptr &&
         (group == nullptr ||
          equal(detail::symmetrized(std::span(&op, 1), *group).means.front(), op)) &&
         std::none_of(charges.begin(), charges.end(),
                      [&](const auto& c) { return breaks(op, c.text()).has_value(); });
}

}  // namespace

template <Scalar T>
std::unique_ptr<LinearMap<T>> observable_product(const Comm& comm, const OpSum& hamiltonian,
                                                 const Basis& basis) {
  if (!stays_in(hamiltonian, basis) || (!is_complex<T> && !hamiltonian.is_real())) return nullptr;
  const SectorOperator h{hamiltonian, {std::shared_ptr<const Basis>(), &basis}};
  auto [map, plan] = plan_and_make_matrix_free<T>(comm, h);
  const auto vectors = 2 * double(basis.partition(comm.size()).max_local_rows()) * sizeof(T);
  const bool fits = double(plan.memory_bytes) + vectors < double(available_memory());
  return comm.all(fits) ? std::move(map) : nullptr;
}

template <Scalar T>
std::vector<ObservableValue> evaluate(std::span<const Observable> observables,
                                      const StateView<T>& psi,
                                      const ObservableContext<T>& context) {
  Evaluation<T> evaluation(psi, context);
  std::vector<ObservableValue> values;
  for (const auto& observable : observables)
    values.push_back(std::visit([&](const auto& meaning) { return evaluation(meaning); },
                                observable.quantity().meaning));
  return values;
}

#define KRONSOLVE_INSTANTIATE(T)                                                                   \
  template std::unique_ptr<LinearMap<T>> observable_product(const Comm&, const OpSum&,             \
                                                            const Basis&);                         \
  template std::vector<ObservableValue> evaluate(std::span<const Observable>, const StateView<T>&, \
                                                 const ObservableContext<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
