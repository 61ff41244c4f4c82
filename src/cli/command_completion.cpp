#include "cli/commands.hpp"
#include "cli/completion.hpp"

namespace kronsolve::cli {

Answer run_completion(const Comm&, const Arguments& arguments, Clock::time_point) {
  Answer answer;
  answer.text = completion_script(arguments.argument);
  return answer;
}

}  // namespace kronsolve::cli
