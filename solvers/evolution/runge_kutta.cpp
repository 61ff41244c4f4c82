#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <kronsolve/core/threads.hpp>

#include "solvers/evolution/propagator.hpp"

namespace kronsolve::evolution {

namespace {

/// Coefficients of the method of Dormand and Prince of order 8 with embedded 5 and 3: Hairer,
/// Norsett and Wanner, Solving Ordinary Differential Equations I, 1993,
/// doi:10.1007/978-3-540-78862-1, section II.10.
constexpr int stages = 12;
constexpr std::array<double, stages> nodes = {0,
                                              0.0526001519587677318785587544488,
                                              0.0789002279381515978178381316732,
                                              0.118350341907227396726757197510,
                                              0.281649658092772603273242802490,
                                              1.0 / 3,
                                              0.25,
                                              4.0 / 13,
                                              127.0 / 195,
                                              0.6,
                                              6.0 / 7,
                                              1};
constexpr double a[stages][stages] = {
    {},
    {0.0526001519587677318785587544488},
    {0.0197250569845378994544595329183, 0.0591751709536136983633785987549},
    {0.0295875854768068491816892993775, 0, 0.0887627564304205475450678981324},
    {0.241365134159266685502369798665, 0, -0.884549479328286085344864962717,
     0.924834003261792003115737966543},
    {0.037037037037037037037037037037, 0, 0, 0.170828608729473871279604482173,
     0.125467687566822425016691814123},
    {0.037109375, 0, 0, 0.170252211019544039314978060272, 0.0602165389804559606850219397283,
     -0.017578125},
    {0.0370920001185047927108779319836, 0, 0, 0.170383925712239993810214054705,
     0.107262030446373284651809199168, -0.0153194377486244017527936158236,
     0.00827378916381402288758473766002},
    {0.624110958716075717114429577812, 0, 0, -3.36089262944694129406857109825,
     -0.868219346841726006818189891453, 27.5920996994467083049415600797,
     20.1540675504778934086186788979, -43.4898841810699588477366255144},
    {0.477662536438264365890433908527, 0, 0, -2.48811461997166764192642586468,
     -0.590290826836842996371446475743, 21.2300514481811942347288949897,
     15.2792336328824235832596922938, -33.2882109689848629194453265587,
     -0.0203312017085086261358222928593},
    {-0.93714243008598732571704021658, 0, 0, 5.18637242884406370830023853209,
     1.09143734899672957818500254654, -8.14978701074692612513997267357,
     -18.5200656599969598641566180701, 22.7394870993505042818970056734,
     2.49360555267965238987089396762, -3.0467644718982195003823669022},
    {2.27331014751653820792359768449, 0, 0, -10.5344954667372501984066689879,
     -2.00087205822486249909675718444, -17.9589318631187989172765950534,
     27.9488845294199600508499808837, -2.85899827713502369474065508674,
     -8.87285693353062954433549289258, 12.3605671757943030647266201528,
     0.643392746015763530355970484046}};
constexpr std::array<double, stages> weights = {0.0542937341165687622380535766363,
                                                0,
                                                0,
                                                0,
                                                0,
                                                4.45031289275240888144113950566,
                                                1.89151789931450038304281599044,
                                                -5.8012039600105847814672114227,
                                                0.31116436695781989440891606237,
                                                -0.152160949662516078556178806805,
                                                0.201365400804030348374776537501,
                                                0.0447106157277725905176885569043};
/// Differences to the embedded methods of order 5 and 3.
constexpr std::array<double, stages> error5 = {0.01312004499419488073250102996,
                                               0,
                                               0,
                                               0,
                                               0,
                                               -1.225156446376204440720569753,
                                               -0.4957589496572501915214079952,
                                               1.664377182454986536961530415,
                                               -0.3503288487499736816886487290,
                                               0.3341791187130174790297318841,
                                               0.08192320648511571246570742613,
                                               -0.02235530786388629525884427845};
constexpr std::array<double, stages> error3 = {weights[0] - 0.244094488188976377952755905512,
                                               0,
                                               0,
                                               0,
                                               0,
                                               weights[5],
                                               weights[6],
                                               weights[7],
                                               weights[8] - 0.733846688281611857341361741547,
                                               weights[9],
                                               weights[10],
                                               weights[11] - 0.0220588235294117647058823529412};

template <Scalar T>
class RungeKutta final : public Propagator<T> {
 public:
  RungeKutta(const Comm& comm, OperatorAt<T> h, StepGuard guard, TimeAxis axis, double width,
             index_t max_products, std::optional<Growth> growth)
      : comm_(&comm),
        h_(std::move(h)),
        guard_(std::move(guard)),
        axis_(axis),
        growth_(growth),
        width_(width),
        step_(width > 0 ? 0.5 / width : 1),
        most_products_(max_products),
        most_steps_(max_products / stages + 1) {}

  std::vector<double> memory() const override { return {step_, rate_}; }
  void remember(const std::vector<double>& memory) override {
    step_ = memory.at(0);
    rate_ = memory.at(1);
  }

  Advance advance(DistributedVectors<T>& state, double from, double to, double tol) override {
    require_products(std::abs(to - from));
    if (k_.empty())
      for (int s = 0; s < stages; ++s) k_.push_back(vec::like(state));
    DistributedVectors<T> trial = vec::like(state);
    const double total = std::abs(to - from), sign = to < from ? -1 : 1;
    Advance result{.steps = 0};
    double done = 0, norm = vec::norm(*comm_, state);
    const double most = !growth_ ? 0 : sign > 0 ? growth_->forward : growth_->backward;
    guard_.begin(from, to);
    right_side(from, state, k_[0]);
    for (index_t tries = 0; done < total; ++tries) {
      if (tries >= most_steps_)
        throw InvalidArgument(detail::concat(
            "evolution: ", tries, " Runge-Kutta steps reached time ", from + sign * done, " of ",
            to, ", max_products does not allow more; use method expm, or raise it"));
      const double t = from + sign * done, rest = total - done;
      const double h = std::min(guard_.limit(step_), rest);
      const bool last = h >= rest;
      // Errors of steps add up, so each may take its share, less what it may still grow by beside
      // the state; below rounding nothing can be asked. How fast the state will grow is a guess.
      constexpr double safety = 0.125;
      const double ahead = growth_ ? std::max(most - rate_, 0.0) * (rest - h) : 0;
      const double share = growth_ ? safety * std::exp(-ahead) : 1;
      const double allowed =
          std::max(tol * h / total * share, 4 * std::numeric_limits<double>::epsilon());
      const double missed = guard_.missed(t, sign * h, {nodes, weights});
      if (missed > allowed && !guard_.is_shortest(h)) {
        step_ = h / 2;
        continue;
      }
      const double estimate = step(state, trial, t, sign * h) / norm + missed;
      const double factor =
          std::clamp(0.9 * std::pow(allowed / std::max(estimate, 1e-300), 1.0 / 7), 0.2, 4.0);
      if (!(estimate <= allowed) && !guard_.is_shortest(h)) {
        step_ = h * std::min(factor, 0.9);
        continue;
      }
      std::swap(state, trial);
      done = last ? total : done + h;
      if (this->on_step) this->on_step(from + sign * done);
      if (!last || factor < 1) step_ = h * factor;
      ++result.steps;
      const double before = std::exchange(norm, vec::norm(*comm_, state));
      if (!(norm > 0) || !std::isfinite(norm))
        throw InvalidArgument(detail::concat("evolution: the state has grown to the norm ", norm,
                                             " at time ", from + sign * done,
                                             ", beyond what numbers hold; shorten the time"));
      if (growth_) {
        const double grown = std::exp(most * h) * before / norm;
        result.error = result.error * grown + estimate * before / norm;
        result.amplified *= grown;
        rate_ = std::log(norm / before) / h;
      } else {
        result.error += estimate;
      }
      if (axis_ == TimeAxis::imaginary || growth_) {
        vec::scale(1 / norm, state);
        result.log_scale += std::log(norm);
        norm = 1;
      }
      if (done < total) right_side(from + sign * done, state, k_[0]);
    }
    return result;
  }

 private:
  /// Where the operator does not change, a step is at most about eight over its norm long: the
  /// method is not stable beyond.
  void require_products(double time) const {
    const double needed = stages * time * width_ / 8;
    if (guard_.is_constant() && needed > static_cast<double>(most_products_))
      throw InvalidArgument(detail::concat(
          "evolution: method integrate needs about ", needed, " products for a time of ", time,
          ", max_products is ", most_products_, "; use method expm, shorten the time or raise it"));
  }

  /// One step from k_[0] = f(t, y); returns the estimate of its error.
  double step(const DistributedVectors<T>& y, DistributedVectors<T>& out, double t, double h) {
    for (int s = 1; s < stages; ++s) {
      combine(&y, std::span(a[s], static_cast<std::size_t>(s)), h, out);
      right_side(t + nodes[static_cast<std::size_t>(s)] * h, out, k_[static_cast<std::size_t>(s)]);
    }
    combine(nullptr, error5, 1, out);
    const double five = vec::norm(*comm_, out);
    combine(nullptr, error3, 1, out);
    const double three = vec::norm(*comm_, out);
    combine(&y, weights, h, out);
    const double size = std::hypot(five, 0.1 * three);
    return size > 0 ? std::abs(h) * five * (five / size) : 0;
  }

  /// out = y + h sum_s c[s] k_s, in pieces that stay in the cache.
  void combine(const DistributedVectors<T>* y, std::span<const double> c, double h,
               DistributedVectors<T>& out) {
    constexpr index_t piece = 2048;
    const index_t n = out.row_range().size();
    for (index_t p = 0; p < out.count(); ++p) {
      T* const to = out.column(p).data();
      const T* const start = y != nullptr ? y->column(p).data() : nullptr;
#pragma omp parallel for num_threads(num_threads()) schedule(static) if (n >= vec::parallel_rows)
      for (index_t begin = 0; begin < n; begin += piece) {
        const index_t end = std::min(n, begin + piece);
        for (index_t i = begin; i < end; ++i) to[i] = start != nullptr ? start[i] : T{};
        for (std::size_t s = 0; s < c.size(); ++s) {
          if (c[s] == 0) continue;
          const double factor = h * c[s];
          const T* const from = std::as_const(k_[s]).column(p).data();
          for (index_t i = begin; i < end; ++i) to[i] += factor * from[i];
        }
      }
    }
  }

  /// out = -i H(t) y, or -H y.
  void right_side(double t, const DistributedVectors<T>& y, DistributedVectors<T>& out) {
    const LinearMap<T>& h = h_(t);
    if (axis_ == TimeAxis::imaginary || is_complex<T>) {
      for (index_t p = 0; p < y.count(); ++p) {
        h.apply(y.column(p), out.column(p));
        if constexpr (is_complex<T>)
          vec::scale<T>(axis_ == TimeAxis::imaginary ? T(-1) : T(0, -1), out.column(p));
        else
          vec::scale<T>(-1.0, out.column(p));
      }
    } else {  // (u + iv)' = -i H (u + iv) = H v - i H u
      h.apply(y.column(1), out.column(0));
      h.apply(y.column(0), out.column(1));
      vec::scale<T>(-1.0, out.column(1));
    }
  }

  const Comm* comm_;
  OperatorAt<T> h_;
  StepGuard guard_;
  TimeAxis axis_;
  std::optional<Growth> growth_;
  double width_, step_;
  double rate_ = 0;  // at which the norm grew in the last step
  index_t most_products_;
  index_t most_steps_;
  std::vector<DistributedVectors<T>> k_;
};

}  // namespace

template <Scalar T>
std::unique_ptr<Propagator<T>> make_runge_kutta(const Comm& comm, OperatorAt<T> h, StepGuard guard,
                                                TimeAxis axis, double width, index_t max_products,
                                                std::optional<Growth> growth) {
  return std::make_unique<RungeKutta<T>>(comm, std::move(h), std::move(guard), axis, width,
                                         max_products, growth);
}

#define KRONSOLVE_INSTANTIATE(T)                            \
  template std::unique_ptr<Propagator<T>> make_runge_kutta( \
      const Comm&, OperatorAt<T>, StepGuard, TimeAxis, double, index_t, std::optional<Growth>);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::evolution
