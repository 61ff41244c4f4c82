#pragma once
// A symmetry group acting on configurations: representatives found by table look-up.

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/symmetry_group.hpp>

#include "operators/bases/image_kernels.hpp"

namespace kronsolve::detail {

/// Configurations of these sites fit into a `name_t`.
bool have_names(const DigitCode& code);
/// @throws InvalidArgument  they do not
void require_names(const DigitCode& code);

/// Tables of a group. Immutable; shared by threads.
///
/// The image of a state is a sum over chunks of sites of table entries. Where all sites are spins,
/// a flip maps every state to (largest state - state), so that elements which differ by a flip
/// share their look-ups, if all elements come in such pairs.
class GroupAction {
 public:
  /// @throws InvalidArgument  as require_names
  explicit GroupAction(const SymmetryGroup& group);

  struct Found {
    name_t representative = 0;  ///< least state of the orbit
    int phase =
        0;  ///< U |state> = (sign) |representative> for an element U; character of U times sign
    int stabiliser = 1;     ///< elements that leave the representative where it is
    bool vanishes = false;  ///< the orbit carries no state of this symmetry
  };
  Found find(name_t state) const;
  /// Is it the least of its orbit, and does the orbit carry a state of this symmetry?
  bool carries(name_t state) const;

  /// What the images of a configuration gain by each of a list of steps.
  struct Steps {
    std::vector<std::uint32_t> narrow;  ///< [step][member], one of the two is empty
    std::vector<std::uint64_t> wide;
  };
  /// @param ends  for each step a configuration before it and after it; what a step changes is the
  ///              same wherever the sites it touches have these digits
  Steps steps(std::span<const std::pair<state_t, state_t>> ends) const;
  class Neighbours;

  /// Images of a state under every element, each with (character times sign): U |state> = (sign)
  /// |image>.
  std::vector<std::pair<name_t, int>> images_of(name_t state) const;
  /// The same of one element, a few look-ups.
  std::pair<name_t, int> image_of(int element, name_t state) const;
  index_t memory_bytes() const noexcept;

 private:
  static constexpr int most_chunks = 64;
  /// What one row of the tables serves.
  struct Member {
    int element = -1;
    int flipped =
        -1;  ///< the element that leads to the complement of the image, if they are paired
  };
  struct Chunk {
    name_t stride = 1, size = 1;
    int begin = 0, end = 0;  ///< sites
  };
  /// What fermion signs need: for each site the sites whose images lie behind its own.
  struct Sign {
    std::vector<std::uint64_t> behind;
    std::vector<std::uint64_t> overtaken;  ///< those of them before the site
    bool flips = false;
  };
  std::vector<SymmetryGroup::Element> make_members(const SymmetryGroup& group, bool all_spins);
  void add_tables(const std::vector<SymmetryGroup::Element>& elements);
  name_t chunk_image(const SymmetryGroup::Element& element, const Chunk& chunk, name_t value) const;
  /// Parts of the images that each chunk of a state gives.
  template <class Word>
  using Rows = std::array<const Word*, most_chunks>;
  template <class Word>
  Rows<Word> rows(const std::vector<Word>& tables, name_t state) const noexcept;
  std::size_t chunk_value(std::size_t chunk, name_t state) const noexcept;
  /// What is found of `state`, whose images are the sums of `rows`.
  template <class Word>
  Found find_in(const Rows<Word>& rows, const ImageLoops<Word>& loops, name_t state) const;
  template <class Word>
  bool carries_in(const std::vector<Word>& tables, const ImageLoops<Word>& loops,
                  name_t state) const;
  /// f(tables, loops) for states of 32 or 64 bits.
  template <class F>
  auto dispatch(F&& f) const;
  /// Sites with modes that are taken: up or spinless ones, and down ones.
  struct Occupied {
    std::uint64_t up = 0, down = 0;
  };
  Occupied occupied(name_t state) const noexcept;
  int phase(int element, const Occupied& occupied) const noexcept;
  bool odd_exchanges(const Sign& sign, const Occupied& occupied) const noexcept;

  DigitCode code_;
  std::vector<LocalSpace> spaces_;
  std::vector<Member> members_;
  std::vector<std::pair<int, bool>> tabled_;  ///< of each element its member, and whether flipped
  bool paired_ = false;                       ///< every member has a flipped element
  std::vector<int> phases_of_;                ///< by element
  int phases_ = 2;
  name_t largest_ = 0;
  std::vector<Chunk> chunks_;  ///< the last sites first
  std::size_t chunk_entries_ = 0;
  bool bitwise_ = false;
  std::vector<int> chunk_shifts_;
  /// Members rounded up to whole blocks; the others leave every state where it is.
  std::size_t padded_ = 0;
  const ImageKernels* kernels_ = &image_kernels();
  /// [chunk][value][member], where states fit into 32 bits: one state reads a few rows from end to
  /// end.
  std::vector<std::uint32_t> narrow_;
  std::vector<std::uint64_t> wide_;
  std::vector<std::uint64_t> member_bits_;  ///< a bit for each member that does not only fill up
  bool trivial_ = true;                     ///< every character is 1, without fermions
  std::vector<Sign> signs_;                 ///< by element; empty without fermions
  std::vector<Occupied> occupied_;          ///< [chunk][value]; empty without fermions
  std::uint64_t electron_sites_ = 0;        ///< whose modes a flip exchanges; spinless ones stay
};

/// Finds what steps lead to: the images of a configuration are made once, those of its neighbours
/// follow by one addition. For one thread.
class GroupAction::Neighbours {
 public:
  Neighbours(const GroupAction& action, const Steps& steps);
  void enter(name_t state);
  /// Of the neighbours behind some steps the representatives and phases as `Found` has them, of an
  /// orbit that vanishes any of its phases.
  /// @param to  the configurations after the steps
  void find(std::span<const int> steps, const name_t* to, name_t* representatives, int* phases);

 private:
  template <class Word>
  struct Scratch {
    std::vector<Word> images, least, most;
  };
  template <class Word>
  void find_in(const ImageLoops<Word>& loops, const std::vector<Word>& tables,
               Scratch<Word>& scratch, std::span<const int> steps, const name_t* to,
               name_t* representatives, int* phases);

  const GroupAction* action_;
  const Steps* steps_;
  Scratch<std::uint32_t> narrow_;
  Scratch<std::uint64_t> wide_;
  std::vector<int> members_;
};

}  // namespace kronsolve::detail
