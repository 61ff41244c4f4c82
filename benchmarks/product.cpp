// One product y = H x by several means, beside y = a x + y, the memory limit. Checks the answers
// against each other first; one JSON line a case. In a sector of the spin flip, such as
// sz=0,spinflip=1, the product is compared with half of the time that it takes without the flip.
//
//   benchmark_product [--assembled] [--no-plain] [--split S] CASE N SECTOR [CASE N SECTOR ...]
// under mpirun as well (the plain loop runs on one rank only). Threads: KRONSOLVE_NUM_THREADS.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <tuple>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/rows.hpp>

#include "cases.hpp"
#include "clock.hpp"
#include "handover.hpp"
#include "plain_loop.hpp"

namespace kronsolve::bench {
namespace {

struct Settings {
  bool assembled = false, plain = true;
  int split = -1;
};

/// Shortest of at least three runs within about a second, on the slowest rank.
template <class F>
double best_time(const Comm& comm, const F& run) {
  double best = 1e300, spent = 0;
  for (int k = 0; k < 3 || (k < 20 && spent < 1); ++k) {
    comm.barrier();
    const double start = now();
    run();
    const double seconds = comm.all_reduce(now() - start, Reduce::max);
    best = std::min(best, seconds);
    spent += seconds;
  }
  return best;
}

template <Scalar T>
double relative_difference(const Comm& comm, const Buffer<T>& a, const Buffer<T>& b) {
  double difference = 0, size = 0;
  for (index_t i = 0; i < a.size(); ++i) {
    difference += norm_squared(a[i] - b[i]);
    size += norm_squared(b[i]);
  }
  return std::sqrt(comm.all_reduce(difference) / comm.all_reduce(size));
}

/// The product without the flip of a sector that has one: what the blocks save.
template <Scalar T>
class Unfolded {
 public:
  Unfolded(const Comm& comm, const SectorOperator& h)
      : basis_(*h.basis),
        map_(make_matrix_free<T>(
            comm, {h.op, {std::shared_ptr<const Basis>(), &h.basis->configurations()}})),
        x_(map_->row_range().size(), vector_placement(comm)),
        y_(x_.size(), vector_placement(comm)) {
    fill_normal<T>(x_.span(), map_->row_range(), 1);
  }
  void apply() const { map_->apply(x_.span(), y_.span()); }
  index_t memory_bytes() const { return map_->memory_bytes(); }
  /// Of y = H x in the sector from the same without it. One rank.
  double difference(const Buffer<T>& x, const Buffer<T>& y) {
    const Basis& all = basis_.configurations();
    const auto amplitude = [&](index_t i) {
      const Location at = basis_.locate(all.state(i));
      return at.amplitude == 0.0 ? std::pair(index_t{0}, 0.0)
                                 : std::pair(basis_.row(at.key), at.amplitude.real());
    };
    for (index_t i = 0; i < all.size(); ++i) {
      const auto [row, factor] = amplitude(i);
      x_[i] = factor * x[row];
    }
    apply();
    double difference = 0, size = 0;
    for (index_t i = 0; i < all.size(); ++i) {
      const auto [row, factor] = amplitude(i);
      difference += norm_squared(y_[i] - factor * y[row]);
      size += norm_squared(y_[i]);
    }
    return std::sqrt(difference / size);
  }

 private:
  const Basis& basis_;
  std::unique_ptr<LinearMap<T>> map_;
  mutable Buffer<T> x_, y_;
};

/// Times of two products taken in turn: the medians.
template <class F, class G>
std::pair<double, double> times_in_turn(const Comm& comm, const F& first, const G& second) {
  std::vector<double> a, b;
  const auto timed = [&](const auto& run) {
    comm.barrier();
    const double start = now();
    run();
    return comm.all_reduce(now() - start, Reduce::max);
  };
  double spent = 0;
  while (a.size() < 5 || (a.size() < 201 && spent < 4)) {
    a.push_back(timed(first));
    b.push_back(timed(second));
    spent += a.back() + b.back();
  }
  const auto median = [](std::vector<double>& v) {
    std::nth_element(v.begin(), v.begin() + std::ssize(v) / 2, v.end());
    return v[v.size() / 2];
  };
  return {median(a), median(b)};
}

template <Scalar T>
void measure(const Comm& comm, const Case& c, const Settings& settings) {
  double start = now();
  const auto map = make_matrix_free<T>(comm, c.h, {.split = settings.split});
  const double plan_seconds = now() - start;
  const index_t rows = map->row_range().size();
  Buffer<T> x(rows, vector_placement(comm)), y(rows, vector_placement(comm)), z(rows);
  fill_normal<T>(x.span(), map->row_range(), 1);
  map->apply(x.span(), y.span());
  double error = 0, plain = 0, assembled = 0;
  index_t assembled_bytes = 0;
  double unfolded = 0, over_half = 0;
  index_t unfolded_bytes = 0;
  const bool flips = c.h.basis->symmetries() != nullptr && c.h.basis->paths() != nullptr;
  if (flips) {
    Unfolded<T> whole(comm, c.h);
    if (comm.size() == 1) error = std::max(error, whole.difference(x, y));
    double folded = 0;
    std::tie(folded, unfolded) = times_in_turn(
        comm, [&] { map->apply(x.span(), y.span()); }, [&] { whole.apply(); });
    over_half = folded / (unfolded / 2);
    unfolded_bytes = comm.all_reduce(whole.memory_bytes());
  }
  if (settings.plain && comm.size() == 1 && c.h.basis->symmetries() == nullptr) {
    const PlainLoop<T> loop(c.h);
    loop.apply(x.data(), z.data());
    error = std::max(error, relative_difference(comm, y, z));
    plain = best_time(comm, [&] { loop.apply(x.data(), z.data()); });
  }
  if (settings.assembled) {
    const AssembledMap<T> stored(comm, make_lazy<T>(c.h), map->row_partition());
    stored.apply(x.span(), z.span());
    error = std::max(error, relative_difference(comm, y, z));
    assembled = best_time(comm, [&] { stored.apply(x.span(), z.span()); });
    assembled_bytes = comm.all_reduce(stored.memory_bytes());
  }
  if (error > 1e-12) {
    std::fprintf(stderr, "%s: products differ by %.2e\n", c.name.c_str(), error);
    std::exit(1);
  }
  const int threads = num_threads();
  const double axpy = best_time(comm, [&] {
#pragma omp parallel for simd schedule(static) num_threads(threads)
    for (index_t i = 0; i < rows; ++i) z[i] += 0.5 * x[i];
  });
  const double product = best_time(comm, [&] { map->apply(x.span(), y.span()); });
  const double recurrence =
      best_time(comm, [&] { (void)map->apply_recurrence(x.span(), 0.5, z.span()); });
  // As Lanczos does it: what was written is read next, and written over.
  Buffer<T> p(rows, vector_placement(comm));
  std::copy(x.data(), x.data() + rows, p.data());
  std::fill(y.data(), y.data() + rows, T{});
  const double step = best_time(comm, [&] {
    (void)map->apply_recurrence(p.span(), 0.5, y.span());
    std::swap(p, y);
  });
  const double handover = handover_ns(threads);
  const index_t bytes = comm.all_reduce(map->memory_bytes());
  if (!comm.is_root()) return;
  std::printf(
      "{\"case\":\"%s\",\"dimension\":%lld,\"scalar\":\"%s\",\"ranks\":%d,\"threads\":%d,"
      "\"product\":%.6f,"
      "\"recurrence\":%.6f,\"step\":%.6f,\"handover_ns\":%.0f,\"axpy\":%.6f,\"over_axpy\":%.2f,"
      "\"plain\":%.6f,\"faster_than_plain\":%."
      "1f,"
      "\"assembled\":%.6f,\"faster_than_assembled\":%.2f,\"assembled_bytes\":%lld,\"plan_seconds\":"
      "%.4f,"
      "\"plan_bytes\":%lld,\"unfolded\":%.6f,\"over_half_of_unfolded\":%.3f,"
      "\"unfolded_plan_bytes\":%lld,\"difference\":%.1e}\n",
      c.name.c_str(), static_cast<long long>(map->rows()),
      std::string(to_string(scalar_kind<T>)).c_str(), comm.size(), threads, product, recurrence,
      step, handover, axpy, product / axpy, plain, plain / product, assembled, assembled / product,
      static_cast<long long>(assembled_bytes), plan_seconds, static_cast<long long>(bytes),
      unfolded, over_half, static_cast<long long>(unfolded_bytes), error);
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  std::unique_ptr<Environment> environment;
  if (launched_by_mpi()) environment = std::make_unique<Environment>();
  const Comm comm = environment ? Comm::world() : Comm::serial();
  Settings settings;
  int at = 1;
  for (; at < argc && argv[at][0] == '-'; ++at) {
    if (std::strcmp(argv[at], "--assembled") == 0) settings.assembled = true;
    if (std::strcmp(argv[at], "--no-plain") == 0) settings.plain = false;
    if (std::strcmp(argv[at], "--split") == 0 && at + 1 < argc)
      settings.split = std::atoi(argv[++at]);
  }
  for (; at + 2 < argc; at += 3) {
    const Case c = make_case(comm, argv[at], std::atoi(argv[at + 1]), argv[at + 2]);
    visit_scalar(c.h.op.scalar(), [&]<Scalar T>() { measure<T>(comm, c, settings); });
  }
  return 0;
}

}  // namespace
}  // namespace kronsolve::bench

int main(int argc, char** argv) {
  try {
    return kronsolve::bench::run(argc, argv);
  } catch (const kronsolve::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
