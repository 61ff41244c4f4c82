#pragma once
// How the options and results of solvers travel to other processes: functions for cereal archives.

#include <complex>
#include <vector>

#include <kronsolve/core/serialize.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/expm.hpp>
#include <kronsolve/solvers/spectral_bounds.hpp>
#include <kronsolve/solvers/svds.hpp>

namespace kronsolve {

namespace detail {
template <class Callback>
void require_no_callback(const Callback& callback, const char* options) {
  if (callback)
    throw NotSupported(concat(options,
                              ": a progress callback cannot be sent to another process; leave "
                              "`progress` empty in what is sent"));
}
inline void require_no_checkpoint(const Checkpoint* checkpoint, const char* options) {
  if (checkpoint != nullptr)
    throw NotSupported(concat(options,
                              ": a checkpoint cannot be sent to another process; leave "
                              "`checkpoint` empty in what is sent"));
}
}  // namespace detail

template <class Archive>
void save(Archive& archive, const RowPartition& rows) {
  archive(std::vector<index_t>(rows.offsets().begin(), rows.offsets().end()));
}
template <class Archive>
void load(Archive& archive, RowPartition& rows) {
  std::vector<index_t> offsets;
  archive(offsets);
  rows = RowPartition(std::move(offsets));
}

/// The rows that the sender owns: the whole vectors only where it solved alone.
template <class Archive, Scalar T>
void save(Archive& archive, const DistributedVectors<T>& vectors) {
  archive(vectors.partition(), vectors.rank(), vectors.count());
  for (index_t j = 0; j < vectors.count(); ++j)
    archive(cereal::binary_data(vectors.column(j).data(), vectors.column(j).size_bytes()));
}
template <class Archive, Scalar T>
void load(Archive& archive, DistributedVectors<T>& vectors) {
  RowPartition rows;
  int rank = 0;
  index_t count = 0;
  archive(rows, rank, count);
  if (rank < 0 || rank >= rows.ranks() || count < 0)
    throw InvalidArgument(detail::concat("serialisation: rank ", rank, " of ", rows.ranks(),
                                         " with ", count, " vectors"));
  vectors = DistributedVectors<T>(std::move(rows), rank, count);
  for (index_t j = 0; j < count; ++j)
    archive(cereal::binary_data(vectors.column(j).data(), vectors.column(j).size_bytes()));
}

/// @throws NotSupported  `progress` is set
template <class Archive>
void serialize(Archive& archive, EighOptions& o) {
  detail::require_no_callback(o.progress, "EighOptions");
  if (o.against.index() != 0)
    throw NotSupported(
        "EighOptions: vectors to stay orthogonal to cannot be sent to another process; leave "
        "`against` empty in what is sent");
  detail::require_no_checkpoint(o.checkpoint, "EighOptions");
  archive(o.k, o.which, o.sigma, o.interval, o.tol, o.max_iterations, o.ncv, o.seed, o.start,
          o.method, o.form, o.vectors, o.certify, o.preconditioner, o.petsc_options, o.factors,
          o.position);
}
template <class Archive>
void serialize(Archive& archive, EighResult& r) {
  archive(r.eigenvalues, r.residuals, r.residual_kind, r.converged, r.converged_pairs, r.iterations,
          r.products, r.certified, r.certificate, r.certify_products, r.dimension, r.reason,
          r.method, r.form, r.scalar, r.setup_seconds, r.solve_seconds, r.memory_estimate_bytes,
          r.vectors);
}

/// @throws NotSupported  `progress` or `checkpoint` is set
template <class Archive>
void serialize(Archive& archive, SvdsOptions& o) {
  detail::require_no_callback(o.progress, "SvdsOptions");
  detail::require_no_checkpoint(o.checkpoint, "SvdsOptions");
  archive(o.k, o.which, o.tol, o.max_iterations, o.ncv, o.seed, o.method, o.vectors, o.certify);
}
template <class Archive, Scalar T>
void serialize(Archive& archive, SvdsResult<T>& r) {
  archive(r.singular_values, r.residuals, r.residual_kind, r.converged_flags, r.converged,
          r.converged_triplets, r.iterations, r.products, r.rows, r.cols, r.certified,
          r.certificate, r.inserted, r.certify_products, r.reason, r.method, r.solve_seconds,
          r.memory_estimate_bytes, r.left, r.right);
}

template <class Archive>
void serialize(Archive& archive, SpectralBounds& b) {
  archive(b.lower, b.upper, b.products);
}
template <class Archive>
void serialize(Archive& archive, ExpmOptions& o) {
  archive(o.method, o.tol, o.bounds, o.max_products, o.seed);
}
template <class Archive, Scalar T>
void serialize(Archive& archive, FunctionResult<T>& r) {
  archive(r.vectors, r.error, r.converged, r.products, r.degree, r.bounds, r.reason);
}
template <class Archive>
void serialize(Archive& archive, EvolutionOptions& o) {
  detail::require_no_callback(o.progress, "EvolutionOptions");
  detail::require_no_checkpoint(o.checkpoint, "EvolutionOptions");
  archive(o.method, o.axis, o.start, o.tol, o.bounds, o.max_products, o.max_step);
}
template <class Archive>
void serialize(Archive& archive, EvolutionResult& r) {
  archive(r.times, r.energies, r.norms, r.log_norms, r.errors, r.norm_drift, r.energy_drift,
          r.products, r.steps, r.converged, r.stopped, r.method, r.reason, r.state);
}

}  // namespace kronsolve
