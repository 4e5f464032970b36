#pragma once
// A batch of samples through the border and a tape, block by block on all threads.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "border.hpp"
#include "loops.hpp"
#include "tape.hpp"

namespace hgq2rtl {

/// The user's array of one input port: floats by element, or mantissas by field.
using Source = std::variant<Rows<const float>, Rows<const double>, Rows<const std::int64_t>>;

/// An array to fill: values as float64, or mantissas.
using Sink = std::variant<Rows<double>, Rows<std::int64_t>>;

/// Where a kept value goes.
struct Destination {
    std::int32_t sink = 0;
    std::int32_t column = 0;
    double scale = 1.0;  ///< 2**exponent; for float64 only
};

/// The first number of the batch that was refused.
struct Fault {
    std::size_t sample = 0;
    std::size_t field = 0;
    Refusal refusal = Refusal::none;
};

struct Batch {
    std::span<const Field> fields;      ///< of all input ports, one port after another
    std::span<const Source> sources;    ///< one per input port
    std::span<const Destination> kept;  ///< one per kept value of the tape
    std::span<const Sink> sinks;
    std::size_t samples = 0;
};

/// Evaluates `tape` on every sample. With a fault the sinks are only partly filled.
[[nodiscard]] std::optional<Fault> evaluate(const Tape& tape, const Batch& batch, int threads,
                                            const Loops& loops);

}  // namespace hgq2rtl
