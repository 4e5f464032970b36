#pragma once
// The Program as the kernel sees it: views of the columns of hgq2rtl/ir/program.py.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace hgq2rtl {

/// Codes of operations, in the order of hgq2rtl/ir/operations.py; the binding
/// exports the names, and the interpreter refuses to import if they differ.
enum class Operation : std::uint8_t {
    input,
    constant,
    add,
    mul,
    slice,
    concat,
    mask,
    mux,
    compare,
    bitwise,
    lookup,
    row,
    output,
    lincomb,
    quantize,
    relu,
    abs,
    max,
    min,
};
inline constexpr std::array<std::string_view, 19> operation_names = {
    "input",   "const",  "add",    "mul",     "slice",    "concat", "mask", "mux", "compare",
    "bitwise", "lookup", "row",    "output",  "lincomb",  "quantize", "relu", "abs", "max", "min"};

enum class Relation : std::uint8_t { lt, le, eq, ne };
inline constexpr std::array<std::string_view, 4> relation_names = {"lt", "le", "eq", "ne"};

enum class Function : std::uint8_t { bit_and, bit_or, bit_xor };
inline constexpr std::array<std::string_view, 3> function_names = {"and", "or", "xor"};

/// `exact` is no rounding: only numbers that need none are taken (border only).
enum class Rounding : std::uint8_t {
    trn,
    rnd,
    rnd_conv,
    trn_zero,
    rnd_zero,
    rnd_inf,
    rnd_min_inf,
    exact,
};
inline constexpr std::array<std::string_view, 8> rounding_names = {
    "TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_INF", "RND_MIN_INF", "EXACT"};

enum class Overflow : std::uint8_t { wrap, sat, sat_sym, wrap_sm, exact };
inline constexpr std::array<std::string_view, 5> overflow_names = {"WRAP", "SAT", "SAT_SYM",
                                                                   "WRAP_SM", "EXACT"};

/// Attributes that one operation can have; their columns per value.
inline constexpr int most_attributes = 5;

/// A closed interval of mantissas.
struct Interval {
    std::int64_t lo = 0;
    std::int64_t hi = 0;
};

struct Table {
    std::int64_t base = 0;
    std::vector<std::int64_t> contents;
};

/// Columns over all values. Intervals fit int64 (wider Programs never come here);
/// weights are reduced modulo 2**64, which a sum that fits int64 does not notice.
struct Program {
    std::span<const std::uint8_t> operation;
    std::span<const std::int64_t> start;
    std::span<const std::int32_t> operand;
    std::span<const std::int64_t> weight;
    std::span<const std::int64_t> attribute;
    std::span<const std::int64_t> lo;
    std::span<const std::int64_t> hi;
    std::span<const bool> wraps;
    std::vector<Table> tables;

    [[nodiscard]] std::size_t size() const noexcept { return operation.size(); }
    [[nodiscard]] Operation operation_of(std::int64_t v) const noexcept {
        return static_cast<Operation>(operation[static_cast<std::size_t>(v)]);
    }
    [[nodiscard]] std::span<const std::int32_t> operands_of(std::int64_t v) const noexcept {
        const auto at = static_cast<std::size_t>(v);
        return operand.subspan(static_cast<std::size_t>(start[at]),
                               static_cast<std::size_t>(start[at + 1] - start[at]));
    }
    [[nodiscard]] std::span<const std::int64_t> weights_of(std::int64_t v) const noexcept {
        const auto at = static_cast<std::size_t>(v);
        return weight.subspan(static_cast<std::size_t>(start[at]),
                              static_cast<std::size_t>(start[at + 1] - start[at]));
    }
    [[nodiscard]] std::int64_t attribute_of(std::int64_t v, int which) const noexcept {
        return attribute[static_cast<std::size_t>(v) * most_attributes
                         + static_cast<std::size_t>(which)];
    }
    [[nodiscard]] Interval interval_of(std::int64_t v) const noexcept {
        return {lo[static_cast<std::size_t>(v)], hi[static_cast<std::size_t>(v)]};
    }
};

}  // namespace hgq2rtl
