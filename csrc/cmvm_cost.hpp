#pragma once
// What an addition costs on a target.

#include <algorithm>

#include "cmvm_nodes.hpp"

namespace hgq2rtl::cmvm {

/// Prices are integers, so that sums are exact: one LUT is `lut`.
inline constexpr int lut = 1024;

/// Bit positions [lsb, top).
struct Span {
    int lsb = 0, top = 0;
};

/// Positions that lie in both.
[[nodiscard]] constexpr int overlap_bits(Span a, Span b) noexcept {
    return std::max(0, std::min(a.top, b.top) - std::max(a.lsb, b.lsb));
}

/// Bits of a two's complement number, or of an unsigned one if it is never negative.
[[nodiscard]] int signed_bits(const Interval& interval) noexcept;

struct Cost {
    bool is_signed = false;       ///< two's complement adders, else unsigned rows
    int carry_position = lut / 4; ///< price of a carry position without a LUT; rows only
    bool fuses = false;           ///< rows of three operands; see cmvm_fusion.hpp

    /// A row of unsigned operands: a LUT where both have bits, a carry position where one has,
    /// nothing below the higher operand's lowest bit and for a mere concatenation.
    [[nodiscard]] constexpr int of_row(Span a, Span b, int top) const noexcept {
        const int overlap = overlap_bits(a, b);
        if (overlap == 0) {
            return 0;
        }
        return lut * overlap + carry_position * std::max(0, top - std::min(a.top, b.top));
    }

    /// A two's complement addition, `lower` starting at or below `higher`.
    [[nodiscard]] static int of_adder(Span lower, Span higher, int top, bool is_lower_subtracted,
                                      bool is_concatenation) noexcept;

    /// `x + y` with the given range in units of the lower shift. A signed sum is priced with its
    /// lower operand added, which the choice of its own sign allows.
    [[nodiscard]] int of_sum(const Nodes& nodes, Term x, Term y, Interval range) const;
};

/// Where the unsigned form of a term has bits.
[[nodiscard]] inline Span row_span(const Nodes& nodes, Term term) noexcept {
    return {term.shift, term.shift + nodes[term.node].width};
}

/// Where the two's complement number has bits.
[[nodiscard]] Span signed_span(const Nodes& nodes, Term term) noexcept;

}  // namespace hgq2rtl::cmvm
