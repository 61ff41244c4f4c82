#pragma once
// Parts of JSON objects that several reports have.

#include <kronsolve/measure/thermodynamics.hpp>

#include "cli/report.hpp"

namespace kronsolve::cli {

/// A number, list or list of lists; complex numbers as [re, im].
Json json_of(const ObservableValue& value);
/// What is known of a problem before it is solved.
Json json_of(const std::string& command, const Problem& problem, index_t dimension,
             ScalarKind scalar);
/// What came of each sector of a scan.
Json json_of_sectors(const SectorLevels& found);
/// Adds the parameters of a model, defaults included, and where its sites are.
void add_parameters(Json& json, const std::map<std::string, std::string>& parameters,
                    const std::optional<Lattice>& lattice);
/// Adds observables that are means over states, and their standard errors where these have some.
void add_averages(Json& json, const std::vector<ThermalObservable>& observables);
/// Adds where it ran, how long and how large it was.
void add_cost(Json& json, const Cost& cost);

}  // namespace kronsolve::cli
