// error: give the class a cereal serialize
// What cannot be written cannot be an argument of a task.
#include <kronsolve/session.hpp>

struct Plain {
  int* value = nullptr;
#ifdef KRONSOLVE_CONTROL
  template <class Archive>
  void serialize(Archive&) {}
#endif
};

int main() {
  kronsolve::Session session;
  return session.pool()
      .submit([](const Plain& p) { return p.value == nullptr ? 0 : 1; }, Plain{})
      .get();
}
