#pragma once

#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/engine.hpp>

namespace kronsolve::frontend {

/// A Krylov-Schur solve of the engine that a checkpoint takes up, if there is one.
///
/// SLEPc gives nobody the inner state of a solve, so that one that goes on is another solve:
/// orthogonal to the pairs that had converged, from the sum of what there was of the others. That
/// takes up to a fifth more products (rings of 14 sites, 3 and 8 pairs, stopped after any restart).
/// Values are left to finish_pairs: vectors of several parts are in no order.
/// Collective.
/// @param problem   with nothing to stay orthogonal to
/// @param products  those of the parts before are added to it
template <Scalar T>
EnginePairs<T> krylov_schur(Engine<T>& engine, EngineEigh<T> problem, Checkpoint* checkpoint,
                            index_t& products);

}  // namespace kronsolve::frontend
