#include "lane.hpp"

#include <algorithm>
#include <bit>

namespace hgq2rtl {
namespace {

// Attribute columns, in the order of hgq2rtl/ir/operations.py.
constexpr int compare_shift = 1;
constexpr int quantize_shift = 0;
constexpr int quantize_bits = 2;
constexpr int quantize_rounding = 3;
constexpr int quantize_overflow = 4;

int clamp_bits(std::int64_t bits) noexcept {
    return static_cast<int>(std::min<std::int64_t>(bits, 1 << 20));
}

int bits_of(const Program& program, std::int64_t v) noexcept {
    return signed_bits(program.interval_of(v));
}

/// Of both operands after `b << shift`; a negative shift moves `a` instead.
int aligned_bits(int a, int b, std::int64_t shift) noexcept {
    return clamp_bits(
        std::max(a - std::min<std::int64_t>(shift, 0), b + std::max<std::int64_t>(shift, 0)));
}

int quantize_bits_needed(const Program& program, std::int64_t v) noexcept {
    const auto shift = program.attribute_of(v, quantize_shift);
    const auto rounding = static_cast<Rounding>(program.attribute_of(v, quantize_rounding));
    const auto overflow = static_cast<Overflow>(program.attribute_of(v, quantize_overflow));
    const std::int64_t operand = bits_of(program, program.operands_of(v)[0]);
    if (overflow == Overflow::wrap_sm) {
        // Computes 2 * m + 2**shift, and numbers of k + bits + 1 bits.
        const auto moved = operand + std::max<std::int64_t>(-shift, 0);
        return clamp_bits(
            std::max({moved + 3, shift + 4, program.attribute_of(v, quantize_bits) + 3}));
    }
    if (shift > 0) {
        // m + offset, where 0 <= offset < 2**shift.
        return clamp_bits(rounding == Rounding::trn ? operand : std::max(operand, shift + 1) + 1);
    }
    return clamp_bits(overflow == Overflow::wrap ? operand : operand - shift);
}

}  // namespace

int signed_bits(Interval interval) noexcept {
    const auto magnitude = std::max(interval.hi, interval.lo < 0 ? -(interval.lo + 1) : 0);
    return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(magnitude))) + 1;
}

int bits_needed(const Program& program, std::int64_t v) noexcept {
    const int own = bits_of(program, v);
    const auto operands = program.operands_of(v);
    switch (program.operation_of(v)) {
        case Operation::compare:
            return std::max(
                own, aligned_bits(bits_of(program, operands[0]), bits_of(program, operands[1]),
                                  program.attribute_of(v, compare_shift)));
        case Operation::max:
        case Operation::min:
            return std::max(
                own, aligned_bits(bits_of(program, operands[0]), bits_of(program, operands[1]),
                                  program.attribute_of(v, 0)));
        case Operation::quantize: return std::max(own, quantize_bits_needed(program, v));
        default: return own;
    }
}

int narrowest_lane(const Program& program, std::span<const std::int64_t> values) {
    int bits = 0;
    for (const auto v : values) {
        bits = std::max(bits, bits_needed(program, v));
    }
    for (const int lane : {16, 32, 64}) {
        if (bits <= lane) {
            return lane;
        }
    }
    return 0;
}

}  // namespace hgq2rtl
