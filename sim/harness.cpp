// A fast bench: one sample a clock through a Verilated core, from vector file
// to vector file. Everything that depends on the core stands in design.h, which
// sim/verilator.py generates (and explains): its buses, their widths and delays.
//
//   bench INPUTS OUTPUTS [--repeat N] [--stalls SEED]
//
// Prints one JSON line with the samples per second. Exit code 1: the core breaks
// the protocol (valid, enable); 2: the bench could not run.

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <fstream>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "design.h"
#include "verilated.h"

namespace {

using Word = std::uint32_t;

[[nodiscard]] constexpr std::size_t words(std::size_t bits) noexcept { return (bits + 31) / 32; }

// A bus is an unsigned integer up to 64 bits and an array of words beyond.

template <std::unsigned_integral Bus>
void drive(Bus& bus, const Word* from) noexcept {
  if constexpr (sizeof(Bus) > sizeof(Word)) {
    bus = from[0] | Bus{from[1]} << 32;
  } else {
    bus = static_cast<Bus>(from[0]);
  }
}

template <std::size_t N>
void drive(VlWide<N>& bus, const Word* from) noexcept {
  std::copy_n(from, N, bus.data());
}

template <std::unsigned_integral Bus>
void read(const Bus& bus, Word* to) noexcept {
  to[0] = static_cast<Word>(bus);
  if constexpr (sizeof(Bus) > sizeof(Word)) to[1] = static_cast<Word>(bus >> 32);
}

template <std::size_t N>
void read(const VlWide<N>& bus, Word* to) noexcept {
  std::copy_n(bus.data(), N, to);
}

/// What a core did that its ports.json forbids.
struct BrokenProtocol : std::runtime_error {
  using runtime_error::runtime_error;
};

[[nodiscard]] std::string cycles(std::size_t n) {
  return std::to_string(n) + (n == 1 ? " cycle" : " cycles");
}

/// Samples, each the words of all its buses side by side.
class Vectors {
 public:
  Vectors(std::size_t samples, std::size_t stride) : stride_(stride), words_(samples * stride) {}

  [[nodiscard]] std::size_t size() const noexcept { return words_.size() / stride_; }
  [[nodiscard]] Word* operator[](std::size_t sample) noexcept {
    return words_.data() + sample * stride_;
  }
  [[nodiscard]] std::span<char> bytes() noexcept {
    return {reinterpret_cast<char*>(words_.data()), words_.size() * sizeof(Word)};
  }

 private:
  std::size_t stride_;
  std::vector<Word> words_;
};

/// The core with its clock. A cycle lasts from one rising edge to the next:
/// inputs change, `settle`, observe, `edge`.
class Core {
 public:
  explicit Core(VerilatedContext& context) : model_(&context) {
    model_.clk = 0;
    model_.en = 1;
    model_.rst = design::has_reset;
    model_.valid_in = 0;
    if constexpr (design::has_reset) {
      settle();
      edge();
      model_.rst = 0;
    }
  }

  void drive_inputs(const Word* from) noexcept {
    design::each_input(model_, [&from](auto& bus, std::size_t bits) {
      drive(bus, from);
      from += words(bits);
    });
  }

  void settle() {
    model_.clk = 0;
    model_.eval();
  }

  void edge() {
    if constexpr (design::has_clock) {
      model_.clk = 1;
      model_.eval();
    }
  }

  [[nodiscard]] Vdesign& pins() noexcept { return model_; }

 private:
  Vdesign model_;
};

[[nodiscard]] constexpr std::size_t longest_delay() {
  return *std::max_element(std::begin(design::delays), std::end(design::delays));
}

/// As long as no sample has come, valid_out must be 0, from the first cycle on.
void idle(Core& core) {
  for (std::size_t cycle = 0; design::has_valid && cycle <= design::latency; ++cycle) {
    core.settle();
    if (core.pins().valid_out) {
      throw BrokenProtocol("valid_out is 1 in cycle " + std::to_string(cycle) +
                           ", before the first sample");
    }
    core.edge();
  }
}

/// Where valid_out rises at the wrong time: clock on until it does, and say when.
[[noreturn]] void report_latency(Core& core, std::size_t cycle) {
  const std::size_t patience = cycle + 4 * design::latency + 64;
  for (; cycle < patience && !core.pins().valid_out; ++cycle) {
    core.edge();
    core.settle();
  }
  throw BrokenProtocol(core.pins().valid_out
                           ? "results arrive after " + cycles(cycle)
                           : "results never arrive: valid_out stays 0 for " + cycles(cycle));
}

/// Every sample in order, one a cycle, then as many cycles as it takes to see the last.
void stream(Core& core, Vectors& inputs, Vectors& outputs) {
  const std::size_t samples = inputs.size();
  const std::size_t end = samples + longest_delay();
  bool has_risen = false;
  for (std::size_t cycle = 0; cycle < end; ++cycle) {
    if (cycle < samples) core.drive_inputs(inputs[cycle]);
    core.pins().valid_in = cycle < samples;
    core.settle();
    if constexpr (design::has_valid) {
      const bool is_valid = cycle >= design::latency && cycle < samples + design::latency;
      if (core.pins().valid_out != is_valid) {
        if (!has_risen) report_latency(core, cycle);
        throw BrokenProtocol("valid_out is " + std::to_string(!is_valid) + " in cycle " +
                             std::to_string(cycle) + ", where it must be " +
                             std::to_string(is_valid));
      }
      has_risen |= is_valid;
    }
    std::size_t bus_number = 0;
    std::size_t offset = 0;
    design::each_observed(core.pins(), [&](const auto& bus, std::size_t bits) {
      const std::size_t delay = design::delays[bus_number++];
      if (cycle >= delay && cycle - delay < samples) read(bus, outputs[cycle - delay] + offset);
      offset += words(bits);
    });
    core.edge();
  }
}

/// Every sample in order, with random pauses: enable low (the core must stand
/// still) and valid_in low (a bubble must travel along). In both, the data
/// inputs carry other samples, which must leave no trace.
void stall(Core& core, Vectors& inputs, Vectors& outputs, std::uint32_t seed) {
  using Sample = std::optional<std::size_t>;
  std::mt19937 random(seed);
  std::deque<Sample> pipeline(design::latency);
  std::vector<Word> seen(design::observed_words);
  std::vector<bool> is_stored(inputs.size());
  std::size_t next = 0;
  std::size_t left = inputs.size();
  for (std::size_t cycle = 0; left > 0; ++cycle) {
    const bool is_enabled = !design::has_enable || random() % 2;
    const bool is_offered = next < inputs.size() && (!design::has_valid || random() % 2);
    const bool is_taken = is_enabled && is_offered;
    core.drive_inputs(inputs[is_taken ? next : random() % inputs.size()]);
    core.pins().en = is_enabled;
    core.pins().valid_in = is_offered;
    core.settle();
    pipeline.push_front(is_taken ? Sample(next) : std::nullopt);
    const Sample arrived = pipeline.back();
    const auto where = [&] { return " in cycle " + std::to_string(cycle); };
    if (design::has_valid && core.pins().valid_out != arrived.has_value()) {
      throw BrokenProtocol(std::string("valid_out is ") + (arrived ? "0" : "1") + where() +
                           " of a run with random pauses, where it must be " +
                           (arrived ? "1" : "0"));
    }
    if (arrived) {
      Word* to = seen.data();
      design::each_observed(core.pins(), [&to](const auto& bus, std::size_t bits) {
        read(bus, to);
        to += words(bits);
      });
      if (!is_stored[*arrived]) {
        std::copy(seen.begin(), seen.end(), outputs[*arrived]);
        is_stored[*arrived] = true;
      } else if (!std::equal(seen.begin(), seen.end(), outputs[*arrived])) {
        throw BrokenProtocol("outputs change" + where() + ", while enable is 0");
      }
    }
    core.edge();
    next += is_taken;
    if (is_enabled) {
      left -= arrived.has_value();
      pipeline.pop_back();
    } else {
      pipeline.pop_front();
    }
  }
}

[[nodiscard]] Vectors read_file(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw std::runtime_error(std::string("cannot read ") + path);
  const auto size = static_cast<std::size_t>(file.tellg());
  if (size % (design::input_words * sizeof(Word))) {
    throw std::runtime_error(std::string(path) + " does not hold whole samples");
  }
  Vectors vectors(size / (design::input_words * sizeof(Word)), design::input_words);
  file.seekg(0);
  file.read(vectors.bytes().data(), static_cast<std::streamsize>(size));
  return vectors;
}

void write_file(const char* path, Vectors& vectors) {
  std::ofstream file(path, std::ios::binary);
  file.write(vectors.bytes().data(), static_cast<std::streamsize>(vectors.bytes().size()));
  if (!file.flush()) throw std::runtime_error(std::string("cannot write ") + path);
}

int run(std::span<char*> arguments) {
  if (arguments.size() < 3) throw std::runtime_error("usage: bench INPUTS OUTPUTS [OPTIONS]");
  std::size_t repeats = 1;
  std::optional<std::uint32_t> stalls;
  for (std::size_t i = 3; i + 1 < arguments.size(); i += 2) {
    const std::string_view option = arguments[i];
    if (option == "--repeat") repeats = std::stoul(arguments[i + 1]);
    if (option == "--stalls") stalls = static_cast<std::uint32_t>(std::stoul(arguments[i + 1]));
  }
  Vectors inputs = read_file(arguments[1]);
  Vectors outputs(inputs.size(), design::observed_words);
  VerilatedContext context;
  context.randReset(1);  // registers without an initial value start at 1
  Core core(context);
  idle(core);
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t repeat = 0; repeat < repeats; ++repeat) {
    stalls ? stall(core, inputs, outputs, *stalls) : stream(core, inputs, outputs);
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  write_file(arguments[2], outputs);
  std::printf("{\"samples\": %zu, \"repeats\": %zu, \"seconds\": %.6f, ", inputs.size(), repeats,
              seconds);
  std::printf("\"samples_per_second\": %.1f}\n",
              seconds > 0 ? static_cast<double>(inputs.size() * repeats) / seconds : 0.0);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run({arguments, static_cast<std::size_t>(count)});
  } catch (const BrokenProtocol& broken) {
    std::fprintf(stderr, "%s\n", broken.what());
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
