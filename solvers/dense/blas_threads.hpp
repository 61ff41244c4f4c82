#pragma once

namespace kronsolve::dense {

/// Sets the number of BLAS threads for a scope and restores what was there. Process-wide: one scope
/// at a time.
class BlasThreads {
 public:
  explicit BlasThreads(int threads);  ///< threads >= 1
  ~BlasThreads();
  BlasThreads(const BlasThreads&) = delete;
  BlasThreads& operator=(const BlasThreads&) = delete;
  static int current();

 private:
  int before_;
};

}  // namespace kronsolve::dense
