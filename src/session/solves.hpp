#pragma once
// What each session solve does on the ranks where it was placed.

#include <complex>
#include <memory>
#include <variant>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/operators/portable_operator.hpp>
#include <kronsolve/session/solve_types.hpp>
#include <kronsolve/solvers/expm.hpp>
#include <kronsolve/solvers/serialize.hpp>

namespace kronsolve {

template <class Archive>
void serialize(Archive& archive, ExpmResult& r) {
  archive(r.error, r.converged, r.products, r.degree, r.bounds, r.reason, r.vectors);
}
template <class Archive>
void serialize(Archive& archive, SessionEvolution& r) {
  archive(static_cast<EvolutionResult&>(r), r.expectations);
}

namespace detail {

/// The state that a solve begins with, as it travels.
using Start = std::variant<std::monostate, StateDescription, std::vector<double>,
                           std::vector<std::complex<double>>, VectorId>;

/// Where a solve runs, and what its vectors are indexed by.
struct SolveContext {
  std::shared_ptr<const Comm> comm;
  std::shared_ptr<const Basis> basis;  ///< null: rows of the user
  const VectorSet* kept = nullptr;     ///< if the solve begins with a kept vector: its set
};

// The solves, as they travel to where they run. `run` is collective on the context's ranks.

struct EighSolve {
  using Result = EighResult;
  static constexpr const char* name = "eigh";
  PortableOperator h;
  EighOptions options;  ///< start: the whole vector

  const PortableOperator* on_sites() const { return &h; }
  Result run(const SolveContext& where);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(h, options);
  }
};

template <Scalar T>
struct SvdsSolve {
  using Result = SvdsResult<T>;
  static constexpr const char* name = "svds";
  PortableLazy<T> a;
  SvdsOptions options;

  const PortableOperator* on_sites() const { return nullptr; }
  Result run(const SolveContext& where);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(a, options);
  }
};

struct ExpmSolve {
  using Result = ExpmResult;
  static constexpr const char* name = "expm_multiply";
  PortableOperator h;
  std::complex<double> t;
  ExpmOptions options;
  Start start;

  const PortableOperator* on_sites() const { return &h; }
  Result run(const SolveContext& where);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(h, t, options, start);
  }
};

struct EvolveSolve {
  using Result = SessionEvolution;
  static constexpr const char* name = "evolve";
  PortableOperator h;
  std::vector<double> times;
  EvolutionOptions options;
  std::vector<OpSum> observe;
  Start start;

  const PortableOperator* on_sites() const { return &h; }
  Result run(const SolveContext& where);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(h, times, options, observe, start);
  }
};

/// Calls f for each set of vectors in a result.
template <class Result, class F>
void for_each_vectors(Result& r, F&& f) {
  if constexpr (requires { r.left; }) {
    f(r.left);
    f(r.right);
  } else if constexpr (requires { r.state; }) {
    std::visit(f, r.state);
  } else {
    std::visit(f, r.vectors);
  }
}

}  // namespace detail
}  // namespace kronsolve
