#include "cmvm_cost.hpp"

namespace hgq2rtl::cmvm {

int signed_bits(const Interval& interval) noexcept {
    return bit_width(std::max(interval.hi, -interval.lo - 1)) + (interval.lo < 0);
}

Span signed_span(const Nodes& nodes, Term term) noexcept {
    const auto& [lo, hi] = nodes[term.node].interval;
    const int bits = signed_bits(term.sign > 0 ? Interval{lo, hi} : Interval{-hi, -lo});
    return {term.shift, term.shift + bits};
}

int Cost::of_adder(Span lower, Span higher, int top, bool is_lower_subtracted,
                   bool is_concatenation) noexcept {
    if (is_concatenation) {
        return 0;
    }
    const int lowest = is_lower_subtracted ? lower.lsb : higher.lsb;
    return lut * std::max(1, top - lowest);
}

int Cost::of_sum(const Nodes& nodes, Term x, Term y, Interval range) const {
    const int base = std::min(x.shift, y.shift);
    if (!is_signed) {
        return of_row(row_span(nodes, x), row_span(nodes, y),
                      base + bit_width(range.hi - range.lo));
    }
    const bool is_swapped = y.shift < x.shift || (x.shift == y.shift && x.sign < 0 && y.sign > 0);
    Term lower = is_swapped ? y : x, higher = is_swapped ? x : y;
    if (lower.sign < 0) {
        lower = -lower;
        higher = -higher;
        range = {-range.hi, -range.lo};
    }
    const Span low = signed_span(nodes, {lower.node, lower.shift, 1});
    const Span high = signed_span(nodes, {higher.node, higher.shift, 1});
    const bool is_concatenation = nodes[lower.node].interval.lo >= 0 && higher.sign > 0
                                  && low.top <= high.lsb && low.lsb < high.lsb;
    return of_adder(low, high, base + signed_bits(range), false, is_concatenation);
}

}  // namespace hgq2rtl::cmvm
