#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/sweep_folder.hpp"

namespace kronsolve::cli {

/// Records of a sweep with what is looked at in them.
using Rows = std::vector<Json>;

/// A column of the output: a field, or a formula over fields.
struct Column {
  std::string title;
  Expression value;
};

Column field(const std::string& name);
/// Columns that are asked for, at commas outside of brackets.
std::vector<Column> parse_columns(const std::string& text);
/// Null where a row does not have it.
Json value_in(const Column& column, const Json& row);

bool is_named(const std::vector<std::string>& names, const std::string& name);
std::vector<std::string> names_of(const Rows& rows);
/// A formula looks at fields that some row has.
/// @throws InvalidArgument
void check_names(const Expression& expression, const std::vector<std::string>& known);

/// A value in a table: twelve digits, the first entries of a list.
std::string cell(const Json& value);
/// Numbers that are rounding noise beside their column are shown as 0.
void clean(std::vector<Json>& values);
/// What a table has unless told: what varies, what is derived, what is found.
std::vector<Column> usual_columns(const Rows& rows, const Sweep& sweep, bool averaged);

/// Of all points that have one, in the order of the points.
Rows records_of(const SweepFolder& folder);
/// Drops the rows where a condition does not hold; an empty one holds everywhere.
/// @throws InvalidArgument  it names no column, or holds nowhere
void keep_where(Rows& rows, const std::string& condition);
/// One row for all that differ in the `over` columns only: means, and standard errors as
/// `name_error`. Failed points do not count.
Rows averages(const Rows& rows, const Sweep& sweep, const std::vector<std::string>& over);

}  // namespace kronsolve::cli
