#pragma once

namespace kronsolve::vec {

/// A running sum that keeps what its additions round away (Kahan): for sums that come in no order
/// that blocks could be made of.
template <class Sum>
class Compensated {
 public:
  Compensated& operator+=(Sum value) {
    const Sum rest = value - lost_;
    const Sum sum = total_ + rest;
    lost_ = (sum - total_) - rest;
    total_ = sum;
    return *this;
  }
  Sum value() const { return total_ - lost_; }

 private:
  Sum total_{}, lost_{};
};

}  // namespace kronsolve::vec
