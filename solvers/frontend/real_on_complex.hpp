#pragma once

#include <complex>

#include <kronsolve/solvers/engine.hpp>

namespace kronsolve::frontend {

/// Serves real problems where only an engine of complex numbers is installed: with twice the memory
/// and real vectors in the end. It cannot count levels, because complex factors have no inertia.
class RealOnComplex final : public Engine<double> {
 public:
  explicit RealOnComplex(Engine<std::complex<double>>& complex) : complex_(&complex) {}
  const EngineInfo& info() const noexcept override { return complex_->info(); }
  EnginePairs<double> eigh(const EngineEigh<double>& problem) override;
  EngineGeneralPairs eig(const EngineEig<double>& problem) override;
  std::vector<index_t> count_below(const Comm& comm, const Lazy<double>& rows,
                                   const RowPartition& partition,
                                   std::span<const double> shifts) override;
  DistributedVectors<double> solve(const Comm& comm, const Lazy<double>& rows,
                                   const DistributedVectors<double>& b, Factors factors) override;
  EngineSolutions<double> solve_krylov(const EngineKrylov<double>& problem,
                                       const DistributedVectors<double>& b) override;
  EngineExponential<double> expm_multiply(const LinearMap<double>& map, double t,
                                          std::span<const double> v, double tol,
                                          index_t max_products) override;

 private:
  Engine<std::complex<double>>* complex_;
};

}  // namespace kronsolve::frontend
