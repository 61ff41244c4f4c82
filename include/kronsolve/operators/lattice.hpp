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
/// (of other lattices: the three bond directions; 3 joins the layers of a place).
struct Bond {
  int a = 0,                         ///< first site, from 0
      b = 0;                         ///< second site
  int kind = 0;                      ///< direction of the bond
  double weight = 1;                 ///< a factor of its couplings
  std::array<int, 2> step = {0, 0};  ///< cells from a to b, not wrapped; none on a graph
  friend bool operator==(const Bond&, const Bond&) = default;
};

/// Two vectors, in lattice vectors, by which a cluster repeats itself.
using ClusterVectors = std::array<std::array<int, 2>, 2>;

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
  /// Site 0 joined to all others.
  static Lattice star(int sites);
  /// Every site joined to every other.
  static Lattice complete(int sites);
  /// Any graph. Repeated pairs count once.
  /// @throws InvalidArgument  a site outside [0, sites), or joined to itself; a pair repeated with
  ///                          another kind or weight; a weight that is not finite
  static Lattice from_edges(int sites, const std::vector<Bond>& edges);
  /// By name: chain, square, ladder, triangular, honeycomb, kagome, star, complete.
  /// @throws InvalidArgument  unknown name, wrong number of lengths, a cyclic star
  static Lattice make(std::string_view name, const std::vector<int>& size, Cyclic cyclic);
  static const std::vector<std::string>& names();  ///< what make() takes
  /// |det| cells of a two-dimensional lattice that repeat themselves by these vectors. Cells are
  /// numbered (x, y), 0 <= x < size()[0], 0 <= y < size()[1]: going once round in x shifts y.
  /// @throws InvalidArgument  another lattice, vectors that are parallel
  static Lattice make_cluster(std::string_view name, const ClusterVectors& vectors);
  /// The same lattice with so many sites in place of each: site*layers + layer. Its bonds join the
  /// first ones, and each first one with the others of its place (kind 3, weight 1).
  Lattice with_layers(int layers) const;

  /// "chain", "kagome", ...; "edges" for a graph of the user.
  const std::string& name() const noexcept { return name_; }
  int sites() const noexcept { return sites_; }  ///< sites of all cells and layers
  /// Lengths in cells: {n} of a chain, {LX, LY}; empty for a graph.
  const std::vector<int>& size() const noexcept { return size_; }
  /// 1, honeycomb 2, kagome 3, times the layers.
  int sites_per_cell() const noexcept { return cell_; }
  /// Sites in the place of one; 1 unless with_layers() was called.
  int layers() const noexcept { return layers_; }
  /// Of a cluster, as given.
  const std::optional<ClusterVectors>& cluster() const noexcept { return cluster_; }
  bool is_cyclic(int direction) const noexcept;  ///< closed along 0 (x) or 1 (y)?
  /// Neighbours, each pair once.
  const std::vector<Bond>& bonds() const noexcept { return bonds_; }
  /// Pairs at the n-th distance of the infinite lattice, each once, between first layers;
  /// neighbours(1) has the pairs of bonds(). `kind` counts the directions.
  /// @throws NotSupported     a graph, n > 1
  /// @throws InvalidArgument  n outside [1, 20]
  std::vector<Bond> neighbours(int n) const;

  /// Where a site is, in units of the lattice vectors: its cell and the place in the cell. A chain
  /// has its sites at (i, 0).
  /// @throws NotSupported  a graph
  std::array<double, 2> position(int site) const;
  /// Between two sites, the shortest way round in cyclic directions; neighbours are at distance 1.
  /// @throws NotSupported  a graph
  double distance(int a, int b) const;
  /// 1 and -1 on the two sublattices that the bonds join, 1 on the first site of each piece.
  /// @throws InvalidArgument  there are none, naming the bond that shows it
  std::vector<int> sublattices() const;
  /// The angle that a twist of the boundaries gives a bond: the twists' share of its step.
  /// @param twist  in radians, of x and y (of a cluster: of its two vectors)
  double angle(const Bond& bond, const std::array<double, 2>& twist) const noexcept;
  /// The momentum k with k.A = 2 pi m[0], k.B = 2 pi m[1] for the vectors A, B by which the lattice
  /// repeats itself: k along each lattice vector, in parts of a full turn.
  struct Momentum {
    std::array<int, 2> turns = {0, 0};  ///< of each lattice vector
    int of = 1;                         ///< turns[i] / of is a part of a full turn
  };
  /// Of momentum numbers m along the directions (of a cluster: along its two vectors). Local.
  Momentum momentum(const std::array<int, 2>& m) const noexcept;
  /// One m for each momentum, as many as there are cells; of open directions 0 alone.
  std::vector<std::array<int, 2>> momenta() const;

  /// By one cell along direction 0 (x) or 1 (y); nothing if the lattice is open there.
  std::optional<SitePermutation> translation(int direction) const;
  /// x -> LX-1-x (direction 0) or y -> LY-1-y (1); for a chain i -> n-1-i; of a cluster x -> -x or
  /// y -> -y where that maps bonds on bonds. Nothing for cells of several sites and graphs.
  std::optional<SitePermutation> reflection(int direction) const;

  /// A rotation of the lattice about one of its sites, bonds or cells.
  struct Rotation {
    SitePermutation image;  ///< where each site goes
    int order = 0;          ///< of a full turn
  };
  /// The smallest turn that maps sites on sites and bonds on bonds: a sixth on triangular,
  /// honeycomb and kagome lattices of LX = LY cells that are closed both ways, a quarter on squares
  /// with LX = LY, else a half; of clusters whichever their vectors have; nothing if there is none.
  std::optional<Rotation> rotation() const;
  /// (x, y) -> (y, x), which exchanges sites B and C of a kagome cell; nothing unless LX = LY.
  std::optional<SitePermutation> diagonal_reflection() const;

  /// Length of the shortest way between two sites of a chain.
  int chain_distance(int i, int j) const noexcept;

 private:
  Lattice(std::string name, std::vector<int> size, int cell, Cyclic cyclic);
  /// Bonds of a lattice whose cells have been set.
  void join_neighbours();
  static Lattice graph(std::string name, int sites);
  /// Joins site s of cell (x, y) with site t of cell (x+dx, y+dy) wherever both exist; wraps where
  /// cyclic.
  void join(std::vector<Bond>& bonds, int s, int dx, int dy, int t, int kind) const;
  /// Length along a direction in cells.
  int length(int direction) const noexcept;
  int site(int x, int y, int s) const noexcept;
  /// The cell that stands for this one; nothing outside an open lattice.
  std::optional<std::array<int, 2>> cell_at(int x, int y) const noexcept;
  /// A place in the plane, in distances of neighbours.
  std::array<double, 2> plane(double u, double v) const noexcept;
  /// Vectors of the plane by which the lattice repeats itself, two short ones where there are two.
  std::vector<std::array<double, 2>> periods() const;
  /// A place in sixths of the lattice vectors.
  struct Place {
    int u = 0, v = 0;
  };
  Place offset(int s) const noexcept;
  /// Where `move` takes each site; nothing unless sites go to sites and bonds to bonds.
  std::optional<SitePermutation> moved(const std::function<Place(Place)>& move) const;

  std::string name_;
  std::vector<int> size_;
  int cell_ = 1;  ///< sites of a cell, all layers
  int layers_ = 1;
  int sites_ = 0;
  int shift_ = 0;  ///< of a cluster: (LX, 0) is the cell (0, -shift)
  Cyclic cyclic_ = Cyclic::none;
  std::optional<ClusterVectors> cluster_;
  std::vector<Bond> bonds_;
};

/// The edges of a graph from a text file, one a line: two site numbers, counted from 0; after them a
/// weight ("0 1 0.5"), or a kind and a weight ("0 1 2 0.5"). `#` begins a comment. Collective: rank
/// 0 reads.
/// @throws IoError          the file cannot be read
/// @throws InvalidArgument  a line that is not such an edge (named by its number), no edge
KRONSOLVE_EXPORT std::vector<Bond> read_edges(const Comm& comm, const std::string& path);

}  // namespace kronsolve
