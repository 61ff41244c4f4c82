#include "session/solves.hpp"

#include <algorithm>

#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/hermitian_check.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "core/counted.hpp"

namespace kronsolve::detail {

namespace {

RowPartition partition_of(const SolveContext& where, index_t rows) {
  const int ranks = where.comm->size();
  return where.basis ? where.basis->partition(ranks) : RowPartition(rows, ranks);
}

/// The owned rows of a whole vector.
/// @throws DimensionError
template <class T>
std::vector<T> owned_rows(const SolveContext& where, index_t rows, const std::vector<T>& whole,
                          const char* solve) {
  if (static_cast<index_t>(whole.size()) != rows)
    throw DimensionError(concat(solve, ": the start vector has ", whole.size(),
                                " entries, the operator ", detail::counted(rows, "row")));
  const RowRange mine = partition_of(where, rows).range(where.comm->rank());
  return {whole.begin() + mine.begin, whole.begin() + mine.end};
}

/// Calls f(map) with the product of the operator. Collective.
template <class F>
auto with_map(const SolveContext& where, const PortableOperator& h, const char* solve, F&& f) {
  using R = decltype(f(std::declval<const LinearMap<double>&>()));
  return std::visit(
      [&]<class C>(const C& content) -> R {
        if constexpr (std::same_as<C, SumInSector>) {
          require_hermitian(content.op, solve);
          const SectorOperator op{content.op, where.basis};
          if (op.scalar() == ScalarKind::real)
            return f(*make_operator_map<double>(*where.comm, op));
          return f(*make_operator_map<std::complex<double>>(*where.comm, op));
        } else {
          const auto stored = [&]<Scalar T>(const Lazy<T>& lazy) -> R {
            if (lazy.rows() != lazy.cols())
              throw DimensionError(concat(solve, ": the operator must be square, got ", lazy.rows(),
                                          " x ", lazy.cols()));
            return f(AssembledMap<T>(*where.comm, lazy, partition_of(where, lazy.rows())));
          };
          return stored(content.lazy());
        }
      },
      h.content());
}

template <Scalar T, class Source>
DistributedVectors<T> one_column(const SolveContext& where, index_t rows, const Source& owned) {
  DistributedVectors<T> column(partition_of(where, rows), where.comm->rank(), 1);
  std::copy(owned.begin(), owned.end(), column.column(0).begin());
  return column;
}

/// The state to begin with on the rows of the operator; complex if it has to be.
EvolutionState start_state(const SolveContext& where, const Start& state, index_t rows,
                           ScalarKind least, const char* solve) {
  const auto as = [&]<Scalar T>(const auto& owned) -> EvolutionState {
    if constexpr (!is_complex<T>)
      if (least == ScalarKind::real) return one_column<double>(where, rows, owned);
    return one_column<std::complex<double>>(where, rows, owned);
  };
  return std::visit(
      [&]<class S>(const S& start) -> EvolutionState {
        if constexpr (std::same_as<S, std::monostate>) {
          throw InvalidArgument(concat(solve, ": a state to begin with is needed"));
        } else if constexpr (std::same_as<S, StateDescription>) {
          if (!where.basis)
            throw InvalidArgument(concat(
                solve, ": a described state needs sites; rows of the user need all amplitudes"));
          if (least == ScalarKind::complex || start.scalar() == ScalarKind::complex)
            return as.template operator()<std::complex<double>>(
                make_state<std::complex<double>>(*where.comm, *where.basis, start).span());
          return as.template operator()<double>(
              make_state<double>(*where.comm, *where.basis, start).span());
        } else if constexpr (std::same_as<S, VectorId>) {
          return std::visit(
              [&]<Scalar T>(const DistributedVectors<T>& vectors) {
                if (vectors.partition() != partition_of(where, rows))
                  throw DimensionError(concat(solve, ": the kept state has ",
                                              vectors.partition().rows(), " entries, the operator ",
                                              detail::counted(rows, "row")));
                return as.template operator()<T>(vectors.column(start.column));
              },
              where.kept->vectors);
        } else {
          using T = typename S::value_type;
          return as.template operator()<T>(owned_rows(where, rows, start, solve));
        }
      },
      state);
}

template <Scalar T>
ExpmResult to_result(FunctionResult<T> r) {
  return {r.error,  r.converged,         r.products,          r.degree,
          r.bounds, std::move(r.reason), std::move(r.vectors)};
}

}  // namespace

EighResult EighSolve::run(const SolveContext& where) {
  std::visit(
      [&]<class V>(V& start) {
        if constexpr (!std::same_as<V, std::monostate>)
          start = owned_rows(where, h.rows(), start, name);
      },
      options.start);
  return std::visit(
      [&]<class C>(const C& content) {
        if constexpr (std::same_as<C, SumInSector>)
          return eigh(*where.comm, SectorOperator{content.op, where.basis}, options);
        else
          return eigh(*where.comm, content.lazy(), options);
      },
      h.content());
}

template <Scalar T>
SvdsResult<T> SvdsSolve<T>::run(const SolveContext& where) {
  return svds(*where.comm, a.lazy(), options);
}
template struct SvdsSolve<double>;
template struct SvdsSolve<std::complex<double>>;

ExpmResult ExpmSolve::run(const SolveContext& where) {
  return with_map(where, h, name, [&]<Scalar T>(const LinearMap<T>& map) {
    const bool complex = is_complex<T> || t.imag() != 0;
    const EvolutionState state =
        start_state(where, start, h.rows(), complex ? ScalarKind::complex : ScalarKind::real, name);
    return std::visit(
        [&]<Scalar V>(const DistributedVectors<V>& v) -> ExpmResult {
          if constexpr (is_complex<V>)
            return to_result(kronsolve::expm_multiply(map, t, v.column(0), options));
          else if constexpr (!is_complex<T>)
            return to_result(kronsolve::expm_multiply(map, t.real(), v.column(0), options));
          else
            throw Error("expm_multiply: a real state under a complex operator");
        },
        state);
  });
}

SessionEvolution EvolveSolve::run(const SolveContext& where) {
  if (!where.basis && !observe.empty())
    throw InvalidArgument("evolve: rows of the user have no sites; leave `observe` empty");
  return with_map(where, h, name, [&]<Scalar T>(const LinearMap<T>& map) {
    const EvolutionState state = start_state(where, start, h.rows(), scalar_kind<T>, name);
    SessionEvolution result;
    const auto measure = [&](const EvolutionPoint& point) {
      std::visit(
          [&]<Scalar V>(const DistributedVectors<V>& v) {
            const StateView<V> psi(*where.comm, *where.basis, v.column(0));
            auto values = expectations(psi, std::span<const OpSum>(observe));
            for (auto& value : values) value /= point.norm * point.norm;
            result.expectations.push_back(std::move(values));
          },
          point.state);
      return Continue::yes;
    };
    const EvolutionObserver observer =
        observe.empty() ? EvolutionObserver{} : EvolutionObserver{measure};
    static_cast<EvolutionResult&>(result) = std::visit(
        [&](const auto& v) {
          return kronsolve::evolve(map, v, std::span<const double>(times), options, observer);
        },
        state);
    return result;
  });
}

}  // namespace kronsolve::detail
