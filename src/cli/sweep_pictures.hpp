#pragma once

#include "cli/picture.hpp"
#include "cli/sweep_rows.hpp"

namespace kronsolve::cli {

/// The picture that plot is asked for, of these rows.
/// @throws InvalidArgument  a column that no row has, or no numbers
Picture picture_of(const Rows& rows, const PlotArguments& asked);
/// Rows that have results, averaged over what the sweep averages and over one column more.
/// @throws InvalidArgument  there are none; the sweep does not vary `average`
Rows rows_to_show(const SweepFolder& folder, const std::string& where, const std::string& average);

}  // namespace kronsolve::cli
