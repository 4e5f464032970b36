#include "border.hpp"

#include <algorithm>
#include <cmath>

namespace hgq2rtl {
namespace {

template <class Real>
Real power(int n) noexcept {
    return std::ldexp(Real{1}, n);
}

template <class Real>
Real sign(Real s) noexcept {
    return static_cast<Real>(s > 0) - static_cast<Real>(s < 0);
}

/// numpy.mod for b > 0: the result has the sign of `b`, and the last sum rounds.
template <class Real>
Real floor_mod(Real a, Real b) noexcept {
    const Real rest = std::fmod(a, b);
    return rest < 0 ? rest + b : rest;
}

template <class Real>
Real round(Real s, Rounding mode) noexcept {
    constexpr Real half{0.5};
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

template <class Real>
Real saturate(Real x, int k, int i, int f, Overflow mode) noexcept {
    const Real high = power<Real>(i) - power<Real>(-f);
    const Real low = -static_cast<Real>(k) * (mode == Overflow::sat_sym ? high : power<Real>(i));
    // Not std::clamp: where a bound overflows to NaN, numpy hands the NaN on.
    return std::isnan(low) || std::isnan(high) ? low - high : std::min(std::max(x, low), high);
}

template <class Real>
Real wrap(Real q, int k, int i) noexcept {
    const Real bias = static_cast<Real>(k) * power<Real>(i + k - 1);
    return floor_mod(q + bias, power<Real>(i + k)) - bias;
}

template <class Real>
Real wrap_triangle(Real x, Real q, int k, int i, int f) noexcept {
    constexpr Real two{2};
    const Real eps = power<Real>(-f);
    const Real period = power<Real>(i + k);
    const Real high = power<Real>(i) - eps;
    const Real low = -(high + eps) * static_cast<Real>(k);
    const bool is_outer = floor_mod(x / period, two) >= 1 && std::fabs(x) > eps / two;
    const bool is_folded = floor_mod((x + eps / two) / (period / two), two) >= 1;
    Real m = floor_mod(q - high - eps, period) + low;
    m = is_folded ? -m - eps : m;
    return is_outer ? -m - eps : m;
}

/// The mantissa as a float64, before any check of its range.
template <class Real>
double framework_mantissa(Real x, const Field& field) noexcept {
    const int k = field.k;
    const int f = field.f;
    const int i = std::max(field.i, -f);
    if (field.overflow == Overflow::sat || field.overflow == Overflow::sat_sym) {
        x = saturate(x, k, i, f, field.overflow);
    }
    Real q = std::ldexp(round(std::ldexp(x, f), field.rounding), -f);
    if (field.overflow == Overflow::wrap) {
        q = wrap(q, k, i);
    } else if (field.overflow == Overflow::wrap_sm) {
        q = wrap_triangle(x, q, k, i, f);
    }
    return std::ldexp(static_cast<double>(q), f);
}

/// A number without any float step.
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

template <class Real>
Quantized quantize_in(double x, const Field& field) noexcept {
    const Real given = static_cast<Real>(x) / static_cast<Real>(field.scaler);
    if (!std::isfinite(given)) {
        return {0, Refusal::not_finite};
    }
    if (field.rounding == Rounding::exact && field.overflow == Overflow::exact) {
        return read_exact(static_cast<double>(given), field);
    }
    // A quantizer without bits gives zero; one that only rounds has no say about bits.
    if (field.overflow != Overflow::exact && field.k + field.i + field.f <= 0) {
        return {0, Refusal::none};
    }
    const double scaled = std::ldexp(static_cast<double>(given), field.f);
    if (field.rounding == Rounding::exact && scaled != std::rint(scaled)) {
        return {0, Refusal::not_representable};
    }
    const double mantissa = framework_mantissa(given, field);
    if (!std::isfinite(mantissa)) {
        return {0, Refusal::no_result};
    }
    if (!(mantissa >= -0x1p63 && mantissa < 0x1p63)) {
        return {0, Refusal::does_not_fit};
    }
    return check_one(static_cast<std::int64_t>(mantissa), field);
}

}  // namespace

Quantized quantize_one(double x, const Field& field) noexcept {
    return field.takes_float64() ? quantize_in<double>(x, field) : quantize_in<float>(x, field);
}

}  // namespace hgq2rtl
