#include <fmt/format.h>

#include <kronsolve/core/error.hpp>

#include "cli/commands.hpp"
#include "cli/sweep_pictures.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

Answer run_plot(const Comm& comm, const Arguments& arguments, Clock::time_point) {
  const auto& asked = arguments.plot_of;
  if (arguments.argument.empty())
    throw InvalidArgument(
        "plot of what? give the folder of a sweep: kronsolve plot DIR --x bx --y gap -o gap.svg");
  Answer answer;
  comm.agree([&] {
    if (!comm.is_root()) return;
    const SweepFolder folder(arguments.argument);
    const Picture picture =
        picture_of(rows_to_show(folder, arguments.results.where, asked.average), asked);
    if (picture.series.size() > most_lines)
      throw InvalidArgument(detail::concat(
          picture.series.size(), " lines are too many to be told apart, ", most_lines,
          " are not; choose some with --where, or show the values as colours with --z"));
    draw(picture, arguments.plot);
    std::size_t points = picture.map ? picture.map->value.size() : 0;
    for (const auto& series : picture.series) points += series.x.size();
    answer.text = fmt::format("{}: {} of {}\n", arguments.plot,
                              counted(static_cast<index_t>(points), "point"), folder.path());
    for (const auto& series : picture.series)
      if (!series.fit_x.empty())
        answer.text += fmt::format("at 0 {}{}{}\n", with_error(series.at_zero),
                                   series.name.empty() ? "" : "  ", series.name);
  });
  return answer;
}

}  // namespace kronsolve::cli
