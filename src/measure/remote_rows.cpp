#include "measure/remote_rows.hpp"

namespace kronsolve::detail {

template <Scalar T>
RemoteRows<T>::RemoteRows(const StateView<T>& psi)
    : comm_(&psi.comm()),
      partition_(psi.partition()),
      mine_(partition_.range(psi.comm().rank())),
      owned_(psi.owned()) {}

template <Scalar T>
std::vector<T> RemoteRows<T>::fetch(std::span<const index_t> rows) const {
  const auto ranks = static_cast<std::size_t>(comm_->size());
  std::vector<int> owner(rows.size());
  std::vector<std::vector<index_t>> wanted(ranks);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    owner[i] = partition_.owner(rows[i]);
    wanted[static_cast<std::size_t>(owner[i])].push_back(rows[i]);
  }
  const auto asked = comm_->all_to_all_v(wanted);
  wanted.clear();
  std::vector<std::vector<T>> answers(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    answers[r].reserve(asked[r].size());
    for (const index_t row : asked[r]) answers[r].push_back(owned(row));
  }
  const auto received = comm_->all_to_all_v(answers);
  std::vector<T> values(rows.size());
  std::vector<std::size_t> next(ranks, 0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto r = static_cast<std::size_t>(owner[i]);
    values[i] = received[r][next[r]++];
  }
  return values;
}

template class RemoteRows<double>;
template class RemoteRows<std::complex<double>>;

}  // namespace kronsolve::detail
