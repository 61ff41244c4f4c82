#pragma once
// What nearly every test would make the compiler instantiate again: Eigen's eigensolver, QR and
// products, GoogleTest's failures. Part of the precompiled header of tests; instances.cpp has them.

#include <complex>
#include <string>

#include <Eigen/Dense>
#include <gtest/gtest.h>

namespace kronsolve::test {

template <class S>
using DynamicMatrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic>;
template <class S, int Order>
using ConstMapper = Eigen::internal::const_blas_data_mapper<S, Eigen::Index, Order>;
template <class S>
using Kernel = Eigen::internal::gebp_traits<S, S>;
template <class S>
using Target =
    Eigen::internal::blas_data_mapper<S, Eigen::Index, Eigen::ColMajor, Eigen::Unaligned, 1>;

}  // namespace kronsolve::test

// A matrix times a vector: order and conjugation of the matrix, order and conjugation of the vector.
#define KRONSOLVE_TEST_GEMV(KEYWORD, S, ORDER, CONJ, VORDER, VCONJ, VERSION)   \
  KEYWORD template struct Eigen::internal::general_matrix_vector_product<      \
      Eigen::Index, S, kronsolve::test::ConstMapper<S, ORDER>, ORDER, CONJ, S, \
      kronsolve::test::ConstMapper<S, VORDER>, VCONJ, VERSION>;
#define KRONSOLVE_TEST_GEBP(KEYWORD, S, LCONJ, RCONJ)                                 \
  KEYWORD template struct Eigen::internal::gebp_kernel<                               \
      S, S, Eigen::Index, kronsolve::test::Target<S>, kronsolve::test::Kernel<S>::mr, \
      kronsolve::test::Kernel<S>::nr, LCONJ, RCONJ>;
#define KRONSOLVE_TEST_TRMM(KEYWORD, S, MODE, LORDER, LCONJ)                 \
  KEYWORD template struct Eigen::internal::product_triangular_matrix_matrix< \
      S, Eigen::Index, MODE, true, LORDER, LCONJ, Eigen::ColMajor, false, Eigen::ColMajor, 1, 0>;
// Same for both scalars; conjugation is none for the real ones.
#define KRONSOLVE_TEST_EIGEN(KEYWORD, S, CONJ)                                       \
  KEYWORD template Eigen::SelfAdjointEigenSolver<kronsolve::test::DynamicMatrix<S>>& \
  Eigen::SelfAdjointEigenSolver<kronsolve::test::DynamicMatrix<S>>::compute(         \
      const Eigen::EigenBase<kronsolve::test::DynamicMatrix<S>>&, int);              \
  KEYWORD template class Eigen::HouseholderQR<kronsolve::test::DynamicMatrix<S>>;    \
  KEYWORD template struct Eigen::internal::selfadjoint_matrix_vector_product<        \
      S, Eigen::Index, Eigen::ColMajor, Eigen::Lower, false, false, 0>;              \
  KRONSOLVE_TEST_GEMV(KEYWORD, S, 0, false, 1, false, 0)                             \
  KRONSOLVE_TEST_GEMV(KEYWORD, S, 1, false, 0, false, 0)                             \
  KRONSOLVE_TEST_GEBP(KEYWORD, S, false, false)                                      \
  KRONSOLVE_TEST_TRMM(KEYWORD, S, 1, 0, CONJ)                                        \
  KRONSOLVE_TEST_TRMM(KEYWORD, S, 2, 1, false)                                       \
  KRONSOLVE_TEST_TRMM(KEYWORD, S, 5, 0, false)                                       \
  KRONSOLVE_TEST_TRMM(KEYWORD, S, 6, 1, CONJ)
#define KRONSOLVE_TEST_FAILURE(KEYWORD, A, B)                                      \
  KEYWORD template testing::AssertionResult testing::internal::CmpHelperOpFailure( \
      const char*, const char*, const A&, const B&, const char*);
#define KRONSOLVE_TEST_PRINT(KEYWORD, T) \
  KEYWORD template std::string testing::PrintToString(const T&);
#define KRONSOLVE_TEST_INSTANCES(KEYWORD)                                  \
  KRONSOLVE_TEST_EIGEN(KEYWORD, double, false)                             \
  KRONSOLVE_TEST_GEMV(KEYWORD, double, 1, false, 1, false, 1)              \
  KRONSOLVE_TEST_EIGEN(KEYWORD, std::complex<double>, true)                \
  KRONSOLVE_TEST_GEMV(KEYWORD, std::complex<double>, 0, true, 1, false, 0) \
  KRONSOLVE_TEST_GEMV(KEYWORD, std::complex<double>, 1, true, 0, false, 0) \
  KRONSOLVE_TEST_GEMV(KEYWORD, std::complex<double>, 1, false, 0, true, 0) \
  KRONSOLVE_TEST_GEMV(KEYWORD, std::complex<double>, 1, false, 1, true, 1) \
  KRONSOLVE_TEST_GEBP(KEYWORD, std::complex<double>, true, false)          \
  KRONSOLVE_TEST_GEBP(KEYWORD, std::complex<double>, false, true)          \
  KRONSOLVE_TEST_FAILURE(KEYWORD, double, double)                          \
  KRONSOLVE_TEST_FAILURE(KEYWORD, int, int)                                \
  KRONSOLVE_TEST_FAILURE(KEYWORD, long, int)                               \
  KRONSOLVE_TEST_FAILURE(KEYWORD, long, long)                              \
  KRONSOLVE_TEST_FAILURE(KEYWORD, unsigned long, unsigned long)            \
  KRONSOLVE_TEST_PRINT(KEYWORD, double)                                    \
  KRONSOLVE_TEST_PRINT(KEYWORD, int)                                       \
  KRONSOLVE_TEST_PRINT(KEYWORD, long)                                      \
  KRONSOLVE_TEST_PRINT(KEYWORD, unsigned)                                  \
  KRONSOLVE_TEST_PRINT(KEYWORD, unsigned long)                             \
  KRONSOLVE_TEST_PRINT(KEYWORD, std::string)

KRONSOLVE_TEST_INSTANCES(extern)
