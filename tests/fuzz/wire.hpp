#pragma once

#include <string>

namespace kronsolve::fuzz {

/// The bytes come over the connection of a worker that has proved who it is. The first one says in
/// how large pieces.
void worker_connection(const std::string& bytes);

/// The bytes come over a connection of somebody who does not know the secret.
void strange_connection(const std::string& bytes);

void require(bool right, const char* what);

}  // namespace kronsolve::fuzz
