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

/// Where a solve sits: its ranks, the basis of its operator, the state to begin with.
struct Seat {
  std::shared_ptr<const Comm> comm;
  std::shared_ptr<const Basis> basis;  ///< null: rows of the user
  Start start;
  const VectorSet* kept_start = nullptr;  ///< where `start` names a column of it
};

struct EighVerb {
  static constexpr const char* name = "eigh";
  static constexpr bool takes_start = false;
  static constexpr std::size_t sets = 1;  ///< of vectors in the result
  struct Request {
    PortableOperator h;
    EighOptions options;  ///< start: the whole vector
    template <class Archive>
    void serialize(Archive& archive) {
      archive(h, options);
    }
  };
  using Result = EighResult;
  static const PortableOperator* basis_of(const Request& r) { return &r.h; }
  static Result run(const Seat& seat, Request& request);
  template <class F>
  static void for_each_vectors(Result& r, F&& f) {
    std::visit(f, r.vectors);
  }
};

template <Scalar T>
struct SvdsVerb {
  static constexpr const char* name = "svds";
  static constexpr bool takes_start = false;
  static constexpr std::size_t sets = 2;
  struct Request {
    PortableLazy<T> a;
    SvdsOptions options;
    template <class Archive>
    void serialize(Archive& archive) {
      archive(a, options);
    }
  };
  using Result = SvdsResult<T>;
  static const PortableOperator* basis_of(const Request&) { return nullptr; }
  static Result run(const Seat& seat, Request& request);
  template <class F>
  static void for_each_vectors(Result& r, F&& f) {
    f(r.left);
    f(r.right);
  }
};

/// What verbs that move a state share.
struct StateVerb {
  static constexpr bool takes_start = true;
  static constexpr std::size_t sets = 1;
  template <class Request>
  static const PortableOperator& operator_of(const Request& r) {
    return r.h;
  }
  template <class Request>
  static const PortableOperator* basis_of(const Request& r) {
    return &r.h;
  }
};

struct ExpmVerb : StateVerb {
  static constexpr const char* name = "expm_multiply";
  struct Request {
    PortableOperator h;
    std::complex<double> t;
    ExpmOptions options;
    template <class Archive>
    void serialize(Archive& archive) {
      archive(h, t, options);
    }
  };
  using Result = ExpmResult;
  static Result run(const Seat& seat, Request& request);
  template <class F>
  static void for_each_vectors(Result& r, F&& f) {
    std::visit(f, r.vectors);
  }
};

struct EvolveVerb : StateVerb {
  static constexpr const char* name = "evolve";
  struct Request {
    PortableOperator h;
    std::vector<double> times;
    EvolutionOptions options;
    std::vector<OpSum> observe;
    template <class Archive>
    void serialize(Archive& archive) {
      archive(h, times, options, observe);
    }
  };
  using Result = SessionEvolution;
  static Result run(const Seat& seat, Request& request);
  template <class F>
  static void for_each_vectors(Result& r, F&& f) {
    std::visit(f, r.state);
  }
};

}  // namespace detail
}  // namespace kronsolve
