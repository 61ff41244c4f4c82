#pragma once

#include <string>

#include <kronsolve/core/index.hpp>

namespace kronsolve::cli {

std::string grouped(index_t n);            ///< 1048576 as "1 048 576"
std::string seconds_text(double seconds);  ///< "85 ms", "8.1 s", "3 min 20 s", "2 h 5 min"
std::string value_text(double value);      ///< all 17 significant digits, a place kept for the sign
std::string residual_text(double residual);  ///< two digits, "3.1e-12"

}  // namespace kronsolve::cli
