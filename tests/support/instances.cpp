#include "support/instances.hpp"

KRONSOLVE_TEST_INSTANCES()
