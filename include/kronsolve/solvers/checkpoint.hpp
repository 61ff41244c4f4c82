#pragma once

#include <complex>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/error.hpp>
#include <kronsolve/core/hdf5_file.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>

namespace kronsolve {

/// A run that was asked to end and has written a checkpoint: the same call goes on from it.
class KRONSOLVE_EXPORT Stopped : public Error {
 public:
  using Error::Error;
  ~Stopped() override;
};

/// Where a run keeps what it needs to go on, and when it writes that.
struct CheckpointOptions {
  /// Written now and then; if it is there, the run goes on from it. The one before it is kept as
  /// `path`.previous.
  std::string path;
  /// Gone on from if it is there, and not written; empty: `path` alone.
  std::string resume = {};
  /// Seconds between two of them; where writing one takes more than a second, fifty times as long
  /// at least.
  double every = 600;
  /// A method that cannot go on is refused; false: it runs without a checkpoint, and no other method
  /// is chosen for its sake. Solves that are parts of a run are never refused; small ones begin anew.
  bool required = true;
  /// Whether to write one and end the run; asked on every rank before each step, one that says so
  /// is enough.
  std::function<bool()> stop = {};
  /// Called on rank 0 with one line for people once a solver begins or goes on.
  std::function<void(const std::string&)> tell = {};
};

/// What one stage of a run writes.
class KRONSOLVE_EXPORT CheckpointWriter {
 public:
  /// Local values, the same on every rank. Collective, like all of these.
  void numbers(const std::string& name, std::span<const double> values);
  /// Counts, truths, numbers: std::tie lists them once, for both ways.
  template <class... N>
  void numbers(const std::string& name, const std::tuple<N&...>& places) {
    std::apply(
        [&](const auto&... place) {
          numbers(name, std::vector<double>{static_cast<double>(place)...});
        },
        places);
  }
  /// One text, the same on every rank.
  void text(const std::string& name, const std::string& text);
  /// Owned rows of vectors; none of them writes nothing.
  template <Scalar T>
  KRONSOLVE_EXPORT void vectors(const std::string& name, const RowPartition& rows,
                                const std::vector<std::span<const T>>& columns);
  /// The first `count` of them.
  template <Scalar T>
  void vectors(const std::string& name, const DistributedVectors<T>& from, index_t count) {
    std::vector<std::span<const T>> columns;
    for (index_t j = 0; j < count; ++j) columns.push_back(from.column(j));
    vectors<T>(name, from.partition(), columns);
  }

 private:
  friend class Checkpoint;
  CheckpointWriter(const Comm& comm, Hdf5File* file) : comm_(&comm), file_(file) {}
  const Comm* comm_;
  Hdf5File* file_;  ///< of rank 0
  std::string stage_;
};

/// The same, read.
class KRONSOLVE_EXPORT CheckpointReader {
 public:
  /// @throws InvalidArgument  there are none of that name
  std::vector<double> numbers(const std::string& name) const;
  /// Back into what std::tie lists, in the same order.
  template <class... N>
  void numbers(const std::string& name, const std::tuple<N&...>& places) const {
    const auto values = numbers(name);
    std::size_t at = 0;
    std::apply([&](auto&... place) { (read(values.at(at++), place), ...); }, places);
  }
  std::string text(const std::string& name) const;  ///< as it was written
  /// The owned rows of vectors of that name, dealt as `rows` on however many ranks there are now.
  /// @throws InvalidArgument  there are none of that name, or of another number or length
  template <Scalar T>
  KRONSOLVE_EXPORT void vectors(const std::string& name, const RowPartition& rows,
                                const std::vector<std::span<T>>& columns) const;
  /// Into the first `count` columns.
  template <Scalar T>
  void vectors(const std::string& name, DistributedVectors<T>& into, index_t count) const {
    std::vector<std::span<T>> columns;
    for (index_t j = 0; j < count; ++j) columns.push_back(into.column(j));
    vectors<T>(name, into.partition(), columns);
  }

 private:
  template <class N>
  static void read(double value, N& place) {
    if constexpr (std::is_enum_v<N>)
      place = static_cast<N>(static_cast<index_t>(value));
    else
      place = static_cast<N>(value);
  }
  friend class CheckpointStage;
  CheckpointReader(const Comm& comm, const Hdf5File* file, std::string stage)
      : comm_(&comm), file_(file), stage_(std::move(stage)) {}
  const Comm* comm_;
  const Hdf5File* file_;  ///< of rank 0
  std::string stage_;
};

/// Where a run keeps what it needs to go on, on any number of ranks and threads.
///
/// A file and the one before it, each whole or not there and with a checksum: what was cut short or
/// damaged is not read, the older one is then gone on from. Solvers take a pointer to it in their
/// options; they open a CheckpointStage each.
class KRONSOLVE_EXPORT Checkpoint {
 public:
  /// Finds out what is there. Collective; `comm` must outlive it.
  /// @throws InvalidArgument  something is there that cannot be gone on from; it is not touched
  /// @throws IoError          it cannot be read
  Checkpoint(const Comm& comm, CheckpointOptions options);
  ~Checkpoint();
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  /// One line for people: where the run begins, and why there.
  const std::string& found() const noexcept { return found_; }
  bool resumes() const noexcept { return !read_from_.empty(); }  ///< it goes on from a file
  /// Path of that file; empty if there was none.
  const std::string& resumed_from() const noexcept { return read_from_; }
  bool required() const noexcept { return options_.required; }  ///< see CheckpointOptions
  bool is_inside() const noexcept { return !stages_.empty(); }  ///< what runs is a part of a run

  /// Something that has to be the same in a run that goes on. Local; the same on every rank. Inside a
  /// stage nothing: a solve that is a part of another one follows from that.
  /// @throws InvalidArgument  it is another one in the file; with both
  void identify(const std::string& name, const std::string& value);

 private:
  friend class CheckpointStage;
  using Fields = std::vector<std::pair<std::string, std::string>>;
  void find();
  bool open(const std::string& path, std::string& trouble);
  void read_head();
  void step();
  void write();

  const Comm* comm_;
  CheckpointOptions options_;
  std::string read_from_, found_;
  Fields fields_, saved_fields_;
  std::vector<std::string> saved_stages_;
  std::vector<class CheckpointStage*> stages_;
  bool told_ = false;
  bool pending_ = false;     ///< saved stages are left to be taken up
  bool keeps_older_ = true;  ///< the file at `path` is one to go on from
  std::unique_ptr<Hdf5File> file_;
  double last_ = 0;  ///< when the last one was written
  double took_ = 0;  ///< seconds that writing it took
};

/// A part of a run with something to keep; parts lie inside each other. Without a checkpoint
/// nothing happens.
class KRONSOLVE_EXPORT CheckpointStage {
 public:
  /// Writes what this part needs to go on; called on every rank.
  using Write = std::function<void(CheckpointWriter&)>;
  /// Collective, as all of it is.
  /// @throws InvalidArgument  the file was written in another part
  CheckpointStage(Checkpoint* checkpoint, std::string name, Write write);
  ~CheckpointStage();
  CheckpointStage(const CheckpointStage&) = delete;
  CheckpointStage& operator=(const CheckpointStage&) = delete;

  /// What an earlier run has left of this part; null: it begins.
  const CheckpointReader* saved() const noexcept { return saved_.get(); }
  /// Before each piece of work: writes all parts if it is time.
  /// @throws Stopped  the run was asked to end
  /// @throws IoError  the file cannot be written
  void step() {
    if (checkpoint_ != nullptr) checkpoint_->step();
  }

 private:
  friend class Checkpoint;
  Checkpoint* checkpoint_;
  std::string name_;
  Write write_;
  std::unique_ptr<CheckpointReader> saved_;
};

}  // namespace kronsolve
