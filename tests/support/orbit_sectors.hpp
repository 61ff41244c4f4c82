#pragma once
// Sectors of every kind of symmetry and site.

#include <map>
#include <string>
#include <vector>

#include <kronsolve/operators/sectors.hpp>

namespace kronsolve::test {

using Conditions = std::vector<std::string>;
using Spaces = std::vector<LocalSpace>;

inline Spaces sites(int n, LocalSpace space = {}) {
  return Spaces(static_cast<std::size_t>(n), space);
}

inline const Lattice& ring(int n) {
  static std::map<int, Lattice> rings;
  return rings.try_emplace(n, Lattice::chain(n, Cyclic::all)).first->second;
}

inline std::vector<Sector> sectors_of_every_kind() {
  std::vector<Sector> sectors;
  const auto add = [&](const Spaces& spaces, const Lattice& lattice, const Conditions& conditions) {
    sectors.push_back(parse_sector(spaces, lattice, conditions));
  };
  // Rings of spins, real and complex characters, in 32 and in 64 bits.
  add(sites(12), ring(12), {"sz=0", "momentum=0", "reflection=1", "spinflip=1"});
  add(sites(12), ring(12), {"sz=0", "momentum=6", "reflection=-1", "spinflip=-1"});
  add(sites(11), ring(11), {"momentum=3"});
  add(sites(10), ring(10), {"sz=0", "momentum=3", "spinflip=-1"});
  add(sites(9), ring(9), {"reflection=-1"});
  add(sites(10), ring(10), {"sz=0", "spinflip=1"});
  add(sites(40), ring(40), {"sz=18", "momentum=5"});
  add(sites(40), ring(40), {"sz=18", "momentum=0", "reflection=1"});
  add(sites(7, LocalSpace::spin(2)), ring(7), {"sz=0", "momentum=0", "reflection=1", "spinflip=1"});
  add(sites(5, LocalSpace::spin(3)), ring(5), {"momentum=2", "sz=1/2"});
  // Planes.
  const Lattice square = Lattice::square(3, 3, Cyclic::all), box = Lattice::square(2, 3);
  add(sites(9), square, {"momentum-x=0", "momentum-y=0", "rotation=2", "reflection-x=1"});
  add(sites(9), square, {"momentum-x=1", "momentum-y=2"});
  add(sites(9), square, {"rotation=1"});
  add(sites(6, LocalSpace::spin(2)), box, {"reflection-x=-1", "reflection-y=1", "spinflip=1"});
  const Lattice triangles = Lattice::triangular(3, 3, Cyclic::all);
  add(sites(9), triangles, {"sz=1/2", "momentum-x=0", "momentum-y=0", "rotation=3"});
  // Bosons and fermions with their signs.
  add(sites(5, LocalSpace::boson(3)), ring(5), {"n=5", "momentum=1"});
  add(sites(8, LocalSpace::fermion()), ring(8), {"n=4", "momentum=3"});
  add(sites(8, LocalSpace::fermion()), ring(8), {"momentum=4", "reflection=-1"});
  add(sites(5, LocalSpace::electron()), ring(5), {"nup=2", "ndown=3", "momentum=2"});
  add(sites(4, LocalSpace::electron()), ring(4), {"nup=2", "ndown=2", "momentum=2", "spinflip=-1"});
  add(sites(4, LocalSpace::electron()), ring(4), {"momentum=0", "reflection=1", "spinflip=1"});
  add(sites(6, LocalSpace::tj()), ring(6), {"n=4", "momentum=1"});
  // Sites of several kinds: what is exchanged has to be alike.
  const Spaces mixed = {LocalSpace(),           LocalSpace::spin(2),  LocalSpace::electron(),
                        LocalSpace::fermion(),  LocalSpace(),         LocalSpace::spin(2),
                        LocalSpace::electron(), LocalSpace::fermion()};
  const Lattice line = Lattice::chain(8);
  add(mixed, line, {"permutation=4,5,6,7,0,1,2,3"});
  add(mixed, line, {"permutation=4,5,6,7,0,1,2,3:1/2", "spinflip=1"});
  add(mixed, line, {"permutation=4,1,2,3,0,5,6,7", "permutation=0,1,6,3,4,5,2,7:1/2"});
  // All permutations of six sites.
  add(sites(6), Lattice::chain(6), {"permutation=1,2,3,4,5,0", "permutation=1,0,2,3,4,5"});
  // Local rules.
  const LocalSpace atom = LocalSpace::boson(2);
  add(sites(12, atom), ring(12), {"blockade", "momentum=0", "reflection=1"});
  add(sites(11, atom), ring(11), {"n=3", "blockade", "momentum=2"});
  add(sites(9, atom), square, {"blockade", "momentum-x=0", "momentum-y=0", "rotation=0"});
  add(sites(8, LocalSpace::fermion()), ring(8), {"max-run=2", "n=4", "momentum=1"});
  add(sites(4, LocalSpace::electron()), ring(4), {"forbid=33", "nup=2", "momentum=2"});
  add(sites(10), ring(10), {"forbid=000;111", "momentum=5", "spinflip=-1"});
  add(sites(10), ring(10), {"forbid=000;111", "sz=0", "spinflip=1"});
  add(sites(40, atom), ring(40), {"blockade", "n=3", "momentum=7"});
  // The flip is all there is, and one state.
  add(sites(1), ring(1), {"spinflip=1"});
  return sectors;
}

}  // namespace kronsolve::test
