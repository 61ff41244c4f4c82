#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/index.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// Directions in which a lattice closes on itself.
enum class Cyclic { none, x, y, all };

/// A pair of neighbouring sites. `kind` tells directions apart: 0 along x, 1 along y, 2 diagonal
/// (of other lattices: the three bond directions).
struct Bond {
  int a = 0, b = 0;
  int kind = 0;
  friend bool operator==(const Bond&, const Bond&) = default;
};

/// Where each site goes: site i to image[i].
using SitePermutation = std::vector<int>;

/// Sites, the bonds between them and the permutations that map the lattice on itself. A small
/// value.
///
/// Site = (x*LY + y)*(sites per cell) + site of the cell. Every pair of sites is a bond once,
/// however often it wraps around; a cyclic direction of length 1 or 2 adds no bond. (Cells of
/// several sites differ where two cells wrap to pairs that are not yet joined: kagome and honeycomb
/// lattices of 2 x 2 cells are closed.)
class KRONSOLVE_EXPORT Lattice {
 public:
  /// n sites in a line.
  /// @throws InvalidArgument  n < 1, or cyclic along y
  static Lattice chain(int n, Cyclic cyclic = Cyclic::none);
  /// LX x LY sites, neighbours along x and y.
  /// @throws InvalidArgument  a length < 1 (all two-dimensional lattices)
  static Lattice square(int lx, int ly, Cyclic cyclic = Cyclic::none);
  /// `legs` chains of `length` sites: the square lattice legs x length; kind 0 are rungs, kind 1
  /// legs.
  static Lattice ladder(int legs, int length, Cyclic cyclic = Cyclic::none);
  /// The square lattice with one diagonal, (x, y) - (x+1, y+1).
  static Lattice triangular(int lx, int ly, Cyclic cyclic = Cyclic::none);
  /// Cells (A, B): A joined to B of its cell, of the cell x-1 and of the cell y-1.
  static Lattice honeycomb(int lx, int ly, Cyclic cyclic = Cyclic::none);
  /// Cells (A, B, C): a triangle in each cell, and one of B(x-1, y)... : A - B(x-1), A - C(y-1),
  /// B(x, y) - C(x+1, y-1).
  static Lattice kagome(int lx, int ly, Cyclic cyclic = Cyclic::none);
  /// Any graph. Repeated pairs count once.
  /// @throws InvalidArgument  a site outside [0, sites), or joined to itself
  static Lattice from_edges(int sites, const std::vector<std::pair<int, int>>& edges);
  /// By name: chain, square, ladder, triangular, honeycomb, kagome.
  /// @throws InvalidArgument  unknown name, wrong number of lengths
  static Lattice make(std::string_view name, const std::vector<int>& size, Cyclic cyclic);
  static const std::vector<std::string>& names();

  const std::string& name() const noexcept { return name_; }
  int sites() const noexcept { return sites_; }
  /// Lengths in cells: {n} of a chain, {LX, LY}; empty for a graph.
  const std::vector<int>& size() const noexcept { return size_; }
  int sites_per_cell() const noexcept { return cell_; }
  bool is_cyclic(int direction) const noexcept;
  const std::vector<Bond>& bonds() const noexcept { return bonds_; }
  /// Second neighbours: two steps along a chain, diagonals of the square lattice.
  /// @throws NotSupported  other lattices
  std::vector<Bond> second_bonds() const;

  /// Where a site is, in units of the lattice vectors: its cell and the place in the cell. A chain
  /// has its sites at (i, 0).
  /// @throws NotSupported  a graph
  std::array<double, 2> position(int site) const;

  /// By one cell along direction 0 (x) or 1 (y); nothing if the lattice is open there.
  std::optional<SitePermutation> translation(int direction) const;
  /// x -> LX-1-x (direction 0) or y -> LY-1-y (1); for a chain i -> n-1-i. Nothing for cells of
  /// several sites and graphs.
  std::optional<SitePermutation> reflection(int direction) const;

  struct Rotation {
    SitePermutation image;
    int order = 0;  ///< of a full turn
  };
  /// The smallest turn that maps sites on sites and bonds on bonds: a sixth on triangular,
  /// honeycomb and kagome lattices of LX = LY cells that are closed both ways, a quarter on squares
  /// with LX = LY, else a half; nothing if there is none.
  std::optional<Rotation> rotation() const;
  /// (x, y) -> (y, x), which exchanges sites B and C of a kagome cell; nothing unless LX = LY.
  std::optional<SitePermutation> diagonal_reflection() const;

  /// Length of the shortest way between two sites of a chain.
  int chain_distance(int i, int j) const noexcept;

 private:
  Lattice(std::string name, std::vector<int> size, int cell, Cyclic cyclic);
  /// Joins site s of cell (x, y) with site t of cell (x+dx, y+dy) wherever both exist; wraps where
  /// cyclic.
  void join(std::vector<Bond>& bonds, int s, int dx, int dy, int t, int kind) const;
  int site(int x, int y, int s) const noexcept;
  /// A place in sixths of the lattice vectors.
  struct Place {
    int u = 0, v = 0;
  };
  Place offset(int s) const noexcept;
  /// Where `move` takes each site; nothing unless sites go to sites and bonds to bonds.
  std::optional<SitePermutation> moved(const std::function<Place(Place)>& move) const;

  std::string name_;
  std::vector<int> size_;
  int cell_ = 1;
  int sites_ = 0;
  Cyclic cyclic_ = Cyclic::none;
  std::vector<Bond> bonds_;
};

/// The edges of a graph from a text file: two site numbers a line, counted from 0; `#` begins a
/// comment. Collective: rank 0 reads.
/// @throws IoError          the file cannot be read
/// @throws InvalidArgument  a line that is not two numbers from 0 (named by its number), no edge
KRONSOLVE_EXPORT std::vector<std::pair<int, int>> read_edges(const Comm& comm,
                                                             const std::string& path);

}  // namespace kronsolve
