#pragma once
// The tape: a Program made ready for blocks of samples. Values live in slots that
// are used again once a value is dead, so that the live set stays in the cache.

#include <cstdint>
#include <span>
#include <vector>

#include "program.hpp"

namespace hgq2rtl {

/// What one instruction does to every sample of its block. `a`, `b`, `c` are slots,
/// `<<` moves by shift_a or shift_b, and every result is wrapped as Wrap says.
enum class Step : std::uint8_t {
    fill,                    ///< immediate
    copy,                    ///< a << shift_a
    add,                     ///< a + b
    subtract,                ///< a - b
    add_shifted,             ///< a + (b << shift_b)
    subtract_shifted,        ///< a - (b << shift_b)
    subtract_from_shifted,   ///< (b << shift_b) - a
    add_constant,            ///< (a << shift_a) + immediate
    subtract_from_constant,  ///< immediate - (a << shift_a)
    multiply,                ///< a * b
    combine,                 ///< immediate + sum of term.weight * term.slot
    shift_right,             ///< a >> shift_a
    round_half_up,           ///< (a + offset) >> shift_a; the offsets of the rounding modes
    round_half_down,
    round_half_even,
    round_to_zero,
    round_half_to_zero,
    round_half_away,
    clip,        ///< into [immediate, immediate_b]
    fold,        ///< WRAP_SM: triangle wave, see wrap_triangle in loops.cpp
    keep_where,  ///< a where b == immediate, else 0
    choose,      ///< (a << shift_a) where c != 0, else (b << shift_b)
    less,
    less_equal,
    equal,
    not_equal,  ///< 0 or 1
    less_constant,
    less_equal_constant,
    equal_constant,
    not_equal_constant,  ///< with immediate
    bit_and,
    bit_or,
    bit_xor,
    lookup,  ///< table[a - immediate]
    relu,
    absolute,
    maximum,
    minimum,
};

enum class Wrap : std::uint8_t {
    none,
    to_signed,    ///< two's complement of lane - wrap_shift bits
    to_unsigned,  ///< modulo 2**(lane - wrap_shift)
};

// Plain structs and pointers: the loops are compiled once per instruction set, and an
// inline function of the library shared between those copies would be linked only once.
struct Instruction {
    Step step = Step::fill;
    Wrap wrap = Wrap::none;
    std::uint8_t wrap_shift = 0;
    std::uint8_t shift_a = 0;
    std::uint8_t shift_b = 0;
    Rounding rounding = Rounding::trn;  ///< fold only
    std::int32_t target = 0;
    std::int32_t a = 0;
    std::int32_t b = 0;
    std::int32_t c = 0;
    std::uint32_t first = 0;  ///< of the terms of `combine`, or of the contents of a table
    std::uint32_t count = 0;
    std::int64_t immediate = 0;
    std::int64_t immediate_b = 0;
};

struct Term {
    std::int32_t slot = 0;
    std::int64_t weight = 0;
};

/// Contents of all tables one after another, in the lane's own type.
struct TableSpace {
    std::vector<std::int16_t> int16;
    std::vector<std::int32_t> int32;
    std::vector<std::int64_t> int64;
};

struct Tape {
    int lane = 64;
    std::int32_t slots = 0;
    std::vector<Instruction> instructions;
    std::vector<Term> terms;
    TableSpace tables;
    std::vector<std::int32_t> field_slot;  ///< per input field; -1 where nothing reads it
    std::vector<std::int32_t> kept_slot;   ///< per kept value
};

/// Instructions for all that `kept` needs. Input fields are numbered through all
/// ports: the first field of port p is `first_field[p]`, of `fields` in all.
/// Throws std::overflow_error where int64 is too small, std::invalid_argument where an
/// index of the columns points nowhere.
[[nodiscard]] Tape make_tape(const Program& program, std::span<const std::int32_t> kept,
                             std::span<const std::int32_t> first_field, std::int32_t fields);

/// The tape that only hands its input fields on.
[[nodiscard]] Tape identity_tape(std::int32_t fields);

}  // namespace hgq2rtl
