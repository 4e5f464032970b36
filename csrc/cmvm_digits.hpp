#pragma once
// Signed digits of coefficients.

#include <array>
#include <cstdint>

#include "cmvm_random.hpp"
#include "cmvm_rows.hpp"

namespace hgq2rtl::cmvm {

/// Non-zero digits of the canonical form, for numbers below 2**61.
[[nodiscard]] inline int digits_of(std::int64_t number) noexcept;

/// Add `coefficient * input` to a row as canonical signed digits.
void add_digits(Row& row, int input, std::int64_t coefficient);

/// The same as a random form with as few digits: 3 is 4 - 1 or 2 + 1.
void add_random_digits(Row& row, int input, std::int64_t coefficient, Random& random);

namespace detail {

[[nodiscard]] constexpr int counted_digits(std::uint64_t number) noexcept {
    std::uint64_t x = number ^ (3 * number);  // one bit per digit
    x -= (x >> 1) & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
    return static_cast<int>((((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u) >> 56);
}

inline constexpr auto few_digits = [] {
    std::array<std::int8_t, 4096> table{};
    for (std::size_t n = 0; n < table.size(); ++n) {
        table[n] = static_cast<std::int8_t>(counted_digits(n));
    }
    return table;
}();

}  // namespace detail

inline int digits_of(std::int64_t number) noexcept {
    const auto n = static_cast<std::uint64_t>(number < 0 ? -number : number);
    return n < detail::few_digits.size() ? detail::few_digits[n] : detail::counted_digits(n);
}

}  // namespace hgq2rtl::cmvm
