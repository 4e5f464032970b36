#pragma once
// Every hot loop, behind pointers: loops.cpp is compiled once per instruction set.

#include <cstddef>
#include <cstdint>

#include "border.hpp"
#include "tape.hpp"

namespace hgq2rtl {

/// Loops run over blocks whose length is a multiple of this.
inline constexpr std::size_t block_unit = 64;

/// Rows of a user's array: element (s, e) is data[s * stride + e].
template <class T>
struct Rows {
    T* data = nullptr;
    std::size_t stride = 0;
};

/// What a block of the tape needs, as plain pointers.
struct BlockProgram {
    const Instruction* instructions;
    std::size_t count;
    const Term* terms;
};

template <class T>
struct LaneLoops {
    /// Run all instructions over `n` samples; slot s begins at slots[s * n].
    void (*run)(const BlockProgram&, const T* tables, T* slots, std::size_t n);
    /// slot[s] = m[s]; false where a number is outside the interval.
    bool (*take_int32)(const std::int32_t* m, std::size_t n, Interval, T* slot);
    bool (*take_int64)(const std::int64_t* m, std::size_t n, Interval, T* slot);
    /// rows(s, column[c]) = slots[slot[c] * n + s], times scale[c] for floats.
    void (*put_int64)(const T* slots, std::size_t n, const std::int32_t* slot,
                      const std::int32_t* column, std::size_t columns, std::size_t samples,
                      Rows<std::int64_t>);
    void (*put_float64)(const T* slots, std::size_t n, const std::int32_t* slot,
                        const std::int32_t* column, const double* scale, std::size_t columns,
                        std::size_t samples, Rows<double>);
};

/// to[c * n + s] = rows(s, column[c]); behind the last sample it is repeated up to `n`.
template <class From, class To>
using Gather = void (*)(Rows<const From>, const std::int32_t* column, std::size_t columns,
                        std::size_t samples, std::size_t n, To* to);

struct Loops {
    const char* level;
    LaneLoops<std::int16_t> int16;
    LaneLoops<std::int32_t> int32;
    LaneLoops<std::int64_t> int64;
    Gather<float, float> gather_float_float;
    Gather<double, float> gather_double_float;
    Gather<float, double> gather_float_double;
    Gather<double, double> gather_double_double;
    Gather<std::int64_t, std::int64_t> gather_int64;
    /// Quantize a column in float32 steps. False where quantize_one must decide: a format
    /// or a value out of the common range.
    bool (*quantize)(const float* x, std::size_t n, const Field&, std::int32_t* m);
    /// The same for exact fields, which take float64 as it is.
    bool (*read_exact)(const double* x, std::size_t n, const Field&, std::int32_t* m);
};

namespace baseline {
const Loops& loops() noexcept;
}
namespace avx2 {
const Loops& loops() noexcept;
}

/// The loops for this machine.
[[nodiscard]] const Loops& best_loops() noexcept;

}  // namespace hgq2rtl
