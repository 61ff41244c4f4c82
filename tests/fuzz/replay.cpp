// Runs the corpus of the fuzzer, and small changes of it, without a fuzzer.
//
// usage: test_fuzz_replay CORPUS [CHANGES]

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerInitialize(int*, char***);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::string& input) {
  (void)LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

/// The input with a piece cut out, doubled, replaced by one of another input, or by a telling character.
std::string changed(std::mt19937& random, std::string input, const std::string& other) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  constexpr std::string_view telling = "0-+.eE,:;=[](){}\"'\\/#%\n\t \0\x7f\xff\x80nan";
  for (auto changes = 1 + below(4); changes > 0; --changes) {
    const auto at = 1 + below(input.size()),
               length = below(std::min<std::size_t>(12, input.size() + 1));
    const auto from = std::min(at, input.size());
    switch (below(5)) {
      case 0:
        input.erase(from, length);
        break;
      case 1:
        input.insert(from, input.substr(from, length));
        break;
      case 2:
        input.insert(from, other.substr(std::min(below(other.size() + 1), other.size()), length));
        break;
      case 3:
        input.insert(from, 1, telling[below(telling.size())]);
        break;
      default:
        if (from < input.size()) input[from] = telling[below(telling.size())];
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  (void)LLVMFuzzerInitialize(&argc, &argv);
  std::vector<std::string> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream in(entry.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  std::sort(corpus.begin(), corpus.end());
  if (corpus.empty()) {
    std::cerr << "no corpus in " << argv[1] << "\n";
    return 1;
  }
  for (const auto& input : corpus) run(input);
  std::mt19937 random(1);
  const long changes = argc > 2 ? std::strtol(argv[2], nullptr, 10) : 0;
  for (long c = 0; c < changes; ++c) {
    const auto& input = corpus[random() % corpus.size()];
    run(changed(random, input, corpus[random() % corpus.size()]));
  }
  std::cout << corpus.size() << " inputs and " << changes << " changes of them\n";
  return 0;
}
