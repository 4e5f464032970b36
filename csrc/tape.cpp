#include "tape.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <stdexcept>
#include <string>

#include "lane.hpp"

namespace hgq2rtl {
namespace {

constexpr std::int32_t nowhere = -1;

std::size_t at(std::int64_t v) noexcept {
    return static_cast<std::size_t>(v);
}

/// Slots, the most recently freed first: its lines are still in the cache.
class SlotPool {
public:
    [[nodiscard]] std::int32_t take() {
        if (free_.empty()) {
            return size_++;
        }
        const auto slot = free_.back();
        free_.pop_back();
        return slot;
    }
    void give(std::int32_t slot) { free_.push_back(slot); }
    [[nodiscard]] std::int32_t size() const noexcept { return size_; }

private:
    std::vector<std::int32_t> free_;
    std::int32_t size_ = 0;
};

/// For each value the earlier value that is the same number, or itself.
std::vector<std::int32_t> find_originals(const Program& program,
                                         std::span<const std::int32_t> first_field,
                                         std::int32_t fields) {
    std::vector<std::int32_t> original(program.size());
    std::vector<std::int32_t> input_of(at(fields), nowhere);
    for (std::int32_t v = 0; at(v) < program.size(); ++v) {
        original[at(v)] = v;
        const auto which = program.operation_of(v);
        if (which == Operation::input) {
            auto& first = input_of[at(first_field[at(program.attribute_of(v, 0))]
                                      + program.attribute_of(v, 1))];
            first = first == nowhere ? v : first;
            original[at(v)] = first;
            continue;
        }
        if (program.wraps[at(v)]) {
            continue;
        }
        const bool is_same = which == Operation::output
                             || (which == Operation::slice && program.attribute_of(v, 0) == 0)
                             || ((which == Operation::relu || which == Operation::abs)
                                 && program.lo[at(program.operands_of(v)[0])] >= 0);
        if (is_same) {
            original[at(v)] = original[at(program.operands_of(v)[0])];
        }
    }
    return original;
}

/// Builds the instructions of one Program.
class TapeBuilder {
public:
    TapeBuilder(const Program& program, std::span<const std::int32_t> kept,
                std::span<const std::int32_t> first_field, std::int32_t fields)
        : program_(program),
          first_field_(first_field),
          original_(find_originals(program, first_field, fields)),
          last_use_(program.size(), nowhere),
          slot_(program.size(), nowhere) {
        tape_.field_slot.assign(at(fields), nowhere);
        find_last_uses(kept);
        tape_.lane = narrowest_lane(program, live_);
        if (tape_.lane == 0) {
            throw std::overflow_error("int64 is too small for a value of the Program");
        }
        place_tables();
    }

    Tape build(std::span<const std::int32_t> kept) {
        for (const auto v : live_) {
            if (program_.operation_of(v) == Operation::input) {
                slot_[at(v)] = pool_.take();
                const auto field =
                    first_field_[at(program_.attribute_of(v, 0))] + program_.attribute_of(v, 1);
                tape_.field_slot[at(field)] = slot_[at(v)];
            }
        }
        for (const auto v : live_) {
            append(v);
        }
        for (const auto v : kept) {
            const auto same = original_[at(v)];
            if (slot_[at(same)] == nowhere) {
                slot_[at(same)] = pool_.take();  // a constant
                emit({.step = Step::fill,
                      .target = slot_[at(same)],
                      .immediate = program_.lo[at(same)]});
            }
            tape_.kept_slot.push_back(slot_[at(same)]);
        }
        tape_.slots = pool_.size();
        return std::move(tape_);
    }

private:
    void find_last_uses(std::span<const std::int32_t> kept) {
        constexpr auto forever = std::numeric_limits<std::int32_t>::max();
        for (const auto v : kept) {
            last_use_[at(original_[at(v)])] = forever;
        }
        for (auto v = static_cast<std::int64_t>(program_.size()) - 1; v >= 0; --v) {
            if (last_use_[at(v)] == nowhere || original_[at(v)] != v) {
                continue;
            }
            live_.push_back(v);
            for (const auto operand : program_.operands_of(v)) {
                auto& use = last_use_[at(original_[at(operand)])];
                use = std::max(use, static_cast<std::int32_t>(v));
            }
        }
        std::ranges::reverse(live_);
    }

    void place_tables() {
        for (const auto& table : program_.tables) {
            table_start_.push_back(table_size_);
            table_size_ += static_cast<std::uint32_t>(table.contents.size());
            for (const auto content : table.contents) {
                switch (tape_.lane) {
                    case 16:
                        tape_.tables.int16.push_back(static_cast<std::int16_t>(content));
                        break;
                    case 32:
                        tape_.tables.int32.push_back(static_cast<std::int32_t>(content));
                        break;
                    default: tape_.tables.int64.push_back(content);
                }
            }
        }
    }

    // -- operands ---------------------------------------------------------

    [[nodiscard]] std::int32_t operand(std::int64_t v, std::size_t which) const {
        return original_[at(program_.operands_of(v)[which])];
    }

    [[nodiscard]] bool is_constant(std::int32_t v) const {
        return program_.operation_of(v) == Operation::constant;
    }

    /// The slot that holds `v`; a constant gets one for this instruction alone.
    std::int32_t read(std::int32_t v) {
        if (!is_constant(v)) {
            return slot_[at(v)];
        }
        const auto slot = pool_.take();
        borrowed_.push_back(slot);
        emit({.step = Step::fill, .target = slot, .immediate = program_.lo[at(v)]});
        return slot;
    }

    void release_operands(std::int64_t v) {
        for (const auto slot : borrowed_) {
            pool_.give(slot);
        }
        borrowed_.clear();
        for (const auto operand : program_.operands_of(v)) {
            const auto same = original_[at(operand)];
            if (last_use_[at(same)] == v && slot_[at(same)] != nowhere) {
                pool_.give(slot_[at(same)]);
                last_use_[at(same)] = nowhere;  // given back once, though used twice
            }
        }
    }

    // -- instructions -----------------------------------------------------

    void emit(const Instruction& made) { tape_.instructions.push_back(made); }

    /// The last instruction of `v`: takes its slot and reduces it to its format.
    void finish(std::int64_t v, Instruction made) {
        release_operands(v);
        made.target = slot_[at(v)] = pool_.take();
        emit_wrapped(v, made);
    }

    void emit_wrapped(std::int64_t v, Instruction made) {
        if (program_.wraps[at(v)]) {
            const auto interval = program_.interval_of(v);
            const bool is_signed = interval.lo < 0;
            set_wrap(made, signed_bits(interval) - (is_signed ? 0 : 1), is_signed);
        }
        emit(made);
    }

    void set_wrap(Instruction& made, std::int64_t width, bool is_signed) const {
        if (width == 0) {
            made = {.step = Step::fill, .target = made.target};
        } else if (width < tape_.lane) {
            made.wrap = is_signed ? Wrap::to_signed : Wrap::to_unsigned;
            made.wrap_shift = static_cast<std::uint8_t>(tape_.lane - width);
        }
    }

    [[nodiscard]] std::uint8_t right_shift(std::int64_t shift) const {
        // Beyond the lane only the sign is left, as it is at its last bit.
        return static_cast<std::uint8_t>(std::min<std::int64_t>(shift, tape_.lane - 1));
    }

    /// `a << left` into the target of an instruction that reads slot `a`.
    [[nodiscard]] Instruction shifted(std::int32_t a, std::int64_t left) const {
        if (left >= tape_.lane) {
            return {.step = Step::fill};  // modulo 2**lane nothing is left
        }
        return {.step = Step::copy, .shift_a = static_cast<std::uint8_t>(left), .a = a};
    }

    /// An instruction on operands 0 and 1 of `v` (or `first` and `first` + 1) brought to
    /// the finer of their scales, with `shift` as in align() of operations.py.
    Instruction aligned(std::int64_t v, Step step, std::int64_t shift, std::size_t first = 0) {
        Instruction made{.step = step};
        made.a = read_shifted(operand(v, first), std::max<std::int64_t>(-shift, 0), made.shift_a);
        made.b =
            read_shifted(operand(v, first + 1), std::max<std::int64_t>(shift, 0), made.shift_b);
        return made;
    }

    std::int32_t read_shifted(std::int32_t v, std::int64_t left, std::uint8_t& shift) {
        if (left < tape_.lane) {
            shift = static_cast<std::uint8_t>(left);
            return read(v);
        }
        const auto zero = pool_.take();
        borrowed_.push_back(zero);
        emit({.step = Step::fill, .target = zero});
        return zero;
    }

    void append(std::int64_t v) {
        switch (program_.operation_of(v)) {
            case Operation::input:
            case Operation::constant: return;
            case Operation::add:
                return append_add(v, program_.attribute_of(v, 0), program_.attribute_of(v, 1));
            case Operation::concat: return append_add(v, 1, program_.attribute_of(v, 0));
            case Operation::mul: return append_multiply(v);
            case Operation::output: return finish(v, shifted(read(operand(v, 0)), 0));
            case Operation::slice: return append_slice(v);
            case Operation::mask: return append_mask(v);
            case Operation::mux: return append_mux(v);
            case Operation::compare: return append_compare(v);
            case Operation::bitwise: return append_bitwise(v);
            case Operation::lookup: return append_lookup(v);
            case Operation::row: return append_row(v);
            case Operation::lincomb: return append_lincomb(v);
            case Operation::quantize: return append_quantize(v);
            case Operation::relu: return finish(v, {.step = Step::relu, .a = read(operand(v, 0))});
            case Operation::abs:
                return finish(v, {.step = Step::absolute, .a = read(operand(v, 0))});
            case Operation::max:
                return finish(v, aligned(v, Step::maximum, program_.attribute_of(v, 0)));
            case Operation::min:
                return finish(v, aligned(v, Step::minimum, program_.attribute_of(v, 0)));
        }
    }

    void append_add(std::int64_t v, std::int64_t sign, std::int64_t shift) {
        const auto a = operand(v, 0);
        const auto b = operand(v, 1);
        const bool subtracts = sign < 0;
        const auto left_a = std::max<std::int64_t>(-shift, 0);
        const auto left_b = std::max<std::int64_t>(shift, 0);
        if (is_constant(b) && !is_constant(a)) {
            const auto constant = moved(b, left_b);
            return finish(v, add_constant(a, left_a, subtracts ? negated(constant) : constant,
                                          Step::add_constant));
        }
        if (is_constant(a) && !is_constant(b)) {
            return finish(
                v, add_constant(b, left_b, moved(a, left_a),
                                subtracts ? Step::subtract_from_constant : Step::add_constant));
        }
        auto made = aligned(v, subtracts ? Step::subtract : Step::add, shift);
        if (made.shift_b > 0) {
            made.step = subtracts ? Step::subtract_shifted : Step::add_shifted;
        } else if (made.shift_a > 0) {
            std::swap(made.a, made.b);
            std::swap(made.shift_a, made.shift_b);
            made.step = subtracts ? Step::subtract_from_shifted : Step::add_shifted;
        }
        finish(v, made);
    }

    /// A constant `<< left`, modulo 2**64.
    [[nodiscard]] std::int64_t moved(std::int32_t constant, std::int64_t left) const {
        const auto bits = static_cast<std::uint64_t>(program_.lo[at(constant)]);
        return left < 64 ? static_cast<std::int64_t>(bits << left) : 0;
    }

    [[nodiscard]] static std::int64_t negated(std::int64_t constant) {
        return static_cast<std::int64_t>(-static_cast<std::uint64_t>(constant));
    }

    Instruction add_constant(std::int32_t v, std::int64_t left, std::int64_t constant, Step step) {
        Instruction made{.step = step, .immediate = constant};
        made.a = read_shifted(v, left, made.shift_a);
        return made;
    }

    void append_multiply(std::int64_t v) {
        auto a = operand(v, 0);
        auto b = operand(v, 1);
        if (is_constant(a)) {
            std::swap(a, b);
        }
        if (is_constant(b) && !is_constant(a)) {
            const auto first = static_cast<std::uint32_t>(tape_.terms.size());
            tape_.terms.push_back({slot_[at(a)], program_.lo[at(b)]});
            return finish(v, {.step = Step::combine, .first = first, .count = 1});
        }
        Instruction made{.step = Step::multiply};
        made.a = read(a);
        made.b = read(b);
        finish(v, made);
    }

    /// As an addition where it is one; else as any linear combination.
    void append_row(std::int64_t v) {
        const auto weights = program_.weights_of(v);
        if (weights.size() != 2) {
            return append_lincomb(v);
        }
        const auto first = weights[0];
        const auto second = weights[1];
        const bool is_aligned = first == 1 || second == 1 || second == -1;
        if (first <= 0 || second == std::numeric_limits<std::int64_t>::min() || !is_aligned) {
            return append_lincomb(v);
        }
        const auto log2 = [](std::int64_t weight) {
            return std::countr_zero(static_cast<std::uint64_t>(weight));
        };
        append_add(v, second < 0 ? -1 : 1, log2(second) - log2(first));
    }

    void append_lincomb(std::int64_t v) {
        const auto weights = program_.weights_of(v);
        Instruction made{.step = Step::combine,
                         .first = static_cast<std::uint32_t>(tape_.terms.size())};
        std::uint64_t constant = 0;
        for (std::size_t n = 0; n < weights.size(); ++n) {
            const auto x = operand(v, n);
            if (is_constant(x)) {
                constant += static_cast<std::uint64_t>(weights[n])
                            * static_cast<std::uint64_t>(program_.lo[at(x)]);
            } else {
                tape_.terms.push_back({slot_[at(x)], weights[n]});
                ++made.count;
            }
        }
        made.immediate = static_cast<std::int64_t>(constant);
        if (made.count == 0) {
            made.step = Step::fill;
        }
        // More terms than one pass takes: the target must not be one of the operands.
        made.target = slot_[at(v)] = pool_.take();
        release_operands(v);
        emit_wrapped(v, made);
    }

    void append_slice(std::int64_t v) {
        const auto low = program_.attribute_of(v, 0);
        const auto a = read(operand(v, 0));
        if (low <= 0) {
            return finish(v, shifted(a, -low));
        }
        finish(v, {.step = Step::shift_right, .shift_a = right_shift(low), .a = a});
    }

    void append_mask(std::int64_t v) {
        Instruction made{.step = Step::keep_where};
        made.a = read(operand(v, 0));
        made.b = read(operand(v, 1));
        made.immediate = program_.attribute_of(v, 0);
        finish(v, made);
    }

    void append_mux(std::int64_t v) {
        const auto bit = read(operand(v, 0));
        auto made = aligned(v, Step::choose, program_.attribute_of(v, 0), 1);
        made.c = bit;
        finish(v, made);
    }

    void append_compare(std::int64_t v) {
        const auto relation = program_.attribute_of(v, 0);
        const auto shift = program_.attribute_of(v, 1);
        const auto b = operand(v, 1);
        if (is_constant(b) && !is_constant(operand(v, 0))) {
            constexpr Step steps[] = {Step::less_constant, Step::less_equal_constant,
                                      Step::equal_constant, Step::not_equal_constant};
            return finish(
                v, add_constant(operand(v, 0), std::max<std::int64_t>(-shift, 0),
                                moved(b, std::max<std::int64_t>(shift, 0)), steps[relation]));
        }
        constexpr Step steps[] = {Step::less, Step::less_equal, Step::equal, Step::not_equal};
        finish(v, aligned(v, steps[relation], shift));
    }

    void append_bitwise(std::int64_t v) {
        constexpr Step steps[] = {Step::bit_and, Step::bit_or, Step::bit_xor};
        finish(v, aligned(v, steps[program_.attribute_of(v, 0)], 0));
    }

    void append_lookup(std::int64_t v) {
        const auto which = at(program_.attribute_of(v, 0));
        const auto& table = program_.tables[which];
        const auto interval = program_.interval_of(program_.operands_of(v)[0]);
        const auto size = static_cast<std::int64_t>(table.contents.size());
        if (interval.lo < table.base || interval.hi - table.base >= size) {
            throw std::invalid_argument("%" + std::to_string(v) + ": the operand leaves the table");
        }
        finish(v, {.step = Step::lookup,
                   .a = read(operand(v, 0)),
                   .first = table_start_[which],
                   .count = static_cast<std::uint32_t>(size),
                   .immediate = table.base});
    }

    void append_quantize(std::int64_t v) {
        const auto shift = program_.attribute_of(v, 0);
        const auto k = program_.attribute_of(v, 1);
        const auto bits = program_.attribute_of(v, 2);
        const auto rounding = static_cast<Rounding>(program_.attribute_of(v, 3));
        const auto overflow = static_cast<Overflow>(program_.attribute_of(v, 4));
        if (k + bits <= 0) {
            return finish(v, {.step = Step::fill});
        }
        const auto a = read(operand(v, 0));
        if (overflow == Overflow::wrap_sm) {
            return append_fold(v, a, shift, k, bits, rounding);
        }
        auto made = rounded(a, shift, rounding);
        release_operands(v);
        made.target = slot_[at(v)] = pool_.take();
        if (overflow == Overflow::wrap) {
            set_wrap(made, k + bits, k > 0);
            emit(made);
            if (program_.wraps[at(v)]) {
                emit_wrapped(v, {.step = Step::copy, .target = made.target, .a = made.target});
            }
            return;
        }
        emit(made);
        // A bound beyond the lane binds nothing: what is in the lane is below it.
        const auto top = bits < tape_.lane - 1 ? std::int64_t{1} << bits : 0;
        const auto most = std::numeric_limits<std::int64_t>::max() >> (64 - tape_.lane);
        const auto high = top > 0 ? top - 1 : most;
        const bool is_symmetric = overflow == Overflow::sat_sym && bits < tape_.lane;
        const auto low = k == 0 ? 0 : (is_symmetric ? -high : -high - 1);
        emit_wrapped(v, {.step = Step::clip,
                         .target = made.target,
                         .a = made.target,
                         .immediate = low,
                         .immediate_b = high});
    }

    [[nodiscard]] Instruction rounded(std::int32_t a, std::int64_t shift, Rounding rounding) const {
        if (shift <= 0) {
            return shifted(a, -shift);
        }
        constexpr Step steps[] = {Step::shift_right,        Step::round_half_up,
                                  Step::round_half_even,    Step::round_to_zero,
                                  Step::round_half_to_zero, Step::round_half_away,
                                  Step::round_half_down};
        return {.step = steps[static_cast<std::size_t>(rounding)],
                .shift_a = right_shift(shift),
                .a = a};
    }

    void append_fold(std::int64_t v, std::int32_t a, std::int64_t shift, std::int64_t k,
                     std::int64_t bits, Rounding rounding) {
        Instruction made{.step = Step::fold, .rounding = rounding, .a = a};
        if (shift < 0) {
            made.shift_b = static_cast<std::uint8_t>(-shift);
        } else {
            made.shift_a = static_cast<std::uint8_t>(shift);
        }
        made.immediate = k;
        made.immediate_b = bits;
        finish(v, made);
    }

    const Program& program_;
    std::span<const std::int32_t> first_field_;
    std::vector<std::int32_t> original_;
    std::vector<std::int32_t> last_use_;
    std::vector<std::int32_t> slot_;
    std::vector<std::int64_t> live_;
    std::vector<std::int32_t> borrowed_;
    std::vector<std::uint32_t> table_start_;
    std::uint32_t table_size_ = 0;
    SlotPool pool_;
    Tape tape_;
};

}  // namespace

namespace {

void check_attributes(const Program& program, std::int64_t v,
                      std::span<const std::int32_t> first_field, std::int32_t fields) {
    const auto within = [&](int which, std::size_t size) {
        const auto given = program.attribute_of(v, which);
        if (given < 0 || at(given) >= size) {
            throw std::invalid_argument("%" + std::to_string(v) + ": attribute out of range");
        }
    };
    switch (program.operation_of(v)) {
        case Operation::input: {
            within(0, first_field.size());
            within(1, at(fields - first_field[at(program.attribute_of(v, 0))]));
            return;
        }
        case Operation::compare: return within(0, relation_names.size());
        case Operation::bitwise: return within(0, function_names.size());
        case Operation::lookup: return within(0, program.tables.size());
        case Operation::quantize:
            within(3, rounding_names.size() - 1);
            return within(4, overflow_names.size() - 1);
        default: return;
    }
}

/// The verifier of the compiler proves much more; this guards memory.
void check(const Program& program, std::span<const std::int32_t> first_field, std::int32_t fields) {
    constexpr std::array<std::int64_t, operation_names.size()> arity = {0, 0, 2, 2,  1, 2, 2, 3, 2,
                                                                        2, 1, -1, 1, -1, 1, 1, 1, 2, 2};
    const auto n = program.size();
    if (program.start.size() != n + 1 || program.attribute.size() != n * most_attributes
        || program.lo.size() != n || program.hi.size() != n || program.wraps.size() != n
        || program.weight.size() != program.operand.size() || program.start[0] != 0) {
        throw std::invalid_argument("the columns of the Program disagree in length");
    }
    for (std::int64_t v = 0; at(v) < n; ++v) {
        const auto count = program.start[at(v) + 1] - program.start[at(v)];
        if (program.operation[at(v)] >= arity.size() || count < 0
            || at(program.start[at(v) + 1]) > program.operand.size()
            || (arity[program.operation[at(v)]] >= 0 && count != arity[program.operation[at(v)]])) {
            throw std::invalid_argument("%" + std::to_string(v) + ": malformed");
        }
        for (const auto operand : program.operands_of(v)) {
            if (operand < 0 || operand >= v) {
                throw std::invalid_argument("%" + std::to_string(v) + ": operand not before it");
            }
        }
        check_attributes(program, v, first_field, fields);
    }
}

}  // namespace

Tape make_tape(const Program& program, std::span<const std::int32_t> kept,
               std::span<const std::int32_t> first_field, std::int32_t fields) {
    check(program, first_field, fields);
    for (const auto v : kept) {
        if (v < 0 || at(v) >= program.size()) {
            throw std::invalid_argument("%" + std::to_string(v) + ": no such value");
        }
    }
    return TapeBuilder(program, kept, first_field, fields).build(kept);
}

Tape identity_tape(std::int32_t fields) {
    Tape tape;
    tape.slots = fields;
    for (std::int32_t n = 0; n < fields; ++n) {
        tape.field_slot.push_back(n);
        tape.kept_slot.push_back(n);
    }
    return tape;
}

}  // namespace hgq2rtl
