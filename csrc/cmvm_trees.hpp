#pragma once
// The end of an output: a tree of additions over the few terms that are left.

#include <array>
#include <cstdint>
#include <vector>

#include "cmvm_random.hpp"
#include "cmvm_rows.hpp"

namespace hgq2rtl::cmvm {

struct TreeOptions {
    double noise = 0;         ///< of the choice of pairs, in LUTs
    double overlap = 0.1;     ///< weight of the overlap beside the growth of a pair
    int exact = 6;            ///< from this number of terms on the tree is the cheapest
};

/// Terms above which no tree is solved exactly.
inline constexpr int most_exact = 8;

class Trees {
   public:
    /// Sum the terms of a row within `levels`; sums that are known and usable cost nothing.
    Term build(Nodes& nodes, std::vector<Term> terms, int levels, const Usable& usable,
               const TreeOptions& options, Random& random);

   private:
    struct Partner {
        int other = -1;
        double score = 0;
    };
    /// The sum of a subset of the terms, in units of the lowest shift of all.
    struct Part {
        Interval range;
        int lsb = 0, top = 0;     ///< bit positions as the cost sees them, absolute
        bool is_zero = false;
        Term known{-2, 0, 1};     ///< its value as a usable node
        std::uint64_t support = 0;
    };
    struct Best {
        std::int32_t price;
        std::int16_t split;  ///< 0: the part is a term or known
    };

    void merge_down(std::size_t count);
    void take_out(std::size_t i);
    void find_partner(std::size_t i);
    [[nodiscard]] double merge_score(Term x, Term y);
    [[nodiscard]] bool is_legal(Term x, Term y) const noexcept;
    Term build_exactly();
    void describe(std::size_t part);
    void find_best(std::size_t part);
    [[nodiscard]] int price(const Part& a, const Part& b, const Part& sum) const;
    Term assemble(std::size_t part, int depth);

    Nodes* nodes_ = nullptr;
    Usable usable_;
    TreeOptions options_;
    Random* random_ = nullptr;
    int levels_ = 0;
    std::int64_t room_ = 0;
    std::vector<Term> terms_;
    std::vector<Partner> partners_;
    std::array<Part, 1 << most_exact> parts_;
    std::array<std::vector<Coefficient>, 1 << most_exact> forms_;  ///< where supports meet
    std::vector<Best> best_;  ///< by part and depth
    int base_ = 0;                     ///< lowest shift of all
    int shallowest_ = 0, depths_ = 0;  ///< depths that `best_` knows
};

}  // namespace hgq2rtl::cmvm
