#include <cmath>
#include <limits>
#include <optional>

#include <kronsolve/operators/rows.hpp>
#include <kronsolve/solvers/dense.hpp>
#include <kronsolve/solvers/density_evolution.hpp>

#include "core/counted.hpp"
#include "solvers/dense/dense_checks.hpp"
#include "solvers/dense/from_map.hpp"
#include "solvers/evolution/liouvillian.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using Matrix = DenseMatrix<Complex>;

/// X -> H X - X H on matrices as vectors: Hermitian, so that every method for states moves density
/// matrices too.
class Commutator final : public LinearMap<Complex> {
 public:
  Commutator(const Comm& comm, const Matrix& h)
      : LinearMap<Complex>(comm, RowPartition(h.rows() * h.rows(), 1),
                           RowPartition(h.rows() * h.rows(), 1)),
        h_(&h) {}
  index_t memory_bytes() const noexcept override { return 0; }

 protected:
  void apply_impl(std::span<const Complex> x, std::span<Complex> y) const override {
    const Matrix in(h_->rows(), h_->rows(), {x.begin(), x.end()});
    const Matrix left = multiply(*h_, in), right = multiply(in, *h_);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = left.data()[i] - right.data()[i];
  }

 private:
  const Matrix* h_;
};

Matrix adjoint(const Matrix& a) {
  Matrix result(a.cols(), a.rows());
  for (index_t j = 0; j < a.cols(); ++j)
    for (index_t i = 0; i < a.rows(); ++i) result(j, i) = std::conj(a(i, j));
  return result;
}

}  // namespace

struct DensityEvolution::Impl {
  Comm comm = Comm::serial();
  Matrix h, rho;
  double time = 0, error = 0;
  // method solve: rho at the start in the eigenbasis
  EigenPairs<Complex> pairs;
  Matrix start;
  double start_time = 0;
  // the others
  std::unique_ptr<LinearMap<Complex>> generator;
  std::optional<Evolution<Complex>> evolution;

  void begin(const EvolutionOptions& options) {
    time = start_time = options.start;
    if (options.method == EvolutionMethod::automatic || options.method == EvolutionMethod::solve) {
      pairs = eigh(h);
      start = multiply(adjoint(pairs.vectors), multiply(rho, pairs.vectors));
      return;
    }
    generator = std::make_unique<Commutator>(comm, h);
    integrate(options);
  }
  void begin(const OpenSystem& system, EvolutionOptions options) {
    time = options.start;
    auto liouvillian = std::make_unique<evolution::Liouvillian>(comm, system);
    const double width = liouvillian->norm_bound();
    generator = std::move(liouvillian);
    options.method = EvolutionMethod::integrate;
    options.bounds = SpectralBounds{-width, width};
    integrate(options);
  }
  void integrate(const EvolutionOptions& options) {
    const index_t size = rho.rows() * rho.rows();
    DistributedVectors<Complex> vector(RowPartition(size, 1), 0, 1);
    std::copy_n(rho.data(), size, vector.column(0).data());
    evolution.emplace(*generator, vector, options);
  }

  void update(double t) {
    if (!std::isfinite(t))
      throw InvalidArgument(detail::concat("evolution: times must be finite, got ", t));
    time = t;
    if (evolution) {
      evolution->update_to(t);
      const auto moved = std::get<1>(evolution->state()).column(0);
      std::copy(moved.begin(), moved.end(), rho.data());
      error = evolution->error();
      return;
    }
    const double dt = t - start_time;
    Matrix turned = start;
    for (index_t j = 0; j < turned.cols(); ++j)
      for (index_t i = 0; i < turned.rows(); ++i)
        turned(i, j) *= std::polar(1.0, -(pairs.values[i] - pairs.values[j]) * dt);
    rho = multiply(pairs.vectors, multiply(turned, adjoint(pairs.vectors)));
    const double width = pairs.values.back() - pairs.values.front();
    error = std::numeric_limits<double>::epsilon() * (10 + width * std::abs(dt));
  }
};

namespace {

void check(const Matrix& rho, index_t rows, int copies, const EvolutionOptions& options) {
  dense::require_usable(rho, "density evolution", copies);
  dense::require_hermitian(rho, "density evolution (rho)");
  if (rows != rho.rows())
    throw DimensionError(detail::concat("density evolution: H has ", detail::counted(rows, "row"),
                                        ", rho ", rho.rows()));
  if (options.axis == TimeAxis::imaginary)
    throw InvalidArgument(
        "density evolution: real time only; a thermal state is expm(-beta H) over its trace");
  if (norm(rho, NormKind::frobenius) == 0) throw InvalidArgument("density evolution: rho is zero");
}

}  // namespace

template <Scalar T>
DensityEvolution::DensityEvolution(const DenseMatrix<T>& h, Matrix rho,
                                   const EvolutionOptions& options)
    : impl_(std::make_unique<Impl>()) {
  dense::require_usable(h, "density evolution", 6);
  dense::require_hermitian(h, "density evolution");
  check(rho, h.rows(), 1, options);
  impl_->h = dense::to_complex(h);
  impl_->rho = std::move(rho);
  impl_->begin(options);
}

DensityEvolution::DensityEvolution(const OpenSystem& system, Matrix rho,
                                   const EvolutionOptions& options)
    : impl_(std::make_unique<Impl>()) {
  system.require_valid("density evolution");
  if (options.method != EvolutionMethod::automatic && options.method != EvolutionMethod::integrate)
    throw InvalidArgument(detail::concat("density evolution: method ", to_string(options.method),
                                         " knows no jump operators; use integrate"));
  check(rho, system.h.dimension(), 15, options);
  const auto rows = build_rows<Complex>(system.h.op, *system.h.basis, {0, rho.rows()});
  impl_->h = Matrix(rho.rows(), rho.rows());
  for (index_t i = 0; i < rho.rows(); ++i) {
    const auto columns = rows.row_columns(i);
    for (std::size_t k = 0; k < columns.size(); ++k)
      impl_->h(i, columns[k]) = rows.row_values(i)[k];
  }
  impl_->rho = std::move(rho);
  impl_->begin(system, options);
}

DensityEvolution::DensityEvolution(DensityEvolution&&) noexcept = default;
DensityEvolution& DensityEvolution::operator=(DensityEvolution&&) noexcept = default;
DensityEvolution::~DensityEvolution() = default;

void DensityEvolution::update_to(double t) { impl_->update(t); }

bool DensityEvolution::at_times(std::span<const double> times,
                                const std::function<Continue(double, const Matrix&)>& observer) {
  for (const double t : times) {
    impl_->update(t);
    if (observer && observer(t, impl_->rho) == Continue::no) return false;
  }
  return true;
}

double DensityEvolution::time() const noexcept { return impl_->time; }
const Matrix& DensityEvolution::state() const noexcept { return impl_->rho; }
double DensityEvolution::error() const noexcept { return impl_->error; }

index_t DensityEvolution::products() const noexcept {
  return impl_->evolution ? impl_->evolution->products() : 0;
}
index_t DensityEvolution::steps() const noexcept {
  return impl_->evolution ? impl_->evolution->steps() : 0;
}

double DensityEvolution::trace() const {
  double sum = 0;
  for (index_t i = 0; i < impl_->rho.rows(); ++i) sum += impl_->rho(i, i).real();
  return sum;
}

double DensityEvolution::energy() const {
  Complex sum = 0;
  for (index_t j = 0; j < impl_->h.cols(); ++j)
    for (index_t i = 0; i < impl_->h.rows(); ++i) sum += impl_->h(j, i) * impl_->rho(i, j);
  return sum.real() / trace();
}

double DensityEvolution::purity() const {
  const double size = norm(impl_->rho, NormKind::frobenius) / trace();
  return size * size;
}

template DensityEvolution::DensityEvolution(const DenseMatrix<double>&, Matrix,
                                            const EvolutionOptions&);
template DensityEvolution::DensityEvolution(const DenseMatrix<Complex>&, Matrix,
                                            const EvolutionOptions&);

}  // namespace kronsolve
