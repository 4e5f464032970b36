// Compiled once per instruction set, with HGQ2RTL_LEVEL as the namespace. Only language
// and compiler built-ins here: an inline function of the standard library that is not
// inlined would be linked from one of the copies into all, and run on the wrong machine.

#include "loops.hpp"

#include <type_traits>

namespace hgq2rtl::HGQ2RTL_LEVEL {
namespace {

// -- the tape ---------------------------------------------------------------

/// The steps on one lane type. Vectors of the compiler, not loops that it may or may
/// not vectorise: int16 would be widened by the rules of C++ at every shift.
template <class T>
struct Lane {
    using U = std::make_unsigned_t<T>;
    static constexpr std::size_t bytes = 32;
    static constexpr std::size_t width = bytes / sizeof(T);
    typedef T V __attribute__((vector_size(bytes), may_alias));
    typedef U UV __attribute__((vector_size(bytes), may_alias));

    // Arithmetic is modulo 2**lane, on unsigned numbers.
    static V plus(V a, V b) { return (V)((UV)a + (UV)b); }
    static V minus(V a, V b) { return (V)((UV)a - (UV)b); }
    static V times(V a, V b) { return (V)((UV)a * (UV)b); }
    static V left(V a, int shift) { return (V)((UV)a << static_cast<U>(shift)); }
    static V right(V a, int shift) {
        if constexpr (sizeof(T) == 8) {
            // AVX2 shifts 64 bits without sign only: move the numbers up, shift, move back.
            constexpr U top = U{1} << 63;
            return (V)((((UV)a ^ top) >> static_cast<U>(shift)) - (top >> shift));
        } else {
            return a >> static_cast<T>(shift);
        }
    }
    static V all(T a) { return V{} + a; }
    static V bit(V mask) { return mask & 1; }
    static V choose(V mask, V a, V b) { return (a & mask) | (b & ~mask); }
    static T one(int shift) { return static_cast<T>(U{1} << shift); }

    /// target = wrapped f(v) for every vector v of the block. The target may be an
    /// operand: each vector is read before it is written.
    template <class F>
    static void write(const Instruction& i, T* target, std::size_t n, F f) {
        V* const to = reinterpret_cast<V*>(target);
        const std::size_t vectors = n / width;
        const int shift = i.wrap_shift;
        switch (i.wrap) {
            case Wrap::none:
                for (std::size_t v = 0; v < vectors; ++v) {
                    to[v] = f(v);
                }
                return;
            case Wrap::to_signed:
                for (std::size_t v = 0; v < vectors; ++v) {
                    to[v] = right(left(f(v), shift), shift);
                }
                return;
            case Wrap::to_unsigned: {
                const V kept = all(static_cast<T>(static_cast<U>(~U{0}) >> shift));
                for (std::size_t v = 0; v < vectors; ++v) {
                    to[v] = f(v) & kept;
                }
                return;
            }
        }
    }

    /// immediate + sum of weight * slot, four terms in one pass.
    static void combine(const BlockProgram& program, const Instruction& i, const T* slots,
                        T* target, std::size_t n) {
        const V* const sum = reinterpret_cast<const V*>(target);
        const V constant = all(static_cast<T>(i.immediate));
        Instruction part = i;
        for (std::uint32_t done = 0; done < i.count; done += 4) {
            const std::uint32_t rest = i.count - done;
            const Term* const term = program.terms + i.first + done;
            part.wrap = rest <= 4 ? i.wrap : Wrap::none;
            if (done == 0) {
                add_terms(part, term, rest, slots, target, n,
                          [=](std::size_t) { return constant; });
            } else {
                add_terms(part, term, rest, slots, target, n,
                          [=](std::size_t v) { return sum[v]; });
            }
        }
    }

    template <class F>
    static void add_terms(const Instruction& i, const Term* term, std::uint32_t count,
                          const T* slots, T* target, std::size_t n, F sum) {
        const auto slot = [=](std::uint32_t t) {
            return reinterpret_cast<const V*>(slots + static_cast<std::size_t>(term[t].slot) * n);
        };
        const auto weight = [=](std::uint32_t t) { return all(static_cast<T>(term[t].weight)); };
        const V* const a = slot(0);
        const V wa = weight(0);
        if (count == 1) {
            return write(i, target, n,
                         [=](std::size_t v) { return plus(sum(v), times(wa, a[v])); });
        }
        const V* const b = slot(1);
        const V wb = weight(1);
        if (count == 2) {
            return write(i, target, n, [=](std::size_t v) {
                return plus(sum(v), plus(times(wa, a[v]), times(wb, b[v])));
            });
        }
        const V* const c = slot(2);
        const V wc = weight(2);
        if (count == 3) {
            return write(i, target, n, [=](std::size_t v) {
                return plus(plus(sum(v), times(wa, a[v])), plus(times(wb, b[v]), times(wc, c[v])));
            });
        }
        const V* const d = slot(3);
        const V wd = weight(3);
        write(i, target, n, [=](std::size_t v) {
            return plus(sum(v), plus(plus(times(wa, a[v]), times(wb, b[v])),
                                     plus(times(wc, c[v]), times(wd, d[v]))));
        });
    }

    /// What is added before `shift` low bits are dropped, as in hgq2rtl/fixed/quantize.py.
    template <Rounding mode>
    static V offset(V m, int shift) {
        const T half = one(shift - 1);
        const V negative = m < 0;  // -1 or 0
        if constexpr (mode == Rounding::rnd) {
            return all(half);
        } else if constexpr (mode == Rounding::rnd_min_inf) {
            return all(static_cast<T>(half - 1));
        } else if constexpr (mode == Rounding::rnd_conv) {
            return bit(right(m, shift)) + static_cast<T>(half - 1);
        } else if constexpr (mode == Rounding::trn_zero) {
            return negative & static_cast<T>(one(shift) - 1);
        } else if constexpr (mode == Rounding::rnd_zero) {
            return all(static_cast<T>(half - 1)) - negative;
        } else if constexpr (mode == Rounding::rnd_inf) {
            return all(half) + negative;
        } else {
            return V{};
        }
    }

    template <Rounding mode>
    static V rounded(V m, int shift) {
        return right(plus(m, offset<mode>(m, shift)), shift);
    }

    template <Rounding mode>
    static void write_rounded(const Instruction& i, T* target, const V* a, std::size_t n) {
        const int shift = i.shift_a;
        write(i, target, n, [=](std::size_t v) { return rounded<mode>(a[v], shift); });
    }

    /// HGQ's sign-magnitude wrap: a triangle wave, as in hgq2rtl/fixed/quantize.py.
    template <Rounding mode>
    static void write_folded(const Instruction& i, T* target, const V* a, std::size_t n) {
        constexpr int last = sizeof(T) * 8 - 1;
        const int up = i.shift_b;
        const int shift = i.shift_a;
        const int bits = static_cast<int>(i.immediate_b);
        const int period = bits + static_cast<int>(i.immediate);
        const int reach = shift + period < last ? shift + period : last;
        const T unit = one(shift);
        const T least = static_cast<T>(i.immediate > 0 ? -one(bits) : 0);
        const T low_bits = static_cast<T>(one(period) - 1);
        write(i, target, n, [=](std::size_t v) {
            const V m = left(a[v], up);
            const V r = shift > 0 ? rounded<mode>(m, shift) : m;
            const V wrapped = ((r - least) & low_bits) + least;
            const V magnitude = choose(m < 0, -m, m);
            const V is_outer = bit(right(m, reach)) & (magnitude + magnitude > unit);
            const V is_folded = bit(right(m + m + unit, reach));
            const V flips = is_outer ^ is_folded;
            return choose(flips != 0, -wrapped - 1, wrapped);
        });
    }

    static void fold(const Instruction& i, T* target, const V* a, std::size_t n) {
        switch (i.rounding) {
            case Rounding::rnd: return write_folded<Rounding::rnd>(i, target, a, n);
            case Rounding::rnd_conv: return write_folded<Rounding::rnd_conv>(i, target, a, n);
            case Rounding::trn_zero: return write_folded<Rounding::trn_zero>(i, target, a, n);
            case Rounding::rnd_zero: return write_folded<Rounding::rnd_zero>(i, target, a, n);
            case Rounding::rnd_inf: return write_folded<Rounding::rnd_inf>(i, target, a, n);
            case Rounding::rnd_min_inf: return write_folded<Rounding::rnd_min_inf>(i, target, a, n);
            default: return write_folded<Rounding::trn>(i, target, a, n);
        }
    }

    static void lookup(const Instruction& i, const T* tables, const T* a, T* target,
                       std::size_t n) {
        const T* const contents = tables + i.first;
        const U base = static_cast<U>(i.immediate);
        const U last = static_cast<U>(i.count - 1);
        for (std::size_t s = 0; s < n; ++s) {
            // The verifier proves that the index is inside; memory does not rely on it.
            const U index = static_cast<U>(static_cast<U>(a[s]) - base);
            target[s] = contents[index < last ? index : last];
        }
        if (i.wrap != Wrap::none) {
            const V* const found = reinterpret_cast<const V*>(target);
            write(i, target, n, [=](std::size_t v) { return found[v]; });
        }
    }

    static void run(const BlockProgram& program, const T* tables, T* slots, std::size_t n) {
        const Instruction* const end = program.instructions + program.count;
        for (const Instruction* i = program.instructions; i != end; ++i) {
            run_one(program, *i, tables, slots, n);
        }
    }

    static void run_one(const BlockProgram& program, const Instruction& i, const T* tables,
                        T* slots, std::size_t n) {
        const auto slot = [=](std::int32_t which) {
            return reinterpret_cast<const V*>(slots + static_cast<std::size_t>(which) * n);
        };
        T* const target = slots + static_cast<std::size_t>(i.target) * n;
        const V* const a = slot(i.a);
        const V* const b = slot(i.b);
        const V* const c = slot(i.c);
        const int shift_a = i.shift_a;
        const int shift_b = i.shift_b;
        const V immediate = all(static_cast<T>(i.immediate));
        const V immediate_b = all(static_cast<T>(i.immediate_b));
        const auto up_a = [=](std::size_t v) { return left(a[v], shift_a); };
        const auto up_b = [=](std::size_t v) { return left(b[v], shift_b); };
        const auto done = [&](auto f) { write(i, target, n, f); };
        switch (i.step) {
            case Step::fill: return done([=](std::size_t) { return immediate; });
            case Step::copy: return done(up_a);
            case Step::add: return done([=](std::size_t v) { return plus(a[v], b[v]); });
            case Step::subtract: return done([=](std::size_t v) { return minus(a[v], b[v]); });
            case Step::add_shifted: return done([=](std::size_t v) { return plus(a[v], up_b(v)); });
            case Step::subtract_shifted:
                return done([=](std::size_t v) { return minus(a[v], up_b(v)); });
            case Step::subtract_from_shifted:
                return done([=](std::size_t v) { return minus(up_b(v), a[v]); });
            case Step::add_constant:
                return done([=](std::size_t v) { return plus(up_a(v), immediate); });
            case Step::subtract_from_constant:
                return done([=](std::size_t v) { return minus(immediate, up_a(v)); });
            case Step::multiply: return done([=](std::size_t v) { return times(a[v], b[v]); });
            case Step::combine: return combine(program, i, slots, target, n);
            case Step::shift_right:
                return done([=](std::size_t v) { return right(a[v], shift_a); });
            case Step::round_half_up: return write_rounded<Rounding::rnd>(i, target, a, n);
            case Step::round_half_down:
                return write_rounded<Rounding::rnd_min_inf>(i, target, a, n);
            case Step::round_half_even: return write_rounded<Rounding::rnd_conv>(i, target, a, n);
            case Step::round_to_zero: return write_rounded<Rounding::trn_zero>(i, target, a, n);
            case Step::round_half_to_zero:
                return write_rounded<Rounding::rnd_zero>(i, target, a, n);
            case Step::round_half_away: return write_rounded<Rounding::rnd_inf>(i, target, a, n);
            case Step::clip:
                return done([=](std::size_t v) {
                    const V m = choose(a[v] < immediate, immediate, a[v]);
                    return choose(m > immediate_b, immediate_b, m);
                });
            case Step::fold: return fold(i, target, a, n);
            case Step::keep_where:
                return done([=](std::size_t v) { return a[v] & (b[v] == immediate); });
            case Step::choose:
                return done([=](std::size_t v) { return choose(c[v] != 0, up_a(v), up_b(v)); });
            case Step::less: return done([=](std::size_t v) { return bit(up_a(v) < up_b(v)); });
            case Step::less_equal:
                return done([=](std::size_t v) { return bit(up_a(v) <= up_b(v)); });
            case Step::equal: return done([=](std::size_t v) { return bit(up_a(v) == up_b(v)); });
            case Step::not_equal:
                return done([=](std::size_t v) { return bit(up_a(v) != up_b(v)); });
            case Step::less_constant:
                return done([=](std::size_t v) { return bit(up_a(v) < immediate); });
            case Step::less_equal_constant:
                return done([=](std::size_t v) { return bit(up_a(v) <= immediate); });
            case Step::equal_constant:
                return done([=](std::size_t v) { return bit(up_a(v) == immediate); });
            case Step::not_equal_constant:
                return done([=](std::size_t v) { return bit(up_a(v) != immediate); });
            case Step::bit_and: return done([=](std::size_t v) { return a[v] & b[v]; });
            case Step::bit_or: return done([=](std::size_t v) { return a[v] | b[v]; });
            case Step::bit_xor: return done([=](std::size_t v) { return a[v] ^ b[v]; });
            case Step::lookup:
                return lookup(i, tables, slots + static_cast<std::size_t>(i.a) * n, target, n);
            case Step::relu: return done([=](std::size_t v) { return a[v] & (a[v] > 0); });
            case Step::absolute:
                return done(
                    [=](std::size_t v) { return choose(a[v] < 0, minus(V{}, a[v]), a[v]); });
            case Step::maximum:
                return done([=](std::size_t v) {
                    const V x = up_a(v);
                    const V y = up_b(v);
                    return choose(x < y, y, x);
                });
            case Step::minimum:
                return done([=](std::size_t v) {
                    const V x = up_a(v);
                    const V y = up_b(v);
                    return choose(y < x, y, x);
                });
        }
    }

    // -- between the user's arrays and the slots ------------------------------

    template <class M>
    static bool take(const M* m, std::size_t n, Interval interval, T* slot) {
        // The interval of a lane's field fits the lane; that of m's type need not.
        const M lo = static_cast<M>(interval.lo);
        const M hi = static_cast<M>(interval.hi);
        M outside = 0;
#pragma omp simd reduction(| : outside)
        for (std::size_t s = 0; s < n; ++s) {
            outside |= static_cast<M>((m[s] < lo) | (m[s] > hi));
            slot[s] = static_cast<T>(m[s]);
        }
        return outside == 0;
    }

    template <class To, class F>
    static void put(const T* slots, std::size_t n, const std::int32_t* slot,
                    const std::int32_t* column, std::size_t columns, std::size_t samples,
                    Rows<To> rows, F convert) {
        // A few samples of all columns at once, so that a line of the rows is written whole.
        constexpr std::size_t tile = 32;
        for (std::size_t first = 0; first < samples; first += tile) {
            const std::size_t end = first + tile < samples ? first + tile : samples;
            for (std::size_t c = 0; c < columns; ++c) {
                const T* from = slots + static_cast<std::size_t>(slot[c]) * n;
                To* to = rows.data + column[c];
                for (std::size_t s = first; s < end; ++s) {
                    to[s * rows.stride] = convert(from[s], c);
                }
            }
        }
    }

    static void put_int64(const T* slots, std::size_t n, const std::int32_t* slot,
                          const std::int32_t* column, std::size_t columns, std::size_t samples,
                          Rows<std::int64_t> rows) {
        put(slots, n, slot, column, columns, samples, rows,
            [](T m, std::size_t) { return static_cast<std::int64_t>(m); });
    }

    static void put_float64(const T* slots, std::size_t n, const std::int32_t* slot,
                            const std::int32_t* column, const double* scale, std::size_t columns,
                            std::size_t samples, Rows<double> rows) {
        put(slots, n, slot, column, columns, samples, rows,
            [scale](T m, std::size_t c) { return static_cast<double>(m) * scale[c]; });
    }

    static constexpr LaneLoops<T> loops() {
        return {run, take<std::int32_t>, take<std::int64_t>, put_int64, put_float64};
    }
};

template <class From, class To>
void gather(Rows<const From> rows, const std::int32_t* column, std::size_t columns,
            std::size_t samples, std::size_t n, To* to) {
    constexpr std::size_t tile = 32;
    for (std::size_t first = 0; first < samples; first += tile) {
        const std::size_t end = first + tile < samples ? first + tile : samples;
        for (std::size_t c = 0; c < columns; ++c) {
            const From* from = rows.data + column[c];
            for (std::size_t s = first; s < end; ++s) {
                to[c * n + s] = static_cast<To>(from[s * rows.stride]);
            }
        }
    }
    for (std::size_t c = 0; c < columns; ++c) {
        for (std::size_t s = samples; s < n; ++s) {
            to[c * n + s] = to[c * n + samples - 1];
        }
    }
}

// -- the border ---------------------------------------------------------------

/// 2.0F**n for -126 <= n <= 127.
float power(int n) {
    return __builtin_ldexpf(1.0F, n);
}

/// What a column's quantizer needs, all multiplied by 2**f. Powers of two commute with
/// every float32 step while nothing overflows or becomes subnormal; the limits below
/// see to that, so the scaled steps give the same bits as those of border.py.
struct Scaled {
    float scaler, up, low, high, bias, period, inverse_period, k;
};

constexpr int most_bits = 30;
constexpr int most_power = 60;
constexpr float wildest = 0x1p60F;

bool is_common(const Field& field) {
    const int bits = field.k + field.i + field.f;
    return 0 < bits && bits <= most_bits && -most_power <= field.f && field.f <= most_power
           && -most_power <= field.i && field.i <= most_power && field.rounding != Rounding::exact
           && field.overflow != Overflow::exact;
}

Scaled scaled(const Field& field) {
    const int magnitude = field.i + field.f;
    const float k = static_cast<float>(field.k);
    const float top = power(magnitude);
    const float high = top - 1.0F;
    return {static_cast<float>(field.scaler),
            power(field.f),
            -k * (field.overflow == Overflow::sat_sym ? high : top),
            high,
            k * power(magnitude + field.k - 1),
            power(magnitude + field.k),
            power(-magnitude - field.k),
            k};
}

/// numpy.mod(a, b) for b a power of two and `inverse` 1 / b: all but the last sum is exact.
inline float floor_mod(float a, float b, float inverse) {
    const float rest = a - __builtin_truncf(a * inverse) * b;
    return rest < 0.0F ? rest + b : rest;
}

inline float sign(float s) {
    return s > 0.0F ? 1.0F : (s < 0.0F ? -1.0F : 0.0F);
}

template <Rounding mode>
inline float rounded(float s) {
    if constexpr (mode == Rounding::trn) {
        return __builtin_floorf(s);
    } else if constexpr (mode == Rounding::rnd) {
        return __builtin_floorf(s + 0.5F);
    } else if constexpr (mode == Rounding::rnd_conv) {
        return __builtin_rintf(s);
    } else if constexpr (mode == Rounding::trn_zero) {
        return __builtin_truncf(s);
    } else if constexpr (mode == Rounding::rnd_zero) {
        return -sign(s) * __builtin_floorf(-__builtin_fabsf(s) + 0.5F);
    } else if constexpr (mode == Rounding::rnd_min_inf) {
        return -__builtin_floorf(-s + 0.5F);
    } else {
        return sign(s) * __builtin_floorf(__builtin_fabsf(s) + 0.5F);
    }
}

template <Overflow mode>
inline float fitted(float s, float r, const Scaled& p) {
    if constexpr (mode == Overflow::wrap) {
        return floor_mod(r + p.bias, p.period, p.inverse_period) - p.bias;
    } else if constexpr (mode == Overflow::wrap_sm) {
        const float low = -(p.high + 1.0F) * p.k;
        const bool is_outer =
            (floor_mod(s * p.inverse_period, 2.0F, 0.5F) >= 1.0F) & (__builtin_fabsf(s) > 0.5F);
        const bool is_folded =
            floor_mod((s + 0.5F) * (2.0F * p.inverse_period), 2.0F, 0.5F) >= 1.0F;
        const float m = floor_mod(r - p.high - 1.0F, p.period, p.inverse_period) + low;
        const float folded = is_folded ? -m - 1.0F : m;
        return is_outer ? -folded - 1.0F : folded;
    } else {
        return r;  // saturated before it was rounded
    }
}

template <Rounding rounding, Overflow overflow>
bool quantize_as(const float* x, std::size_t n, const Scaled& p, std::int32_t* m) {
    std::int32_t wild = 0;
#pragma omp simd reduction(| : wild)
    for (std::size_t s = 0; s < n; ++s) {
        const float given = x[s] / p.scaler;
        const bool is_tame = __builtin_fabsf(given) < wildest;  // false for NaN
        wild |= is_tame ? 0 : 1;
        float scaled = (is_tame ? given : 0.0F) * p.up;
        if constexpr (overflow == Overflow::sat || overflow == Overflow::sat_sym) {
            scaled = scaled > p.low ? scaled : p.low;
            scaled = scaled < p.high ? scaled : p.high;
        }
        m[s] = static_cast<std::int32_t>(fitted<overflow>(scaled, rounded<rounding>(scaled), p));
    }
    return wild == 0;
}

template <Rounding rounding>
bool quantize_rounded(const float* x, std::size_t n, const Field& field, std::int32_t* m) {
    const Scaled p = scaled(field);
    switch (field.overflow) {
        case Overflow::wrap: return quantize_as<rounding, Overflow::wrap>(x, n, p, m);
        case Overflow::wrap_sm: return quantize_as<rounding, Overflow::wrap_sm>(x, n, p, m);
        default: return quantize_as<rounding, Overflow::sat>(x, n, p, m);
    }
}

bool quantize(const float* x, std::size_t n, const Field& field, std::int32_t* m) {
    if (!is_common(field)) {
        return false;
    }
    switch (field.rounding) {
        case Rounding::trn: return quantize_rounded<Rounding::trn>(x, n, field, m);
        case Rounding::rnd: return quantize_rounded<Rounding::rnd>(x, n, field, m);
        case Rounding::rnd_conv: return quantize_rounded<Rounding::rnd_conv>(x, n, field, m);
        case Rounding::trn_zero: return quantize_rounded<Rounding::trn_zero>(x, n, field, m);
        case Rounding::rnd_zero: return quantize_rounded<Rounding::rnd_zero>(x, n, field, m);
        case Rounding::rnd_inf: return quantize_rounded<Rounding::rnd_inf>(x, n, field, m);
        case Rounding::rnd_min_inf: return quantize_rounded<Rounding::rnd_min_inf>(x, n, field, m);
        case Rounding::exact: return false;
    }
    return false;
}

bool read_exact(const double* x, std::size_t n, const Field& field, std::int32_t* m) {
    const int bits = field.k + field.i + field.f;
    if (bits > most_bits || field.f > most_power || field.f < -most_power) {
        return false;
    }
    const double up = __builtin_ldexp(1.0, field.f);
    const double down = __builtin_ldexp(1.0, -field.f);
    constexpr double limit = 0x1p30;
    std::int32_t wild = 0;
#pragma omp simd reduction(| : wild)
    for (std::size_t s = 0; s < n; ++s) {
        const double mantissa = __builtin_rint(x[s] * up);
        const bool is_tame = (__builtin_fabs(mantissa) <= limit) & (mantissa * down == x[s]);
        wild |= is_tame ? 0 : 1;
        m[s] = static_cast<std::int32_t>(is_tame ? mantissa : 0.0);
    }
    return wild == 0;
}

}  // namespace

#define HGQ2RTL_TEXT(x) #x
#define HGQ2RTL_NAME(x) HGQ2RTL_TEXT(x)

const Loops& loops() noexcept {
    static constexpr Loops all = {
        HGQ2RTL_NAME(HGQ2RTL_LEVEL),
        Lane<std::int16_t>::loops(),
        Lane<std::int32_t>::loops(),
        Lane<std::int64_t>::loops(),
        gather<float, float>,
        gather<double, float>,
        gather<float, double>,
        gather<double, double>,
        gather<std::int64_t, std::int64_t>,
        quantize,
        read_exact,
    };
    return all;
}

}  // namespace hgq2rtl::HGQ2RTL_LEVEL
