#include "session/verbs.hpp"

#include <algorithm>

#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/solvers/operator_map.hpp>

namespace kronsolve::detail {

namespace {

RowPartition partition_of(const Seat& seat, index_t rows) {
  const int ranks = seat.comm->size();
  return seat.basis ? seat.basis->partition(ranks) : RowPartition(rows, ranks);
}

/// The owned rows of a whole vector. @throws DimensionError
template <class T>
std::vector<T> owned_rows(const Seat& seat, index_t rows, const std::vector<T>& whole,
                          const char* verb) {
  if (static_cast<index_t>(whole.size()) != rows)
    throw DimensionError(concat(verb, ": the start vector has ", whole.size(),
                                " entries, the operator ", rows, " rows"));
  const RowRange mine = partition_of(seat, rows).range(seat.comm->rank());
  return {whole.begin() + mine.begin, whole.begin() + mine.end};
}

/// Calls f(map) with the product of the operator. Collective.
template <class F>
auto with_map(const Seat& seat, const PortableOperator& h, const char* verb, F&& f) {
  using R = decltype(f(std::declval<const LinearMap<double>&>()));
  return std::visit(
      [&]<class C>(const C& content) -> R {
        if constexpr (std::same_as<C, SumInSector>) {
          if (const auto term = content.op.non_hermitian_part())
            throw InvalidArgument(concat(verb, ": the operator is not Hermitian: the term ", *term,
                                         " has no Hermitian partner; add it"));
          const SectorOperator op{content.op, seat.basis};
          if (op.scalar() == ScalarKind::real) return f(*make_operator_map<double>(*seat.comm, op));
          return f(*make_operator_map<std::complex<double>>(*seat.comm, op));
        } else {
          const auto stored = [&]<Scalar T>(const Lazy<T>& lazy) -> R {
            if (lazy.rows() != lazy.cols())
              throw DimensionError(concat(verb, ": the operator must be square, got ", lazy.rows(),
                                          " x ", lazy.cols()));
            return f(AssembledMap<T>(*seat.comm, lazy, partition_of(seat, lazy.rows())));
          };
          return stored(content.lazy());
        }
      },
      h.content());
}

template <Scalar T, class Source>
DistributedVectors<T> one_column(const Seat& seat, index_t rows, const Source& owned) {
  DistributedVectors<T> column(partition_of(seat, rows), seat.comm->rank(), 1);
  std::copy(owned.begin(), owned.end(), column.column(0).begin());
  return column;
}

/// The state to begin with on the rows of the operator; complex if it has to be.
EvolutionState start_state(const Seat& seat, index_t rows, ScalarKind least, const char* verb) {
  const auto as = [&]<Scalar T>(const auto& owned) -> EvolutionState {
    if constexpr (!is_complex<T>)
      if (least == ScalarKind::real) return one_column<double>(seat, rows, owned);
    return one_column<std::complex<double>>(seat, rows, owned);
  };
  return std::visit(
      [&]<class S>(const S& start) -> EvolutionState {
        if constexpr (std::same_as<S, std::monostate>) {
          throw InvalidArgument(concat(verb, ": a state to begin with is needed"));
        } else if constexpr (std::same_as<S, StateDescription>) {
          if (!seat.basis)
            throw InvalidArgument(concat(
                verb, ": a described state needs sites; rows of the user need all amplitudes"));
          if (least == ScalarKind::complex || start.scalar() == ScalarKind::complex)
            return as.template operator()<std::complex<double>>(
                make_state<std::complex<double>>(*seat.comm, *seat.basis, start).span());
          return as.template operator()<double>(
              make_state<double>(*seat.comm, *seat.basis, start).span());
        } else if constexpr (std::same_as<S, VectorId>) {
          return std::visit(
              [&]<Scalar T>(const DistributedVectors<T>& vectors) {
                if (vectors.partition() != partition_of(seat, rows))
                  throw DimensionError(concat(verb, ": the kept state has ",
                                              vectors.partition().rows(), " entries, the operator ",
                                              rows, " rows"));
                return as.template operator()<T>(vectors.column(start.column));
              },
              seat.kept_start->vectors);
        } else {
          using T = typename S::value_type;
          return as.template operator()<T>(owned_rows(seat, rows, start, verb));
        }
      },
      seat.start);
}

template <Scalar T>
ExpmResult to_result(FunctionResult<T> r) {
  return {r.error,  r.converged,         r.products,          r.degree,
          r.bounds, std::move(r.reason), std::move(r.vectors)};
}

}  // namespace

EighResult EighVerb::run(const Seat& seat, Request& request) {
  const PortableOperator& h = request.h;
  std::visit(
      [&]<class V>(V& start) {
        if constexpr (!std::same_as<V, std::monostate>)
          start = owned_rows(seat, h.rows(), start, "eigh");
      },
      request.options.start);
  return std::visit(
      [&]<class C>(const C& content) {
        if constexpr (std::same_as<C, SumInSector>)
          return eigh(*seat.comm, SectorOperator{content.op, seat.basis}, request.options);
        else
          return eigh(*seat.comm, content.lazy(), request.options);
      },
      h.content());
}

template <Scalar T>
SvdsResult<T> SvdsVerb<T>::run(const Seat& seat, Request& request) {
  return svds(*seat.comm, request.a.lazy(), request.options);
}
template struct SvdsVerb<double>;
template struct SvdsVerb<std::complex<double>>;

ExpmResult ExpmVerb::run(const Seat& seat, Request& request) {
  return with_map(seat, request.h, name, [&]<Scalar T>(const LinearMap<T>& map) {
    const bool turns = request.t.imag() != 0;
    const EvolutionState state =
        start_state(seat, request.h.rows(),
                    is_complex<T> || turns ? ScalarKind::complex : ScalarKind::real, name);
    return std::visit(
        [&]<Scalar V>(const DistributedVectors<V>& v) -> ExpmResult {
          if constexpr (is_complex<V>)
            return to_result(
                kronsolve::expm_multiply(map, request.t, v.column(0), request.options));
          else if constexpr (!is_complex<T>)
            return to_result(
                kronsolve::expm_multiply(map, request.t.real(), v.column(0), request.options));
          else
            throw Error("expm_multiply: a real state under a complex operator");
        },
        state);
  });
}

SessionEvolution EvolveVerb::run(const Seat& seat, Request& request) {
  if (!seat.basis && !request.observe.empty())
    throw InvalidArgument("evolve: rows of the user have no sites; leave `observe` empty");
  return with_map(seat, request.h, name, [&]<Scalar T>(const LinearMap<T>& map) {
    const EvolutionState state = start_state(seat, request.h.rows(), scalar_kind<T>, name);
    SessionEvolution result;
    const auto observe = [&](const EvolutionPoint& point) {
      std::visit(
          [&]<Scalar V>(const DistributedVectors<V>& v) {
            const StateView<V> psi(*seat.comm, *seat.basis, v.column(0));
            auto values = expectations(psi, std::span<const OpSum>(request.observe));
            for (auto& value : values) value /= point.norm * point.norm;
            result.expectations.push_back(std::move(values));
          },
          point.state);
      return Continue::yes;
    };
    const EvolutionObserver observer =
        request.observe.empty() ? EvolutionObserver{} : EvolutionObserver{observe};
    static_cast<EvolutionResult&>(result) = std::visit(
        [&](const auto& v) {
          return kronsolve::evolve(map, v, std::span<const double>(request.times), request.options,
                                   observer);
        },
        state);
    return result;
  });
}

}  // namespace kronsolve::detail
