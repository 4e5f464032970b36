#include "border.hpp"

#include <algorithm>
#include <cmath>

namespace hgq2rtl {
namespace {

float power(int n) noexcept {
    return std::ldexp(1.0F, n);
}

float sign(float s) noexcept {
    return static_cast<float>(s > 0.0F) - static_cast<float>(s < 0.0F);
}

/// numpy.mod for b > 0: the result has the sign of `b`, and the last sum rounds.
float floor_mod(float a, float b) noexcept {
    const float rest = std::fmod(a, b);
    return rest < 0.0F ? rest + b : rest;
}

float round(float s, Rounding mode) noexcept {
    constexpr float half = 0.5F;
    switch (mode) {
        case Rounding::trn: return std::floor(s);
        case Rounding::rnd: return std::floor(s + half);
        case Rounding::rnd_conv:
        case Rounding::exact: return std::rint(s);
        case Rounding::trn_zero: return std::trunc(s);
        case Rounding::rnd_zero: return -sign(s) * std::floor(-std::fabs(s) + half);
        case Rounding::rnd_min_inf: return -std::floor(-s + half);
        case Rounding::rnd_inf: return sign(s) * std::floor(std::fabs(s) + half);
    }
    return s;
}

float saturate(float x, int k, int i, int f, Overflow mode) noexcept {
    const float high = power(i) - power(-f);
    const float low = -static_cast<float>(k) * (mode == Overflow::sat_sym ? high : power(i));
    // Not std::clamp: where a bound overflows to NaN, numpy hands the NaN on.
    return std::isnan(low) || std::isnan(high) ? low - high : std::min(std::max(x, low), high);
}

float wrap(float q, int k, int i) noexcept {
    const float bias = static_cast<float>(k) * power(i + k - 1);
    return floor_mod(q + bias, power(i + k)) - bias;
}

float wrap_triangle(float x, float q, int k, int i, int f) noexcept {
    const float eps = power(-f);
    const float period = power(i + k);
    const float high = power(i) - eps;
    const float low = -(high + eps) * static_cast<float>(k);
    const bool is_outer = floor_mod(x / period, 2.0F) >= 1.0F && std::fabs(x) > eps / 2.0F;
    const bool is_folded = floor_mod((x + eps / 2.0F) / (period / 2.0F), 2.0F) >= 1.0F;
    float m = floor_mod(q - high - eps, period) + low;
    m = is_folded ? -m - eps : m;
    return is_outer ? -m - eps : m;
}

/// The mantissa as a float64, before any check of its range.
double framework_mantissa(float x, const Field& field) noexcept {
    const int k = field.k;
    const int f = field.f;
    const int i = std::max(field.i, -f);
    if (field.overflow == Overflow::sat || field.overflow == Overflow::sat_sym) {
        x = saturate(x, k, i, f, field.overflow);
    }
    float q = std::ldexp(round(std::ldexp(x, f), field.rounding), -f);
    if (field.overflow == Overflow::wrap) {
        q = wrap(q, k, i);
    } else if (field.overflow == Overflow::wrap_sm) {
        q = wrap_triangle(x, q, k, i, f);
    }
    return std::ldexp(static_cast<double>(q), f);
}

/// A number without any float32 step but the scaler.
Quantized read_exact(double x, const Field& field) noexcept {
    const double mantissa = std::rint(std::ldexp(x, field.f));
    if (!(mantissa >= -0x1p63 && mantissa < 0x1p63)) {
        return {0, Refusal::does_not_fit};
    }
    if (std::ldexp(mantissa, -field.f) != x) {
        return {0, Refusal::not_representable};
    }
    return check_one(static_cast<std::int64_t>(mantissa), field);
}

}  // namespace

Quantized quantize_one(double x, const Field& field) noexcept {
    const bool is_double = field.takes_float64();
    const float single = static_cast<float>(x) / field.scaler;
    const double given = is_double ? x : static_cast<double>(single);
    if (!std::isfinite(given)) {
        return {0, Refusal::not_finite};
    }
    if (field.rounding == Rounding::exact && field.overflow == Overflow::exact) {
        return read_exact(given, field);
    }
    // A quantizer without bits gives zero; one that only rounds has no say about bits.
    if (field.overflow != Overflow::exact && field.k + field.i + field.f <= 0) {
        return {0, Refusal::none};
    }
    const double scaled = std::ldexp(given, field.f);
    if (field.rounding == Rounding::exact && scaled != std::rint(scaled)) {
        return {0, Refusal::not_representable};
    }
    const double mantissa = framework_mantissa(single, field);
    if (!(std::fabs(mantissa) < 0x1p62)) {
        return {0, Refusal::no_float32_result};
    }
    return check_one(static_cast<std::int64_t>(mantissa), field);
}

}  // namespace hgq2rtl
