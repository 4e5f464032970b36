#pragma once
// The lane: the narrowest machine integer in which a Program is exact.

#include <cstdint>
#include <span>

#include "program.hpp"

namespace hgq2rtl {

/// Bits of a signed machine integer that holds every number of the interval.
///
///     signed_bits({0, 127}) == 8, signed_bits({0, 128}) == 9, signed_bits({-1, 0}) == 1
[[nodiscard]] int signed_bits(Interval interval) noexcept;

/// Bits that the evaluation of value `v` needs: of its own format, and of what its
/// operation computes on the way. Sums, products and shifts to the left need no more
/// than their result, because arithmetic modulo 2**bits gives the result exactly;
/// comparisons and shifts to the right need every bit of what they look at.
[[nodiscard]] int bits_needed(const Program& program, std::int64_t v) noexcept;

/// 16, 32 or 64: the lane of these values; 0 where int64 is too small for one.
[[nodiscard]] int narrowest_lane(const Program& program, std::span<const std::int64_t> values);

}  // namespace hgq2rtl
