// Whatever text a parser is given: it reads it, or says in an exception of ours what is wrong; and what it has read
// it reads again from its own text. The first character says which parser, or that the rest comes over a connection.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/matrix_market.hpp>
#include <kronsolve/operators/op_file.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/states.hpp>

#include "fuzz/wire.hpp"

namespace kronsolve {

void fuzz::require(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

namespace {

using fuzz::require;

const std::vector<LocalSpace>& some_sites() {
  static const std::vector<LocalSpace> spaces = {LocalSpace::spin(1),    LocalSpace::spin(2),
                                                 LocalSpace::boson(3),   LocalSpace::fermion(),
                                                 LocalSpace::electron(), LocalSpace::tj()};
  return spaces;
}

/// The bytes as a file that can be opened by name.
class File {
 public:
  explicit File(const std::string& bytes) : descriptor_(memfd_create("fuzz", MFD_CLOEXEC)) {
    require(write(descriptor_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
            "no file in memory");
  }
  ~File() { close(descriptor_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// The text of an operator leaves out terms that are zero.
void read_back(const OpSum& op) {
  std::vector<OpTerm> terms;
  for (const auto& term : op.terms())
    if (term.coefficient != 0.0) terms.push_back(term);
  require(OpSum::parse(op.text(), op.spaces(), op.definitions()).terms() == terms,
          "another operator is read back");
}

void operator_file(const std::string& text) {
  const OpSum op = parse_operator_file(text, "fuzz.toml").op;
  for (const auto& space : op.spaces())
    require(LocalSpace::parse(space.name()) == space, "another local space is read back");
  read_back(op);
}

void matrix_file(const std::string& text) {
  const File file(text);
  const Comm serial;
  std::visit([](const auto& rows) { require_valid(rows.rows, "fuzz"); },
             read_matrix_market(serial, file.path()));
}

void edge_file(const std::string& text) {
  const File file(text);
  const Comm serial;
  for (const auto& edge : read_edges(serial, file.path()))
    require(edge.a >= 0 && edge.b >= 0 && edge.kind >= 0 && std::isfinite(edge.weight),
            "a negative site or kind, or a weight that is no number");
}

void sector(const std::string& text) {
  const auto spaces = some_sites();
  const auto parsed = parse_sector(spaces, Lattice::chain(static_cast<int>(spaces.size())), {text});
  require(parse_sector(spaces, Lattice::chain(static_cast<int>(spaces.size())), parsed.conditions)
                  .conditions == parsed.conditions,
          "another sector is read back");
}

void run(char which, const std::string& text) {
  switch (which) {
    case 'o':
      return operator_file(text);
    case 't':
      return read_back(OpSum::parse(text, some_sites()));
    case 'm':
      return matrix_file(text);
    case 'e':
      return edge_file(text);
    case 'c':
      return sector(text);
    case 's':
      return (void)parse_state(text, some_sites());
    case 'l':
      return (void)LocalSpace::parse(text);
    case 'b':
      return (void)parse_bytes(text, "fuzz");
    case 'w':
      return fuzz::worker_connection(text);
    case 'x':
      return fuzz::strange_connection(text);
    default:
      return;
  }
}

}  // namespace
}  // namespace kronsolve

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  setenv("KRONSOLVE_MEMORY_LIMIT", "1G", 1);  // what a file announces is not there
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  try {
    kronsolve::run(static_cast<char>(data[0]),
                   std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  } catch (const kronsolve::Error&) {  // said so
  }
  return 0;
}
