#pragma once
// Random numbers that are the same on every machine.

#include <cstdint>

namespace hgq2rtl::cmvm {

/// SplitMix64 (Steele, Lea, Flood 2014).
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t x) noexcept {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

class Random {
   public:
    explicit Random(std::uint64_t seed) noexcept : state_(mixed(seed)) {}

    std::uint64_t next() noexcept {
        const auto result = mixed(state_);
        state_ += 0x9e3779b97f4a7c15u;
        return result;
    }
    /// In [0, 1).
    double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }
    /// In [0, n).
    int below(int n) noexcept {
        return static_cast<int>(((next() >> 32) * static_cast<std::uint64_t>(n)) >> 32);
    }
    /// Exponentially distributed, mean 1: `-ln` of a uniform number, by steps that every
    /// IEEE machine rounds alike, which those of the C library need not be.
    double exponential() noexcept {
        double x = 1.0 - uniform();  // in (0, 1]
        int halvings = 0;
        while (x < 0.5) {
            x *= 2;
            ++halvings;
        }
        // ln x = 2 artanh((x - 1) / (x + 1)); |t| <= 1/3
        const double t = (x - 1) / (x + 1), q = t * t;
        const double series =
            1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11)))));
        return halvings * 0.6931471805599453 - 2 * t * series;
    }

   private:
    std::uint64_t state_;
};

}  // namespace hgq2rtl::cmvm
