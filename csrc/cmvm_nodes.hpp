#pragma once
// Nodes of an adder graph: linear forms over the inputs, each value once whatever its
// sign or power of two.

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace hgq2rtl::cmvm {

__extension__ using Int = __int128;

/// Absolute coefficients of columns lie below 2**coefficient_bits, and so do those of nodes.
inline constexpr int coefficient_bits = 61;

/// `sign * (node << shift)`; a node below 0 is the constant zero.
struct Term {
    std::int32_t node = -1;
    std::int16_t shift = 0;
    std::int16_t sign = 1;

    [[nodiscard]] Term operator-() const noexcept {
        return {node, shift, static_cast<std::int16_t>(-sign)};
    }
    /// This term times `other`, which is a sign and a power of two.
    [[nodiscard]] Term times(Term other) const noexcept {
        return {node, static_cast<std::int16_t>(shift + other.shift),
                static_cast<std::int16_t>(sign * other.sign)};
    }
    friend bool operator==(const Term&, const Term&) = default;
};

/// What a form can be, both ends included.
struct Interval {
    Int lo = 0, hi = 0;
};

/// Part of a form: the coefficient of one input.
struct Coefficient {
    std::int32_t input;
    std::int64_t value;
};

/// An addition. Its form is `a + b`, has an odd coefficient, and its lower operand is positive.
struct Node {
    Term a, b;                     ///< of leaves: none
    std::int32_t depth = 0;        ///< adder levels
    std::int32_t width = 0;        ///< bits of `hi - lo`
    std::int32_t price = 0;        ///< see cmvm_cost.hpp
    std::int32_t shadowed = -1;    ///< an older node of the same value that the index forgot
    std::int16_t size = 0;         ///< bits of the largest coefficient
    std::array<std::int16_t, 2> bits{};  ///< in two's complement: of the form, of its negative
    std::uint32_t first = 0, end = 0;  ///< of its coefficients
    std::uint64_t hash = 0;        ///< linear in the form, modulo 2**64
    std::uint64_t parity = 0;      ///< hash of the set of odd coefficients
    std::uint64_t support = 0;     ///< inputs with coefficients, modulo 64
    Interval interval;
};

using Form = std::vector<Coefficient>;

[[nodiscard]] int bit_width(Int number) noexcept;

/// `x + y`, both in the order of the inputs.
void add_forms(std::span<const Coefficient> x, std::span<const Coefficient> y, Form& sum);

/// Of all coefficients; 0 for the zero form.
[[nodiscard]] int trailing_zeros(std::span<const Coefficient> form) noexcept;

struct Cost;

/// All nodes, inputs first. Operands have lower numbers than their node.
class Nodes {
   public:
    Nodes(std::span<const Interval> inputs, std::span<const int> arrivals, const Cost& cost);

    [[nodiscard]] int inputs() const noexcept { return inputs_; }
    [[nodiscard]] int size() const noexcept { return static_cast<int>(nodes_.size()); }
    [[nodiscard]] bool is_leaf(int n) const noexcept { return (*this)[n].a.node < 0; }
    [[nodiscard]] const Node& operator[](int n) const noexcept {
        return nodes_[static_cast<std::size_t>(n)];
    }
    [[nodiscard]] std::span<const Coefficient> form(int n) const noexcept {
        const auto& node = (*this)[n];
        return {coefficients_.data() + node.first, node.end - node.first};
    }
    [[nodiscard]] const Cost& cost() const noexcept { return *cost_; }
    [[nodiscard]] const Interval& input_interval(int i) const noexcept {
        return intervals_[static_cast<std::size_t>(i)];
    }

    /// What `x + y` can be, in units of the lower shift.
    [[nodiscard]] Interval interval_of_sum(Term x, Term y);

    /// The same for terms without common inputs; else an interval that holds it.
    [[nodiscard]] Interval bound_of_sum(Term x, Term y) const noexcept;

    /// Hash of `x + y` in units of the lower shift.
    [[nodiscard]] std::uint64_t hash_of_sum(Term x, Term y) const noexcept;

    /// Whether `x + y` has more trailing zeros than both terms, or is zero.
    [[nodiscard]] bool has_even_sum(Term x, Term y) const noexcept {
        return x.shift == y.shift && (*this)[x.node].parity == (*this)[y.node].parity;
    }

    /// A known node of value `+-form`, by hash; -1 if there is none.
    [[nodiscard]] int find(std::uint64_t hash) const noexcept;

    [[nodiscard]] Interval interval_of(std::span<const Coefficient> form) const noexcept;

    /// `form >> zeros` as a term at shift 0 if it is known and usable; node -2 if not.
    template <class Usable>
    [[nodiscard]] Term find_form(std::span<const Coefficient> form, int zeros, int max_depth,
                                 Usable&& is_usable) const;

    /// `x + y` if it is known, at most `max_depth` deep and `is_usable(node)`; node -2 if not.
    template <class Usable>
    [[nodiscard]] Term known_sum(Term x, Term y, int max_depth, Usable&& is_usable);

    /// `x + y` as a node of its own, unless it is zero.
    Term new_sum(Term x, Term y);

    /// `x + y` as a known node if there is one, else as a new one.
    template <class Usable>
    Term sum(Term x, Term y, int max_depth, Usable&& is_usable) {
        const Term known = known_sum(x, y, max_depth, is_usable);
        return known.node != -2 ? known : new_sum(x, y);
    }

    /// Forget the nodes from number `size` on.
    void truncate(int size);

    /// A leaf that stands for a form which is built elsewhere, at most `depth` deep.
    int add_leaf(std::span<const Coefficient> form, int depth);

   private:
    void sum_forms(Term x, Term y);  ///< into `sum_`, in units of the lower shift
    int push(Node node, std::span<const Coefficient> form);
    void index(int n);
    void reindex(std::size_t slots);
    [[nodiscard]] std::size_t slot_of(std::uint64_t key) const noexcept;

    int inputs_;
    const Cost* cost_;
    std::vector<Interval> intervals_;        ///< of each input
    std::vector<Node> nodes_;
    Form coefficients_;
    std::vector<std::uint64_t> multiplier_;  ///< of each input, for the hash
    std::vector<std::uint64_t> odd_;         ///< of each input, for the parity
    Form sum_;
    std::vector<std::int32_t> slots_;        ///< open addressing: node or -1
    std::size_t used_ = 0;
};

/// Sums of a term with itself that need no addition; node -2 if there is none.
[[nodiscard]] Term trivial_sum(Term x, Term y) noexcept;

template <class Usable>
Term Nodes::find_form(std::span<const Coefficient> form, int zeros, int max_depth,
                      Usable&& is_usable) const {
    std::uint64_t hash = 0;
    for (const auto& [input, value] : form) {
        hash += static_cast<std::uint64_t>(value >> zeros)
                * multiplier_[static_cast<std::size_t>(input)];
    }
    for (int n = find(hash); n >= 0; n = (*this)[n].shadowed) {
        if ((*this)[n].depth > max_depth || !is_usable(n)) {
            continue;
        }
        const std::int64_t sign = (*this)[n].hash == hash ? 1 : -1;
        const auto is_equal = [&](Coefficient a, Coefficient b) {
            return a.input == b.input && a.value == sign * (b.value >> zeros);
        };
        if (std::ranges::equal(this->form(n), form, is_equal)) {
            return {n, 0, static_cast<std::int16_t>(sign)};
        }
    }
    return {-2, 0, 1};
}

template <class Usable>
Term Nodes::known_sum(Term x, Term y, int max_depth, Usable&& is_usable) {
    if (const Term trivial = trivial_sum(x, y); trivial.node != -2) {
        return trivial;
    }
    const bool is_even = has_even_sum(x, y);
    if (!is_even && find(hash_of_sum(x, y)) < 0) {
        return {-2, 0, 1};
    }
    sum_forms(x, y);
    if (sum_.empty()) {
        return {};
    }
    const int zeros = is_even ? trailing_zeros(sum_) : 0;
    Term known = find_form(sum_, zeros, max_depth, is_usable);
    known.shift = static_cast<std::int16_t>(std::min(x.shift, y.shift) + zeros);
    return known;
}

}  // namespace hgq2rtl::cmvm
