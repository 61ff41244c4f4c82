#pragma once

namespace kronsolve::detail {

/// mpirun (Open MPI, MPICH, Intel) and srun each set one of these for the ranks that they start.
constexpr const char* launch_variables[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK",
                                            "PMI_SIZE"};

}  // namespace kronsolve::detail
