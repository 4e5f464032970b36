#pragma once
// The border: floats of a model become integers exactly as the framework does it.
// Twin of hgq2rtl/fixed/border.py: the same float steps in the same order.

#include <cstdint>

#include "program.hpp"

namespace hgq2rtl {

/// One number on an input port and how a float becomes it.
struct Field {
    std::int32_t port = 0;
    std::int32_t element = 0;   ///< column of the port's floats
    std::int32_t position = 0;  ///< column of the port's integers
    Rounding rounding = Rounding::exact;
    Overflow overflow = Overflow::exact;
    double scaler = 1.0;
    int k = 0, i = 0, f = 0;
    bool computes_in_float64 = false;  ///< the quantizer's steps, else float32
    Interval interval;                 ///< what the port can hold

    /// Neither rounds, overflows nor scales: a number is read as it is, without float steps.
    [[nodiscard]] bool is_exact() const noexcept {
        return rounding == Rounding::exact && overflow == Overflow::exact && scaler == 1.0;
    }
    [[nodiscard]] bool takes_float64() const noexcept {
        return computes_in_float64 || is_exact();
    }
};

enum class Refusal : std::uint8_t {
    none,
    not_finite,         ///< NaN or infinite, perhaps only once it is float32
    no_result,          ///< the steps leave the range of the float type
    not_representable,  ///< EXACT, and the number would have to be rounded
    does_not_fit,       ///< the result is outside the field's format
};
inline constexpr std::array<std::string_view, 5> refusal_names = {
    "none", "not_finite", "no_result", "not_representable", "does_not_fit"};

struct Quantized {
    std::int64_t mantissa = 0;
    Refusal refusal = Refusal::none;
};

/// One number, by the definition: any format, any value. The loops of loops.hpp are
/// its fast form, and hand over to it whatever they do not cover.
[[nodiscard]] Quantized quantize_one(double x, const Field& field) noexcept;

/// An integer given by the user: is it in the field's format?
[[nodiscard]] inline Quantized check_one(std::int64_t m, const Field& field) noexcept {
    const bool fits = field.interval.lo <= m && m <= field.interval.hi;
    return {m, fits ? Refusal::none : Refusal::does_not_fit};
}

}  // namespace hgq2rtl
