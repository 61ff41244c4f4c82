#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <limits>

#include <kronsolve/core/version.hpp>
#include <kronsolve/solvers/checkpoint.hpp>

namespace kronsolve {

namespace {

constexpr const char* layout = "kronsolve checkpoint 1";

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string previous(const std::string& path) { return path + ".previous"; }

bool is_there(const std::string& path) {
  std::error_code error;
  return std::filesystem::symlink_status(path, error).type() !=
         std::filesystem::file_type::not_found;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

/// Two texts for a message: of long ones what is around their first difference.
std::pair<std::string, std::string> excerpts(const std::string& a, const std::string& b) {
  constexpr std::size_t most = 60, before = 20;
  const auto differ = static_cast<std::size_t>(
      std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  const auto cut = [&](const std::string& text) {
    if (text.size() <= most) return text;
    const std::size_t first = differ > before ? differ - before : 0;
    return (first > 0 ? "..." : "") + text.substr(std::min(first, text.size()), most) +
           (first + most < text.size() ? "..." : "");
  };
  return {cut(a), cut(b)};
}

std::string in_stage(const std::string& stage, const std::string& name) {
  return detail::concat(stage, ".", name);
}

}  // namespace

Stopped::~Stopped() = default;

// ---- what stages write and read --------------------------------------------------------------

void CheckpointWriter::numbers(const std::string& name, std::span<const double> values) {
  comm_->agree([&] {
    if (!comm_->is_root()) return;
    // An empty list has its length all the same.
    std::vector<double> all = {static_cast<double>(values.size())};
    all.insert(all.end(), values.begin(), values.end());
    const auto axis = in_stage(stage_, name + " entry");
    file_->write_dimension(axis, static_cast<index_t>(all.size()));
    file_->write<double>(in_stage(stage_, name), all, {axis});
  });
}

void CheckpointWriter::text(const std::string& name, const std::string& text) {
  comm_->agree([&] {
    if (comm_->is_root()) file_->write_text(in_stage(stage_, name), text);
  });
}

template <Scalar T>
void CheckpointWriter::vectors(const std::string& name, const RowPartition& rows,
                               const std::vector<std::span<const T>>& columns) {
  if (columns.empty()) return;
  const auto full = in_stage(stage_, name);
  comm_->agree([&] {
    if (!comm_->is_root()) return;
    const std::vector<std::string> axes = {full + " vector", full + " row"};
    file_->write_dimension(axes[0], static_cast<index_t>(columns.size()));
    file_->write_dimension(axes[1], rows.rows());
    file_->create_vectors(full, scalar_kind<T>, axes);
  });
  for (std::size_t j = 0; j < columns.size(); ++j)
    write_distributed<T>(*comm_, file_, full, static_cast<index_t>(j), rows, columns[j]);
}

std::vector<double> CheckpointReader::numbers(const std::string& name) const {
  std::vector<double> all;
  const auto full = in_stage(stage_, name);
  comm_->agree([&] {
    if (!comm_->is_root()) return;
    all.resize(static_cast<std::size_t>(file_->vector(full).rows));
    file_->read_rows<double>(full, 0, 0, all);
  });
  auto count = static_cast<index_t>(all.size());
  comm_->broadcast(std::span(&count, 1));
  all.resize(static_cast<std::size_t>(count));
  comm_->broadcast(std::span<double>(all));
  if (all.empty() || all[0] != static_cast<double>(count - 1))
    throw InvalidArgument(detail::concat("checkpoint: '", full, "' is no list of numbers"));
  all.erase(all.begin());
  return all;
}

std::string CheckpointReader::text(const std::string& name) const {
  std::string text;
  comm_->agree([&] {
    if (comm_->is_root()) text = file_->text(in_stage(stage_, name));
  });
  return comm_->broadcast(std::move(text));
}

template <Scalar T>
void CheckpointReader::vectors(const std::string& name, const RowPartition& rows,
                               const std::vector<std::span<T>>& columns) const {
  if (columns.empty()) return;
  const auto full = in_stage(stage_, name);
  comm_->agree([&] {
    if (!comm_->is_root()) return;
    const auto there = file_->vector(full);
    if (there.scalar != scalar_kind<T> || there.rows != rows.rows() ||
        there.count != static_cast<index_t>(columns.size()))
      throw InvalidArgument(detail::concat("checkpoint: '", full, "' holds ", there.count,
                                           " vectors of ", there.rows, " ", to_string(there.scalar),
                                           " rows, needed are ", columns.size(), " of ",
                                           rows.rows(), " ", to_string(scalar_kind<T>)));
  });
  for (std::size_t j = 0; j < columns.size(); ++j)
    read_distributed<T>(*comm_, file_, full, static_cast<index_t>(j), rows, columns[j]);
}

// ---- the file and the one before it ----------------------------------------------------------

Checkpoint::Checkpoint(const Comm& comm, CheckpointOptions options)
    : comm_(&comm), options_(std::move(options)) {
  if (!(options_.every > 0))
    throw InvalidArgument(
        detail::concat("checkpoint: the time between two must be above 0, got ", options_.every));
  find();
  identify("program", detail::concat("kronsolve ", version()));
  last_ = now();
}

Checkpoint::~Checkpoint() = default;

/// Rank 0 opens what is there; false with the reason if it is damaged or not there.
bool Checkpoint::open(const std::string& path, std::string& trouble) {
  if (!is_there(path)) {
    trouble = "is not there";
    return false;
  }
  try {
    file_ = std::make_unique<Hdf5File>(Hdf5File::open(path));
  } catch (const InvalidArgument& damage) {
    trouble = damage.what();
    return false;
  }
  std::string kind;
  try {
    kind = file_->text("layout");
  } catch (const InvalidArgument&) {
    kind = "no layout";
  }
  if (kind != layout)
    throw InvalidArgument(detail::concat("'", path, "' is no checkpoint: its layout is '",
                                         excerpts(kind, layout).first, "', not '", layout,
                                         "'; nothing was touched"));
  return true;
}

/// The rule of three: nothing there, something that fits, or anything else.
void Checkpoint::find() {
  std::string path = options_.resume.empty() ? options_.path : options_.resume;
  comm_->agree([&] {
    if (!comm_->is_root()) return;
    if (path != options_.path && !options_.path.empty() &&
        (is_there(options_.path) || is_there(previous(options_.path))))
      throw InvalidArgument(detail::concat("checkpoint '", options_.path,
                                           "' is there already; go on from it alone, or give "
                                           "another name beside the resumed '",
                                           path, "'"));
    std::string trouble, older_trouble;
    if (open(path, trouble)) {
      read_from_ = path;
      found_ = detail::concat("going on from '", path, "'");
    } else if (open(previous(path), older_trouble)) {
      read_from_ = previous(path);
      keeps_older_ = path != options_.path;
      found_ = detail::concat(is_there(path) ? trouble : "'" + path + "' is not there",
                              ": going on from the older '", read_from_, "'");
    } else if (!is_there(path) && !is_there(previous(path))) {
      found_ = detail::concat("nothing at '", path, "': starting from the beginning");
    } else {
      throw InvalidArgument(
          detail::concat("checkpoint ", is_there(path) ? trouble : "'" + path + "' is not there",
                         is_there(previous(path)) ? "; of the older one: " + older_trouble
                                                  : "; there is no older one",
                         "; nothing was touched, remove it to start from the beginning"));
    }
  });
  read_from_ = comm_->broadcast(std::move(read_from_));
  found_ = comm_->broadcast(std::move(found_));
  if (resumes()) read_head();
}

void Checkpoint::read_head() {
  std::string stages, names;
  std::vector<std::string> values;
  comm_->agree([&] {
    if (!comm_->is_root()) return;
    stages = file_->text("stages");
    names = file_->text("fields");
    for (const auto& name : lines_of(names)) values.push_back(file_->text("field " + name));
  });
  saved_stages_ = lines_of(comm_->broadcast(std::move(stages)));
  const auto all = lines_of(comm_->broadcast(std::move(names)));
  values.resize(all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    saved_fields_.emplace_back(all[i], comm_->broadcast(std::move(values[i])));
  pending_ = !saved_stages_.empty();
}

void Checkpoint::identify(const std::string& name, const std::string& value) {
  if (!stages_.empty()) return;
  const auto same_name = [&](const auto& field) { return field.first == name; };
  if (std::none_of(fields_.begin(), fields_.end(), same_name)) fields_.emplace_back(name, value);
  if (!resumes()) return;
  const auto saved = std::find_if(saved_fields_.begin(), saved_fields_.end(), same_name);
  if (saved == saved_fields_.end())
    throw InvalidArgument(detail::concat("checkpoint '", read_from_, "' does not say '", name,
                                         "'; it is of another problem, nothing was touched"));
  if (saved->second == value) return;
  const auto [there, here] = excerpts(saved->second, value);
  throw InvalidArgument(detail::concat("checkpoint '", read_from_,
                                       "' is of another problem: ", name, " is '", there,
                                       "' there, '", here, "' here; nothing was touched"));
}

void Checkpoint::step() {
  file_.reset();
  if (options_.path.empty()) return;
  int wanted = options_.stop && options_.stop() ? 2 : 0;
  // So that writing takes at most a fiftieth of the time, however large the vectors are.
  const double pause = took_ > 1 ? 50 * took_ : 0;
  if (comm_->is_root() && wanted == 0 && now() - last_ >= std::max(options_.every, pause))
    wanted = 1;
  wanted = comm_->all_reduce(wanted, Reduce::max);
  if (wanted == 0) return;
  try {
    write();
  } catch (const NotSupported&) {  // no HDF5, the same on all ranks
    if (options_.required) throw;
    options_.every = std::numeric_limits<double>::infinity();
  }
  if (wanted < 2) return;
  throw Stopped(detail::concat("stopped after writing '", options_.path,
                               "': the same command goes on from it"));
}

/// The older file is kept, unless it is the damaged one: the one before it is then all there is.
void Checkpoint::write() {
  const double begin = now();
  std::unique_ptr<Hdf5File> file;
  comm_->agree([&] {
    if (!comm_->is_root()) return;
    file = std::make_unique<Hdf5File>(Hdf5File::create(options_.path));
    file->write_text("layout", layout);
    std::vector<std::string> stages, names;
    for (const auto* stage : stages_) stages.push_back(stage->name_);
    for (const auto& [name, value] : fields_) {
      names.push_back(name);
      file->write_text("field " + name, value);
    }
    file->write_text("stages", joined(stages));
    file->write_text("fields", joined(names));
  });
  CheckpointWriter writer(*comm_, file.get());
  for (std::size_t depth = 0; depth < stages_.size(); ++depth) {
    writer.stage_ = detail::concat(depth, " ", stages_[depth]->name_);
    stages_[depth]->write_(writer);
  }
  comm_->agree([&] {
    if (!comm_->is_root()) return;
    const auto& path = options_.path;
    const auto name = path.substr(path.rfind('/') + 1);
    file->close(keeps_older_ ? previous(name) : "");
    keeps_older_ = true;
  });
  last_ = now();
  took_ = last_ - begin;
}

CheckpointStage::CheckpointStage(Checkpoint* checkpoint, std::string name, Write write)
    : checkpoint_(checkpoint), name_(std::move(name)), write_(std::move(write)) {
  if (checkpoint_ == nullptr) return;
  auto& c = *checkpoint_;
  const std::size_t depth = c.stages_.size();
  if (c.pending_) {
    if (depth >= c.saved_stages_.size() || c.saved_stages_[depth] != name_)
      throw InvalidArgument(detail::concat(
          "checkpoint '", c.read_from_, "' was written in the part '", joined(c.saved_stages_),
          "', this run begins with '", name_, "'; nothing was touched"));
    saved_.reset(new CheckpointReader(*c.comm_, c.file_.get(), detail::concat(depth, " ", name_)));
    c.pending_ = depth + 1 < c.saved_stages_.size();
  }
  c.stages_.push_back(this);
  // Until every part has been found to fit nothing is told.
  if (!c.pending_ && !std::exchange(c.told_, true) && c.comm_->is_root() && c.options_.tell)
    c.options_.tell(c.found_);
}

CheckpointStage::~CheckpointStage() {
  if (checkpoint_ != nullptr) checkpoint_->stages_.pop_back();
}

#define KRONSOLVE_INSTANTIATE(T)                                                   \
  template void CheckpointWriter::vectors(const std::string&, const RowPartition&, \
                                          const std::vector<std::span<const T>>&); \
  template void CheckpointReader::vectors(const std::string&, const RowPartition&, \
                                          const std::vector<std::span<T>>&) const;
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
