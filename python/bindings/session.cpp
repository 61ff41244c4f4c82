// The session: where solves run that are given no communicator, the pool for functions of Python.

#include <mutex>
#include <optional>

#include <kronsolve/exec/this_worker.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/session.hpp>

#include "python_error.hpp"
#include "solving.hpp"

namespace kronsolve::python {

namespace {

using Complex = std::complex<double>;

/// The one session of this process; made when it is first needed, ended by `end_session`.
std::unique_ptr<Session> the_session;
SessionOptions session_options;
std::mutex making_session;  // threads of Python may need it first together

Session& session() {
  const std::lock_guard lock(making_session);
  if (!the_session) the_session = std::make_unique<Session>(session_options);
  return *the_session;
}

void begin_session(const std::vector<std::string>& worker_command, const std::string& mode,
                   int workers) {
  const Mode asked = parse_mode(mode);
  const std::lock_guard lock(making_session);
  if (!the_session) {
    session_options = {asked, workers, worker_command};
  } else if (workers != 0 || asked != Mode::automatic) {
    throw InvalidArgument("the session has begun; configure it before the first solve or pool");
  }
}

/// For workers and ranks of a job, while they import: may not return. Without the lock, for which
/// the tasks of a worker would wait.
void open_session() {
  const py::gil_scoped_release released;
  the_session = std::make_unique<Session>(session_options);
}

void end_session() {
  const py::gil_scoped_release released;
  the_session.reset();
}

// ---- solves ------------------------------------------------------------------------------------

Gather gather_of(const std::string& word) {
  if (word == "keep") return Gather::keep;
  return word == "gather" ? Gather::yes : Gather::no;
}

template <class Result>
void add_place(py::dict& d, const SessionResult<Result>& r) {
  d["ranks"] = r.ranks;
  d["threads"] = r.threads;
  d["peak_rss_bytes"] = r.peak_rss_bytes;
  d["peak_rss_rank_bytes"] = r.peak_rss_rank_bytes;
  d["kept"] = r.kept;
}

py::dict eigh_in_session(const Operator& h, const py::dict& given, int workers,
                         const std::string& vectors, const py::object& progress) {
  EighOptions o = eigh_options(given);
  const ProgressCall tell(progress);
  o.progress = tell.function();
  const PortableOperator& portable = h.portable();
  auto r = computing(
      [&] {
        return session().eigh(portable, o, {workers, gather_of(vectors)});
      },
      [&] { tell.check(); });
  py::dict d = facts(std::move(r.result));
  add_place(d, r);
  return d;
}

py::dict svds_in_session(const Operator& a, const py::dict& given, int workers,
                         const std::string& vectors) {
  const SvdsOptions o = svds_options(given);
  return std::visit(
      [&]<class C>(const C& content) -> py::dict {
        if constexpr (std::same_as<C, SumInSector>) {
          throw InvalidArgument("svds: rows of the user are wanted");
        } else {
          auto r = computing([&] {
            return session().svds(content, o, {workers, gather_of(vectors)});
          });
          py::dict d = facts(std::move(r.result));
          add_place(d, r);
          return d;
        }
      },
      a.portable().content());
}

StartState start_of(const Operator& h, const py::object& given, std::uint64_t seed,
                    const char* what) {
  if (py::isinstance<py::str>(given))
    return parse_state(given.cast<std::string>(), h.op(what).spaces(), seed);
  if (py::isinstance<KeptVector>(given)) return given.cast<KeptVector>();
  auto amplitudes = amplitudes_of(given, what);
  return std::visit([](auto& v) { return StartState(std::move(v)); }, amplitudes);
}

py::dict expm_multiply_in_session(const Operator& h, Complex t, const py::object& start,
                                  const py::dict& given, int workers, const std::string& vectors) {
  const ExpmOptions o = expm_options(given);
  const StartState psi = start_of(h, start, 0, "expm_multiply: the state");
  auto r = computing([&] {
    return session().expm_multiply(h.portable(), t, psi, o, {workers, gather_of(vectors)});
  });
  py::dict d = facts_of_function(std::move(r.result));
  add_place(d, r);
  return d;
}

py::dict evolve_in_session(const Operator& h, const py::object& start,
                           const std::vector<double>& times, const py::dict& given,
                           const std::vector<SharedOperator>& observe, int workers,
                           const std::string& vectors) {
  const EvolutionOptions o = evolution_options(given);
  const StartState psi = start_of(h, start, 0, "evolve: the state");
  std::vector<OpSum> ops;
  for (const auto& op : observe) ops.push_back(op->op("observe"));
  auto r = computing([&] {
    return session().evolve(h.portable(), psi, times, o, {workers, gather_of(vectors)}, ops);
  });
  py::dict d = facts_of_evolution(std::move(static_cast<EvolutionResult&>(r.result)));
  add_measures(d, {}, r.result.expectations);
  add_place(d, r);
  return d;
}

// ---- kept vectors ------------------------------------------------------------------------------

void bind_kept_vector(py::module_& m) {
  py::class_<KeptVector>(m, "KeptVector")
      .def_property_readonly("size", &KeptVector::size)
      .def_property_readonly("ranks", &KeptVector::ranks)
      .def_property_readonly("dtype", [](const KeptVector& v) { return dtype_of(v.scalar()); })
      .def("norm", [](const KeptVector& v) { return computing([&] { return v.norm(); }); })
      .def("overlap", [](const KeptVector& a,
                         const KeptVector& b) { return computing([&] { return a.overlap(b); }); })
      .def("expectation",
           [](const KeptVector& v, const Operator& op) {
             return computing([&] { return v.expectation(op.op()); });
           })
      .def("variance",
           [](const KeptVector& v, const Operator& op) {
             return computing([&] { return v.variance(op.op()); });
           })
      .def("site_profile",
           [](const KeptVector& v, const std::string& op) {
             return array_of(computing([&] { return v.site_profile(op); }));
           })
      .def("entanglement_entropy",
           [](const KeptVector& v, const std::vector<int>& sites) {
             return computing([&] { return v.entanglement_entropy(sites); });
           })
      .def("schmidt_values",
           [](const KeptVector& v, const std::vector<int>& sites) {
             return array_of(computing([&] { return v.schmidt_values(sites); }));
           })
      .def("gather", [](const KeptVector& v) -> py::array {
        auto values = computing([&] { return v.gather(); });
        return std::visit([](auto& x) -> py::array { return array_of(std::move(x)); }, values);
      });
}

// ---- functions of Python on workers ------------------------------------------------------------

/// What a worker does with a pickled call: gives the pickled answer.
struct RunPickled {
  std::string operator()(const std::string& call) const {
    const py::gil_scoped_acquire locked;
    try {
      return py::module_::import("kronsolve._remote")
          .attr("run")(py::bytes(call))
          .cast<std::string>();
    } catch (py::error_already_set& e) {
      throw Error(detail::concat("a worker cannot run Python: ", std::string(py::str(e.value()))));
    }
  }
};

/// A task whose answer comes as bytes.
class PickledTask {
 public:
  explicit PickledTask(Future<std::string> future) : future_(std::move(future)) {}
  /// Calls `f()` in another thread once the task is over.
  void on_done(const py::object& f) const {
    const auto call = shared_object(f);
    const py::gil_scoped_release released;
    future_.on_done([call](const Future<std::string>&) {
      const py::gil_scoped_acquire locked;
      try {
        (*call)();
      } catch (py::error_already_set& e) {
        e.discard_as_unraisable("kronsolve: a pool's callback");
      }
    });
  }
  py::bytes get() const {
    const std::string& answer = *computing([&] { return &future_.get(); });
    return py::bytes(answer);
  }
  bool cancel() const {
    return computing([&] { return future_.cancel(); });
  }
  bool running() const { return future_.running(); }

 private:
  Future<std::string> future_;
};

class PythonPool {
 public:
  PythonPool(int workers, int threads) {
    PoolOptions o;
    o.workers = workers;
    o.threads = threads;
    pool_.emplace(computing([&] { return session().make_pool(std::move(o)); }));
  }
  PickledTask submit(const std::string& call, int retries, double timeout_seconds) {
    const TaskOptions o{
        .label = "a function of Python", .retries = retries, .timeout_seconds = timeout_seconds};
    return PickledTask(computing([&] { return pool_->submit(o, RunPickled{}, call); }));
  }
  int workers() {
    return computing([&] { return pool_->num_workers(); });
  }
  void shutdown(bool wait, bool cancel) {
    const py::gil_scoped_release released;
    pool_->shutdown(wait ? Waiting::wait : Waiting::no_wait,
                    cancel ? Pending::cancel : Pending::finish);
  }
  ~PythonPool() {
    const py::gil_scoped_release released;
    pool_.reset();
  }

 private:
  std::optional<Pool> pool_;
};

}  // namespace

void bind_session(py::module_& m) {
  m.def("begin_session", &begin_session);
  m.def("open_session", &open_session);
  m.def("end_session", &end_session);
  m.def("abort", &Environment::abort);
  m.def("session_mode", [] { return std::string(to_string(session().mode())); });
  m.def("session_is_root", [] { return session().is_root(); });
  m.def("session_rank", [] { return session().comm().rank(); });
  m.def("session_size", [] { return session().comm().size(); });
  m.def("workers_of", [](index_t rows, int asked) { return session().workers_of(rows, asked); });
  m.def("default_workers", [] { return session().default_workers(); });
  m.def("is_task", &this_worker::is_task);
  m.def("worker_rank", &this_worker::rank);
  m.def("eigh_in_session", &eigh_in_session);
  m.def("svds_in_session", &svds_in_session);
  m.def("expm_multiply_in_session", &expm_multiply_in_session);
  m.def("evolve_in_session", &evolve_in_session);
  bind_kept_vector(m);
  py::class_<PickledTask>(m, "PickledTask")
      .def("on_done", &PickledTask::on_done)
      .def("get", &PickledTask::get)
      .def("cancel", &PickledTask::cancel)
      .def("running", &PickledTask::running);
  py::class_<PythonPool>(m, "PythonPool")
      .def(py::init<int, int>())
      .def("submit", &PythonPool::submit)
      .def("workers", &PythonPool::workers)
      .def("shutdown", &PythonPool::shutdown);
}

}  // namespace kronsolve::python
