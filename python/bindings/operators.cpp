// Operators: descriptions, models, sectors, products, rows, Kronecker products.

#include <algorithm>

#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/kron.hpp>
#include <kronsolve/operators/matrix_market.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/op_file.hpp>
#include <kronsolve/operators/sector_scan.hpp>
#include <kronsolve/operators/serialize.hpp>

#include "operator.hpp"
#include "python_error.hpp"

namespace kronsolve::python {

namespace {

using Complex = std::complex<double>;

std::vector<LocalSpace> spaces_of(const std::vector<std::string>& names) {
  std::vector<LocalSpace> spaces;
  for (const auto& name : names) spaces.push_back(LocalSpace::parse(name));
  return spaces;
}

std::vector<std::string> names_of(const std::vector<LocalSpace>& spaces) {
  std::vector<std::string> names;
  for (const auto& space : spaces) names.push_back(space.name());
  return names;
}

// ---- lattices: (name, size, cyclic, sites, edges, layers, cluster) -----------------------------

/// (a, b), (a, b, weight) or (a, b, kind, weight).
std::vector<Bond> edges_of(const std::vector<std::vector<double>>& given) {
  const auto whole = [](double value) {
    const int number = static_cast<int>(value);
    if (number != value || number < 0)
      throw InvalidArgument("edges: sites and kinds are whole numbers from 0");
    return number;
  };
  std::vector<Bond> edges;
  for (const auto& edge : given) {
    if (edge.size() < 2 || edge.size() > 4)
      throw InvalidArgument("an edge is (a, b), (a, b, weight) or (a, b, kind, weight)");
    edges.push_back({whole(edge[0]), whole(edge[1]), edge.size() > 3 ? whole(edge[2]) : 0,
                     edge.size() > 2 ? edge.back() : 1});
  }
  return edges;
}

Cyclic cyclic_of(const std::string& text) {
  if (text.empty()) return Cyclic::none;
  if (text == "x") return Cyclic::x;
  if (text == "y") return Cyclic::y;
  if (text == "all") return Cyclic::all;
  throw InvalidArgument(detail::concat("cyclic must be True, False, 'x' or 'y', got '", text, "'"));
}

using Edges = std::vector<std::vector<double>>;

std::optional<Lattice> lattice_from(const py::object& facts) {
  if (facts.is_none()) return {};
  const auto [name, size, cyclic, sites, edges, layers, cluster] =
      facts.cast<std::tuple<std::string, std::vector<int>, std::string, int, Edges, int,
                            std::optional<ClusterVectors>>>();
  if (size.empty()) return Lattice::from_edges(sites, edges_of(edges));
  const auto places = cluster ? Lattice::make_cluster(name, *cluster)
                              : Lattice::make(name, size, cyclic_of(cyclic));
  return layers > 1 ? places.with_layers(layers) : places;
}

py::object facts_of(const std::optional<Lattice>& lattice) {
  if (!lattice) return py::none();
  Edges edges;
  if (lattice->size().empty())
    for (const Bond& bond : lattice->bonds())
      edges.push_back({double(bond.a), double(bond.b), double(bond.kind), bond.weight});
  const bool x = lattice->is_cyclic(0), y = lattice->size().size() > 1 && lattice->is_cyclic(1);
  const bool all = x && (y || lattice->size().size() < 2);
  const std::string cyclic = all ? "all" : x ? "x" : y ? "y" : "";
  return py::make_tuple(lattice->name(), lattice->size(), cyclic, lattice->sites(), edges,
                        lattice->layers(), lattice->cluster());
}

// ---- making operators --------------------------------------------------------------------------

SharedOperator model(const std::string& name, const py::dict& given) {
  const Options from(given);
  ModelOptions o;
  std::string cyclic;
  from.read("sites", o.sites);
  from.read("size", o.size);
  from.read("cluster", o.cluster);
  from.read("cyclic", cyclic);
  from.read("lattice", o.lattice);
  Edges edges;
  from.read("edges", edges);
  o.edges = edges_of(edges);
  from.read("spin", o.spin);
  std::map<std::string, std::string> params;
  from.read("params", params);
  o.params.insert(params.begin(), params.end());
  o.cyclic = cyclic_of(cyclic);
  Model made = make_model(name, o);
  return std::make_shared<Operator>(std::move(made.op), std::move(made.lattice));
}

py::list list_models() {
  py::list all;
  for (const auto& info : models()) {
    py::list parameters;
    for (const auto& p : info.parameters)
      parameters.append(py::make_tuple(p.name, p.default_value, p.doc));
    all.append(py::make_tuple(info.name, info.formula, parameters, info.lattices, info.local));
  }
  return all;
}

SharedOperator term(const std::vector<std::string>& spaces, Complex coefficient,
                    const std::vector<std::pair<std::string, int>>& factors) {
  OpSum op(spaces_of(spaces));
  std::vector<OpFactor> all;
  for (const auto& [name, site] : factors) all.push_back({name, site});
  op.add(coefficient, std::move(all));
  return std::make_shared<Operator>(std::move(op));
}

LocalMatrix local_matrix(const py::array_t<Complex, py::array::c_style>& values) {
  if (values.ndim() != 2 || values.shape(0) != values.shape(1))
    throw DimensionError("a local matrix must be square");
  return LocalMatrix(static_cast<int>(values.shape(0)),
                     {values.data(), values.data() + values.size()});
}

SharedOperator defined(const Operator& a, const std::string& name,
                       const py::array_t<Complex, py::array::c_style | py::array::forcecast>& m) {
  OpSum op = a.op();
  op.define(name, local_matrix(m));
  return std::make_shared<Operator>(std::move(op), a.sector(), a.lattice());
}

/// @param definitions  entries of matrices under names that the text uses, row by row
SharedOperator parse(const std::string& text, const std::vector<std::string>& spaces,
                     const std::map<std::string, std::vector<std::complex<double>>>& definitions) {
  std::map<std::string, LocalMatrix> matrices;
  for (const auto& [name, entries] : definitions) {
    const auto dim = static_cast<int>(std::lround(std::sqrt(double(entries.size()))));
    matrices.emplace(name, LocalMatrix(dim, entries));
  }
  return std::make_shared<Operator>(OpSum::parse(text, spaces_of(spaces), matrices));
}

// ---- algebra -----------------------------------------------------------------------------------

void require_same_sector(const Operator& a, const Operator& b) {
  if (a.sector().conditions != b.sector().conditions)
    throw InvalidArgument(
        "two operators are put together before a sector is chosen, or in the same one");
}

/// f(a, b) on the sites of both, in their sector.
template <class F>
SharedOperator combined(const Operator& a, const Operator& b, F&& f) {
  const OpSum& x = a.op("algebra");
  const OpSum& y = b.op("algebra");
  require_same_sector(a, b);
  return std::make_shared<Operator>(f(x, y), a.sector(), a.lattice() ? a.lattice() : b.lattice());
}
template <class F>
SharedOperator changed(const Operator& a, F&& f) {
  return std::make_shared<Operator>(f(a.op("algebra")), a.sector(), a.lattice());
}

SharedOperator in_sector(const Operator& a, const std::vector<std::string>& conditions,
                         const py::object& lattice) {
  auto place = lattice.is_none() ? a.lattice() : lattice_from(lattice);
  const OpSum& op = a.op("a sector");
  std::vector<std::string> all = a.sector().conditions;
  all.insert(all.end(), conditions.begin(), conditions.end());
  const Lattice on = place ? *place : Lattice::chain(op.sites());
  Sector sector = parse_sector(op.spaces(), on, all);
  require_respects(op, sector);
  if (sector_size(sector) == 0) (void)make_basis(*alone(), sector);  // says which are not empty
  return std::make_shared<Operator>(op, std::move(sector), std::move(place));
}

SharedOperator without_sector(const Operator& a) {
  return std::make_shared<Operator>(a.op(), a.lattice());
}

py::list terms_of(const Operator& a) {
  py::list all;
  for (const auto& t : a.op().terms()) {
    py::list factors;
    for (const auto& f : t.factors) factors.append(py::make_tuple(f.op, f.site));
    all.append(py::make_tuple(t.coefficient, factors));
  }
  return all;
}

// ---- travelling --------------------------------------------------------------------------------

py::tuple state_of(const Operator& a) {
  if (!a.is_sum()) throw InvalidArgument("rows of the user are pickled by their builder");
  Message message;
  const SumInSector content{a.op(), a.sector()};
  pack(message, content);
  py::list blocks;
  for (const auto& block : message.blocks)
    blocks.append(py::bytes(reinterpret_cast<const char*>(block.data()), block.size()));
  return py::make_tuple(py::bytes(message.stream), blocks, facts_of(a.lattice()));
}

SharedOperator from_state(const py::tuple& state) {
  if (state.size() != 3) throw InvalidArgument("this is no pickled operator");
  Message message;
  message.stream = state[0].cast<std::string>();
  std::vector<std::string> blocks = state[1].cast<std::vector<std::string>>();
  for (const auto& block : blocks)
    message.blocks.emplace_back(reinterpret_cast<const std::byte*>(block.data()), block.size());
  MessageReader reader(message);
  auto content = unpack<SumInSector>(reader);
  return std::make_shared<Operator>(std::move(content.op), std::move(content.sector),
                                    lattice_from(state[2]));
}

// ---- rows of the user --------------------------------------------------------------------------

SharedOperator lazy(const py::object& build, index_t rows, index_t cols, bool complex) {
  if (rows < 1 || cols < 1)
    throw DimensionError(
        detail::concat("Lazy: both sides of the shape must be positive, got ", rows, " x ", cols));
  return std::make_shared<Operator>(build, rows, cols,
                                    complex ? ScalarKind::complex : ScalarKind::real);
}

// ---- products ----------------------------------------------------------------------------------

template <Scalar T>
void apply_as(const Operator& a, const py::array& x, py::array& y, Operator::Side side) {
  const std::span<const T> in(static_cast<const T*>(x.data()), static_cast<std::size_t>(x.size()));
  const std::span<T> out(static_cast<T*>(y.mutable_data()), static_cast<std::size_t>(y.size()));
  computing([&] { a.apply<T>(in, out, side); });
}

/// y = A x or A^H x of contiguous vectors of one dtype, as the Python side has made sure.
void apply(const Operator& a, const py::array& x, py::array y, bool adjoint) {
  const auto side = adjoint ? Operator::Side::adjoint : Operator::Side::plain;
  if (y.dtype().kind() == 'c')
    apply_as<Complex>(a, x, y, side);
  else
    apply_as<double>(a, x, y, side);
}

template <Scalar T>
py::tuple csr_arrays(CsrRows<T> rows) {
  return py::make_tuple(array_of(std::move(rows.offsets)), array_of(std::move(rows.columns)),
                        array_of(std::move(rows.values)), rows.range.size(), rows.cols);
}

py::tuple csr(const Operator& a, index_t begin, index_t end) {
  if (a.scalar() == ScalarKind::complex)
    return csr_arrays(computing([&] { return a.lazy<Complex>().build({begin, end}); }));
  return csr_arrays(computing([&] { return a.lazy<double>().build({begin, end}); }));
}

// ---- Kronecker products ------------------------------------------------------------------------

template <Scalar T>
std::vector<KronFactor<T>> factors_of(const py::list& given) {
  std::vector<KronFactor<T>> factors;
  for (const auto& item : given) {
    const auto a = numbers_of<T>(item, "a factor");
    factors.emplace_back(index_t(a.shape(0)), index_t(a.shape(1)),
                         std::span<const T>(a.data(), static_cast<std::size_t>(a.size())));
  }
  return factors;
}

/// A function of a library that gives rows, as one that Python calls with a range.
template <Scalar T>
py::tuple kron_rows(const py::list& given, const std::string& kind, const std::vector<int>& dims,
                    const std::vector<int>& sites, bool cyclic, std::optional<RowRange> range) {
  const auto factors = factors_of<T>(given);
  const auto numbers = cyclic ? SiteNumbers::cyclic : SiteNumbers::strict;
  return csr_arrays(computing([&] {
    if (kind == "kron") return kron(factors, range);
    if (kind == "ikron") return ikron(factors, dims, sites, range, numbers);
    return pkron(factors.front(), dims, sites, range, numbers);
  }));
}

py::tuple kron_csr(const py::list& given, bool complex, const std::string& kind,
                   const std::vector<int>& dims, const std::vector<int>& sites, bool cyclic,
                   const std::optional<std::pair<index_t, index_t>>& rows) {
  std::optional<RowRange> range;
  if (rows) range = RowRange{rows->first, rows->second};
  return complex ? kron_rows<Complex>(given, kind, dims, sites, cyclic, range)
                 : kron_rows<double>(given, kind, dims, sites, cyclic, range);
}

// ---- what there is to know of a basis ----------------------------------------------------------

py::array configurations(const Operator& a, index_t begin, index_t end) {
  const auto basis = a.basis();
  if (begin < 0 || end < begin || end > basis->size())
    throw InvalidArgument(detail::concat("configurations: rows [", begin, ", ", end, ") of ",
                                         basis->size(), " were asked for"));
  const auto rows = static_cast<py::ssize_t>(end - begin);
  py::array_t<std::uint8_t> digits({rows, static_cast<py::ssize_t>(basis->sites())});
  auto out = digits.mutable_unchecked<2>();
  for (py::ssize_t i = 0; i < rows; ++i) {
    const state_t state = basis->state(begin + i);
    for (int s = 0; s < basis->sites(); ++s)
      out(i, s) = static_cast<std::uint8_t>(basis->code().digit(state, s));
  }
  return digits;
}

index_t row_of(const Operator& a, const std::vector<int>& digits) {
  const auto basis = a.basis();
  if (static_cast<int>(digits.size()) != basis->sites())
    throw DimensionError(
        detail::concat("row: ", digits.size(), " digits for ", basis->sites(), " sites"));
  state_t state = 0;
  for (int s = 0; s < basis->sites(); ++s) {
    const int digit = digits[static_cast<std::size_t>(s)];
    if (digit < 0 || digit >= basis->code().dim(s))
      throw InvalidArgument(detail::concat("row: digit ", digit, " of site ", s, " must be in [0, ",
                                           basis->code().dim(s), ")"));
    state += static_cast<state_t>(digit) * basis->code().stride(s);
  }
  return basis->index(state);
}

void bind_algebra(py::class_<Operator, SharedOperator>& c) {
  c.def("plus",
        [](const Operator& a, const Operator& b) {
          return combined(a, b, [](const OpSum& x, const OpSum& y) { return x + y; });
        })
      .def("minus",
           [](const Operator& a, const Operator& b) {
             return combined(a, b, [](const OpSum& x, const OpSum& y) { return x - y; });
           })
      .def("times",
           [](const Operator& a, const Operator& b) {
             return combined(a, b, [](const OpSum& x, const OpSum& y) { return x * y; });
           })
      .def("commutator",
           [](const Operator& a, const Operator& b) {
             return combined(a, b, [](const OpSum& x, const OpSum& y) { return commutator(x, y); });
           })
      .def("anticommutator",
           [](const Operator& a, const Operator& b) {
             return combined(a, b,
                             [](const OpSum& x, const OpSum& y) { return anticommutator(x, y); });
           })
      .def("scaled",
           [](const Operator& a, Complex factor) {
             return changed(a, [&](const OpSum& x) { return factor * x; });
           })
      .def("adjoint",
           [](const Operator& a) { return changed(a, [](const OpSum& x) { return x.adjoint(); }); })
      .def("power", [](const Operator& a,
                       int n) { return changed(a, [&](const OpSum& x) { return power(x, n); }); })
      .def("simplified",
           [](const Operator& a) { return changed(a, [](const OpSum& x) { return simplify(x); }); })
      .def("equals",
           [](const Operator& a, const Operator& b) {
             return a.sector().conditions == b.sector().conditions && equal(a.op(), b.op());
           })
      .def("is_hermitian", [](const Operator& a) { return a.op().is_hermitian(); })
      .def("trace_per_state", [](const Operator& a) { return normalized_trace(a.op()); })
      .def("conserves",
           [](const Operator& a, const std::string& charge) { return conserves(a.op(), charge); })
      .def("conserved_charges", [](const Operator& a) { return conserved_charges(a.op()); });
}

}  // namespace

void bind_operators(py::module_& m) {
  py::class_<Operator, SharedOperator> c(m, "Operator");
  c.def_property_readonly("is_sum", &Operator::is_sum)
      .def_property_readonly("rows", &Operator::rows)
      .def_property_readonly("cols", &Operator::cols)
      .def_property_readonly("dtype", [](const Operator& a) { return dtype_of(a.scalar()); })
      .def_property_readonly("sites", [](const Operator& a) { return a.op("sites").sites(); })
      .def_property_readonly("spaces", [](const Operator& a) { return names_of(a.op().spaces()); })
      .def_property_readonly("sector", [](const Operator& a) { return a.sector().conditions; })
      .def_property_readonly("lattice", [](const Operator& a) { return facts_of(a.lattice()); })
      .def_property_readonly("text", [](const Operator& a) { return a.op().text(); })
      .def_property_readonly("terms", &terms_of)
      .def("defined", &defined)
      .def("in_sector", &in_sector)
      .def("without_sector", &without_sector)
      .def("configurations", &configurations)
      .def("row", &row_of)
      .def("apply", &apply)
      .def("csr", &csr)
      .def("state", &state_of);
  bind_algebra(c);
  m.def("operator_from_state", &from_state);
  m.def("model", &model);
  m.def("models", &list_models);
  m.def("lattice_names", &Lattice::names);
  m.def("term", &term);
  m.def("parse", &parse, py::arg("text"), py::arg("spaces"),
        py::arg("definitions") = std::map<std::string, std::vector<std::complex<double>>>());
  m.def("read_operator_file",
        [](const std::string& path, const std::map<std::string, std::string>& parameters) {
          const std::map<std::string, ModelValue> given(parameters.begin(), parameters.end());
          auto file = computing([&] { return read_operator_file(*alone(), path, given); });
          file.require_constant(path);
          file.require_no_rules(path);
          return std::make_shared<Operator>(std::move(file.op), std::move(file.lattice));
        });
  m.def("operator_names",
        [](const std::string& space) { return LocalSpace::parse(space).operator_names(); });
  m.def("lazy", &lazy);
  m.def("kron_csr", &kron_csr);
  m.def("pauli_decomposition",
        [](const py::array_t<Complex, py::array::c_style | py::array::forcecast>& matrix) {
          return std::make_shared<Operator>(pauli_decomposition(local_matrix(matrix)));
        });
  m.def("read_matrix_market", [](const std::string& path) {
    auto read = computing([&] { return read_matrix_market(*alone(), path); });
    return std::visit([](auto& file) { return csr_arrays(std::move(file.rows)); }, read);
  });
}

}  // namespace kronsolve::python
