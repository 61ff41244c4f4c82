// Limits of control groups, read from folders as batch systems, systemd and containers lay them out.

#include "core/control_group.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace kronsolve::detail {
namespace {

namespace fs = std::filesystem;

constexpr index_t mib = index_t{1} << 20;

class ControlGroup : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  void version_2(const std::string& group, const std::string& max, index_t used) const {
    write("sys/fs/cgroup" + group + "/memory.max", max);
    write("sys/fs/cgroup" + group + "/memory.current", std::to_string(used));
  }
  void version_1(const std::string& group, index_t limit, index_t used) const {
    write("sys/fs/cgroup/memory" + group + "/memory.limit_in_bytes", std::to_string(limit));
    write("sys/fs/cgroup/memory" + group + "/memory.usage_in_bytes", std::to_string(used));
  }

  fs::path root_ = fs::path(::testing::TempDir()) / "control_group";
};

TEST_F(ControlGroup, nothing_is_known_without_groups) {
  EXPECT_FALSE(control_group_memory(root_));
  EXPECT_FALSE(control_group_cores(root_));
}

TEST_F(ControlGroup, a_job_of_slurm_is_limited_by_the_step_or_by_the_job) {
  const std::string job = "/system.slice/slurmstepd.scope/job_7";
  write("proc/self/cgroup", "0::" + job + "/step_0/user/task_0");
  version_2(job, std::to_string(4096 * mib), 1000 * mib);
  version_2(job + "/step_0", "max", 900 * mib);
  version_2(job + "/step_0/user/task_0", std::to_string(8192 * mib), 800 * mib);

  EXPECT_EQ(control_group_memory(root_), 3096 * mib);
}

TEST_F(ControlGroup, the_innermost_group_may_have_the_least) {
  write("proc/self/cgroup", "0::/user.slice/run.scope");
  version_2("/user.slice", std::to_string(4096 * mib), 3000 * mib);
  version_2("/user.slice/run.scope", std::to_string(100 * mib), 40 * mib);

  EXPECT_EQ(control_group_memory(root_), 60 * mib);
}

TEST_F(ControlGroup, memory_high_counts_as_a_limit_and_files_that_can_be_dropped_as_free) {
  write("proc/self/cgroup", "0::/run.scope");
  version_2("/run.scope", std::to_string(1000 * mib), 500 * mib);
  write("sys/fs/cgroup/run.scope/memory.stat",
        "anon 1\nfile 300\ninactive_file " + std::to_string(200 * mib));
  EXPECT_EQ(control_group_memory(root_), 700 * mib);

  write("sys/fs/cgroup/run.scope/memory.high", std::to_string(400 * mib));
  EXPECT_EQ(control_group_memory(root_), 100 * mib);

  write("sys/fs/cgroup/run.scope/memory.high", std::to_string(200 * mib));
  EXPECT_EQ(control_group_memory(root_), 0);
}

TEST_F(ControlGroup, version_1_nested_beside_version_2) {
  write("proc/self/cgroup",
        "9:name=systemd:/\n4:cpuset,memory:/slurm/uid_0/job_3\n2:cpu,cpuacct:/slurm\n0::/");
  const index_t no_limit = 9223372036854771712;
  version_1("", no_limit, 5000 * mib);
  version_1("/slurm/uid_0", no_limit, 2000 * mib);
  version_1("/slurm/uid_0/job_3", 2048 * mib, 1024 * mib);
  write("sys/fs/cgroup/memory/slurm/uid_0/job_3/memory.stat",
        "total_cache 9\ntotal_inactive_file " + std::to_string(24 * mib));

  EXPECT_EQ(control_group_memory(root_), 1048 * mib);
}

TEST_F(ControlGroup, a_container_sees_its_own_group_as_the_root) {
  write("proc/self/cgroup", "4:memory:/docker/0123abcd");
  version_1("", 512 * mib, 112 * mib);
  EXPECT_EQ(control_group_memory(root_), 400 * mib);
}

TEST_F(ControlGroup, quotas_of_cores_in_both_versions) {
  write("proc/self/cgroup", "2:cpu,cpuacct:/docker/a\n0::/job/step");
  write("sys/fs/cgroup/job/step/cpu.max", "max 100000");
  EXPECT_FALSE(control_group_cores(root_));
  write("sys/fs/cgroup/cpu/docker/a/cpu.cfs_quota_us", "-1");
  write("sys/fs/cgroup/cpu/docker/a/cpu.cfs_period_us", "100000");
  EXPECT_FALSE(control_group_cores(root_));
  write("sys/fs/cgroup/job/cpu.max", "350000 100000");
  EXPECT_EQ(control_group_cores(root_), 3);
  write("sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_quota_us", "50000");
  write("sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_period_us", "100000");
  EXPECT_EQ(control_group_cores(root_), 1);
}

TEST_F(ControlGroup, files_that_say_nonsense_are_no_limit) {
  write("proc/self/cgroup", "nonsense\n0::/a/../b\n:::");
  version_2("", "many", 3);
  write("sys/fs/cgroup/cpu.max", "0 0");

  EXPECT_FALSE(control_group_memory(root_));
  EXPECT_FALSE(control_group_cores(root_));
}

}  // namespace
}  // namespace kronsolve::detail
