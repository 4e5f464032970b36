#include "cmvm_digits.hpp"

#include <vector>

namespace hgq2rtl::cmvm {

namespace {

/// Lowest first.
[[nodiscard]] std::vector<Term> digits(int input, std::int64_t number) {
    std::vector<Term> result;
    for (std::int16_t shift = 0; number != 0; ++shift, number >>= 1) {
        if ((number & 1) != 0) {
            const auto sign = static_cast<std::int16_t>(2 - (number & 3));
            result.push_back({input, shift, sign});
            number -= sign;
        }
    }
    return result;
}

}  // namespace

void add_digits(Row& row, int input, std::int64_t coefficient) {
    for (const auto& digit : digits(input, coefficient)) {
        row.add(digit);
    }
}

void add_random_digits(Row& row, int input, std::int64_t coefficient, Random& random) {
    auto all = digits(input, coefficient);
    for (std::size_t i = 1; i < all.size(); ++i) {
        auto &low = all[i - 1], &high = all[i];
        if (high.shift == low.shift + 2 && high.sign != low.sign && (random.next() & 1) != 0) {
            low.sign = high.sign;
            --high.shift;
        }
    }
    for (const auto& digit : all) {
        row.add(digit);
    }
}

}  // namespace hgq2rtl::cmvm
